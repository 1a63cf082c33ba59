package rollout

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A SoakClock says which time counts towards a soak.
type SoakClock string

// The clocks of a soak.
const (
	// WallClock: all time counts.
	WallClock SoakClock = ""
	// PausingClock: only time in which the upstream was healthy counts.
	PausingClock SoakClock = "pause"
	// RestartingClock: the soak begins anew when the upstream is healthy
	// again.
	RestartingClock SoakClock = "restart"
)

// Health is what upstream clusters have to have reported of a revision, as
// commit statuses.
type Health struct {
	// Required are all needed. None of them asks for nothing.
	Required []Requirement
	// Settle is how long a success has to stand before it counts.
	Settle time.Duration
}

// A Requirement is one line of what the plan asks for.
type Requirement struct {
	// Cluster is whose reports they are.
	Cluster string
	// Contexts are the commit-status contexts that have to be good.
	Contexts Glob
	// Where the plan says it, as file:line.
	Where string
}

// Evidence is one commit status: what an upstream cluster's Flux reported of a
// revision. Context and description are whatever somebody with the right to
// write them wrote.
type Evidence struct {
	Context     string
	State       EvidenceState
	At          time.Time
	Description string
}

// EvidenceState is what a commit status says.
type EvidenceState string

// The states of a commit status, as GitHub names them.
const (
	EvidenceSuccess EvidenceState = "success"
	EvidenceFailure EvidenceState = "failure"
	EvidenceError   EvidenceState = "error"
	EvidencePending EvidenceState = "pending"
)

// A Glob matches names with slashes in them: `*` stands for any characters but
// a slash, `**` for any, `?` for one that is no slash. Everything else stands
// for itself.
type Glob struct {
	text    string
	matcher *regexp.Regexp
}

// ParseGlob takes a pattern of 1 to 255 characters.
func ParseGlob(pattern string) (Glob, error) {
	if pattern == "" || len(pattern) > 255 {
		return Glob{}, usagef("%q is no pattern: expected 1 to 255 characters", Printable(pattern, 80))
	}
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.NewReplacer(`\*\*`, `.*`, `\*`, `[^/]*`, `\?`, `[^/]`).Replace(quoted)
	matcher, err := regexp.Compile(`(?s)\A` + quoted + `\z`)
	if err != nil {
		return Glob{}, usagef("%q is no pattern: %s", Printable(pattern, 80), err)
	}
	return Glob{pattern, matcher}, nil
}

// Match tells whether a name matches. The zero Glob matches nothing.
func (g Glob) Match(name string) bool { return g.matcher != nil && g.matcher.MatchString(name) }

// String is the pattern as it was written.
func (g Glob) String() string { return g.text }

// Exact tells whether the pattern stands for one name only.
func (g Glob) Exact() bool { return !strings.ContainsAny(g.text, "*?") }

// Equal tells whether two patterns are written alike.
func (g Glob) Equal(other Glob) bool { return g.text == other.text }

// Windows say when a stage may take something: while at least one of Allow is
// open, or there is none, and none of Deny is.
type Windows struct {
	Allow, Deny []Window
}

// A Window is a time that comes once or again and again.
type Window struct {
	Schedule Schedule
	// Text is the window as the plan says it, and Reason why, if it says so.
	Text, Reason string
	// Where the plan says it, as file:line.
	Where string
}

// A Schedule is a sequence of spans, in order, that may be without an end.
// Spans may touch or overlap.
type Schedule interface {
	// Next is the first span that ends after a moment; it may have begun
	// before. It is false where there is none.
	Next(after time.Time) (Span, bool)
}

// A Span is the time from From up to, and without, To.
type Span struct{ From, To time.Time }

// MaxSoak is the longest soak that anything can ask for.
const MaxSoak = 365 * 24 * time.Hour

var (
	durationExpression = regexp.MustCompile(`^([0-9]{1,9}(\.[0-9]{1,9})?[wdhms])+$`)
	durationPart       = regexp.MustCompile(`([0-9.]+)([wdhms])`)
)

// errTooLong is the kind of a length above [MaxSoak].
var errTooLong = fmt.Errorf("%w: too long", ErrUsage)

// ParseDuration reads 45s, 90m, 24h, 1h30m, 7d and 1w: a day has 24 hours, a
// week seven days. It takes nothing negative, and nothing above [MaxSoak].
func ParseDuration(text string) (time.Duration, error) {
	if !durationExpression.MatchString(text) {
		return 0, usagef("%q is no length of time: write a number and a unit, such as 45s, 90m, 24h, 1h30m, 7d, 1w", Printable(text, 40))
	}
	var total time.Duration
	for _, part := range durationPart.FindAllStringSubmatch(text, -1) {
		number, unit, factor := part[1], part[2], time.Duration(1)
		switch unit {
		case "d":
			unit, factor = "h", 24
		case "w":
			unit, factor = "h", 7*24
		}
		length, err := time.ParseDuration(number + unit)
		if err != nil || length > MaxSoak/factor || total+length*factor > MaxSoak {
			return 0, &Problem{Kind: errTooLong, What: fmt.Sprintf("%q is longer than %s", Printable(text, 40), FormatDuration(MaxSoak))}
		}
		total += length * factor
	}
	return total, nil
}

// String is a requirement for people.
func (r Requirement) String() string { return fmt.Sprintf("%s of %s", r.Contexts, r.Cluster) }
