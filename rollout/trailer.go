package rollout

import (
	"strings"
	"time"
)

// soakTrailer begins a line of a commit's message that asks for a longer soak
// of whatever contains the commit. It counts wherever it stands at the
// beginning of a line, since forges move trailers about when they squash; it
// can only lengthen, so a false one does no harm.
const soakTrailer = "rollout-soak:"

// soakAsked is the longest soak that a commit or one that it contains asks
// for, and which one does.
type soakAsked struct {
	length   time.Duration
	position int
	// complaint is about what the commit itself asks for.
	complaint string
}

// trailerSoak is what a message asks for: the longest of its trailers. What
// cannot be read asks for nothing, and is a complaint.
func trailerSoak(message string) (length time.Duration, complaint string) {
	for line := range strings.Lines(message) {
		if len(line) < len(soakTrailer) || !strings.EqualFold(line[:len(soakTrailer)], soakTrailer) {
			continue
		}
		value := strings.TrimSpace(line[len(soakTrailer):])
		asked, err := ParseDuration(value)
		if err != nil {
			complaint = err.Error()
			continue
		}
		length = max(length, asked)
	}
	return length, complaint
}

// soakAsked finds out for every pending commit what its ancestors ask for.
func (g *graph) soakAsked() []soakAsked {
	all := make([]soakAsked, len(g.commits))
	for position := len(all) - 1; position >= 0; position-- {
		most := soakAsked{position: position}
		most.length, most.complaint = trailerSoak(g.commits[position].Message)
		for _, parent := range g.parents[position] {
			if all[parent].length > most.length {
				most.length, most.position = all[parent].length, all[parent].position
			}
		}
		all[position] = most
	}
	return all
}
