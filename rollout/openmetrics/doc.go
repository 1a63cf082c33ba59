// Package openmetrics writes where a rollout stands, and how well it does, for
// Prometheus.
//
// # Model
//
// [Write] makes a family of metrics of each kind of number, one sample of it for
// each stage, and writes them as OpenMetrics text. docs/metrics.md says what each
// means; [Names] lists them.
//
// # Invariants
//
// The output is the same for the same arguments, byte for byte. What a Pushgateway or
// a node-exporter reads is an older format, of which it is a valid text as well: no
// sample has a time of its own. What is not known has no sample, so that nobody takes
// it for nought.
//
// # Concurrency
//
// Everything here is a function of its arguments.
//
// # Not handled
//
// Sending them anywhere.
package openmetrics
