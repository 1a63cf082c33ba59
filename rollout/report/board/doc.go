// Package board draws a rollout as one page of HTML.
//
// # Model
//
// A [Board] is a status, the whole audit trail, and the measures of both. [Write]
// makes a page of it that stands alone: one file, which asks nobody for anything and
// works without a server. What stands now and the measures are in the page; the audit
// trail is in it as data, of which a script shows what somebody asks for.
//
// # Invariants
//
// The sentences are those of package report and of the decision. What somebody else
// wrote is text and nothing else: the template escapes it, the script sets it as text,
// and the page's content security policy runs no other script, loads nothing and sends
// nothing. No page is larger than [mostBytes]: of a longer trail the oldest
// entries are left out, and the page says how many.
//
// # Concurrency
//
// Everything here is a function of its arguments.
//
// # Not handled
//
// The time zone of whoever reads it: everything is UTC.
package board
