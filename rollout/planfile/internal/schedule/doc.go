// Package schedule knows when the windows of a plan are open.
//
// # Model
//
// A window is written in the time that the clocks of a place show: a [Cron]
// expression with a length, a [Weekly] span, or two dates. Allows and Denies
// make a rollout.Schedule of either, by the zone, and [Bounds] cut one to two
// moments.
//
// What a wall clock shows is a time.Time labelled UTC here, so that arithmetic
// on it meets no transition. It becomes a moment by the passes of a zone
// (wall.go): in one pass nobody sets the clocks, and in the hour that autumn
// repeats they show one time in two passes.
//
// What the text of a window leaves open there is read in the stricter way. A
// deny window is closed at every moment at which the clocks show a time in it,
// in both passes, and a tick of cron comes in both. An allow window opens at the
// last moment at which the clocks show its beginning, closes at the first at
// which they show its end, and a tick of cron comes in the first pass alone. A
// time that the clocks skip in spring is the first moment after the gap, for
// both.
//
// github.com/adhocore/gronx says what a cron expression means. It is asked once
// for each value of each field when the expression is read, and its answers are
// kept as sets of bits: a search with gronx itself takes tens of microseconds a
// tick, and a policy looks ahead over thousands of them.
//
// # Invariants
//
//   - Spans come in the order of their beginnings and of their ends, and none
//     is empty. They may overlap. Those of one cron expression that follow each
//     other without a gap are one, as far as some days, or to where the clocks
//     are set next: so a search for the end of a window that begins anew every
//     minute is short. Of such a span what is over may be left out.
//   - The length of a cron window is elapsed time; the end of a weekly span is
//     what the clocks show. A deny window of cron lasts until both are over.
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
// Cron expressions with seconds or years. Zones that set their clocks twice in
// one day. A deny window of cron that begins in the hour that autumn repeats and
// is still open when the clocks are set in spring ends as if its tick had come
// the first time alone.
package schedule
