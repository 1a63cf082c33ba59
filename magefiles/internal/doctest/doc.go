// Package doctest proves that README.md and docs/ say what is so.
//
// # Model
//
// A page is read as text: its headings, its fenced blocks, its links. What it
// has to agree with is read from where it is defined: targets and flags from
// the source of the Mage targets, tasks from the Taskfiles, exit codes from
// package wire, the plan's keys from the schema, the rules from package
// rollout. What is missing on either side fails a test.
//
// # Invariants
//
// Nothing here keeps a list of its own of what there is to document.
//
// # Concurrency
//
// Nothing is shared but what is only read.
//
// # Not handled
//
// Whether a sentence is true. Links to other sites are not followed.
package doctest
