// Package watch keeps a status in sight: on a terminal as a page that follows what
// happens, elsewhere as lines that say what changed.
//
// # Model
//
// A session asks, remembers the last answer, and knows from its pace what to ask
// next and when: mostly for a pulse, which is one request, and for a whole status where
// that says that something moved, where time lets something out, and now and then,
// because clusters report without moving anything. [Live] draws it and listens to keys;
// [Lines] prints.
//
// # Invariants
//
// When nobody touches anything, it asks the forge for less than sixty requests an hour.
// A question without an answer is asked again, ever less often, and for good; meanwhile
// the last answer stays in sight, with its age. A terminal is left as it was found.
//
// # Concurrency
//
// One question at a time.
//
// # Not handled
//
// What a status says: rollout/report has the words.
package watch
