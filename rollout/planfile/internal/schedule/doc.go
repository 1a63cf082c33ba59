// Package schedule knows when the windows of a plan are open.
//
// # Model
//
// A window is written in the time that the clocks of a place show: a [Cron]
// expression with a length, a [Weekly] span, or two dates. In makes a
// rollout.Schedule of either, by the zone, and [Bounds] cut one to two moments.
//
// What a wall clock shows is a time.Time labelled UTC here, so that arithmetic
// on it meets no transition. It becomes a moment in one place (wall.go): the
// first moment at which the clocks of the zone show that time or a later one.
// So a time that the clocks skip in spring is the first moment after the gap,
// and one that they show twice in autumn is the first of the two.
//
// github.com/adhocore/gronx says what a cron expression means. It is asked once
// for each value of each field when the expression is read, and its answers are
// kept as sets of bits: a search with gronx itself takes tens of microseconds a
// tick, and a policy looks ahead over thousands of them.
//
// # Invariants
//
//   - Spans come in the order of their beginnings and of their ends, and none
//     is empty. Those of one cron expression may overlap.
//   - The length of a cron window is elapsed time; the end of a weekly span is
//     what the clocks show.
//   - Next ends, whatever the expression: an expression that never fires is
//     refused, and every other fires within 41 years.
//   - A bare machine reads the same zones: the time zone database is linked in.
//
// # Concurrency
//
// Nothing here changes after it was made.
//
// # Not handled
//
// Cron expressions with seconds or years. Cron daemons that run an hourly job
// again in the hour that autumn repeats: here it is one hour in which nothing
// begins.
package schedule
