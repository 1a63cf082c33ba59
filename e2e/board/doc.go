// Package board looks at the board in a browser.
//
// # Model
//
// A headless Chromium opens the page as a file, as people do. What it says of the page,
// the console, the policy's refusals and axe-core included, is what the tests go by.
//
// # Invariants
//
// The browser has a profile of its own, asks nobody for anything but the file, and is
// gone when the tests are.
//
// # Concurrency
//
// One tab after the other.
//
// # Not handled
//
// Other browsers.
package board
