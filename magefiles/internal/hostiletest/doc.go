// Package hostiletest proves that what somebody else wrote is text wherever it is
// shown: it gives no orders to a terminal, to a workflow's runner, to a spreadsheet or
// to a browser, and forges no line, no cell and no markup.
//
// # Model
//
// An output is a function that shows something. A maker makes what it is given, of
// which every text is the same one of package hostile's, and the rest is as chance has
// it: one seed for all texts. What comes of a text is held against what comes of a
// tame one, by the rules of the medium: a terminal, a pipe, a log, Markdown, JSON,
// HTML.
//
// # Invariants
//
// Every exported function of the packages that show something is among the outputs, or
// among those that show nothing, with the reason. A maker knows every type that it
// meets, or the test fails: so a field that is added is filled, too.
//
// # Concurrency
//
// Texts are tried beside each other: they share nothing.
//
// # Not handled
//
// The live screen is tried in package watch, what Prometheus makes of metrics in
// package openmetrics, a page in a browser in e2e/board, and what the forge is given,
// pull requests and the ledger's commits, in the scripts of package scripttest.
package hostiletest
