package rollout

import (
	"slices"
	"strings"
	"time"
)

// A SHA names a Git object by its full SHA-1 in lower-case hexadecimal. The
// empty SHA means that there is none: a branch that does not exist.
type SHA string

// shaLength is the length of a full SHA-1 in hexadecimal.
const shaLength = 40

// shortLength is how many digits of a SHA are shown to people, and the fewest
// that are taken from them.
const shortLength = 7

// ParseSHA takes a full SHA-1 in hexadecimal.
func ParseSHA(s string) (SHA, error) {
	if len(s) != shaLength || !isHex(s) {
		return "", usagef("%q is not a commit: expected 40 hexadecimal digits", s)
	}
	return SHA(strings.ToLower(s)), nil
}

// Short is the SHA as people read it.
func (s SHA) Short() string {
	if len(s) <= shortLength {
		return string(s)
	}
	return string(s[:shortLength])
}

// A Prefix is the beginning of a SHA, as an operator types it: 7 to 40
// hexadecimal digits.
type Prefix string

// ParsePrefix takes 7 to 40 hexadecimal digits.
func ParsePrefix(s string) (Prefix, error) {
	if len(s) < shortLength || len(s) > shaLength || !isHex(s) {
		return "", usagef("%q is not a commit: expected 7 to 40 hexadecimal digits, as git log prints them", s)
	}
	return Prefix(strings.ToLower(s)), nil
}

// Of tells whether the SHA begins with the prefix.
func (p Prefix) Of(s SHA) bool {
	return strings.HasPrefix(string(s), string(p))
}

func isHex(s string) bool {
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'f', r >= 'A' && r <= 'F':
		default:
			return false
		}
	}
	return true
}

// A Commit is what the history says of one commit. Everything but its SHA, its
// parents and its tree was written by its author and is to be treated as hostile.
type Commit struct {
	SHA     SHA
	Parents []SHA
	// Tree names the content. It is empty where it is not known.
	Tree    SHA
	Author  string
	Message string
	// Authored and Committed are its author's own dates. They say nothing
	// about when the commit arrived on a branch.
	Authored, Committed time.Time
}

// Subject is the first line of the commit's message.
func (c Commit) Subject() string {
	subject, _, _ := strings.Cut(strings.TrimLeft(c.Message, "\r\n"), "\n")
	return strings.TrimSpace(subject)
}

// A Movement is one row of a forge's push log: a branch pointed at one commit
// and then at another.
type Movement struct {
	// Before is empty where the branch was created, After where it was
	// deleted.
	Before, After SHA
	// At is when the branch moved, by the forge's clock.
	At time.Time
	// Forced says that After need not contain Before.
	Forced bool
}

// An Arrival is when a branch was first seen to point at a revision, as the
// ledger records it where the forge has no log of pushes.
type Arrival struct {
	Revision SHA       `json:"revision"`
	At       time.Time `json:"at"`
}

// A Revision is a commit that the upstream branch has pointed at, so a tree
// that an upstream cluster can have run.
type Revision struct {
	Commit
	// Arrival is when the upstream branch first pointed at the revision and
	// has contained it ever since, by the forge's clock.
	Arrival time.Time
	// Recorded is false where nothing says when the revision arrived: then
	// Arrival is the time of the observation, and is to be recorded.
	Recorded bool
	// Brings are the commits that the revision has and no older revision
	// has, children before parents; the first is the revision itself.
	Brings []Commit
	// FastForward tells whether the revision contains the stage's head.
	FastForward bool
}

// Equal tells whether two revisions are the same in every respect.
func (r Revision) Equal(other Revision) bool {
	return r.SHA == other.SHA && r.Arrival.Equal(other.Arrival) && r.Recorded == other.Recorded && r.FastForward == other.FastForward &&
		slices.EqualFunc(r.Brings, other.Brings, func(a, b Commit) bool { return a.SHA == b.SHA })
}
