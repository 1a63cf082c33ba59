package rollout

import (
	"errors"
	"strings"
	"time"
)

// soakTrailer begins a line of a commit's message that asks for a longer soak
// of whatever contains the commit. It counts wherever it stands at the
// beginning of a line, since forges move trailers about when they squash, but
// not in a block of code.
const soakTrailer = "rollout-soak:"

// soakAsked is the longest soak that a commit or one that it contains asks
// for, and which one does.
type soakAsked struct {
	length   time.Duration
	position int
	// complaint is about what the commit itself asks for.
	complaint string
}

// trailerSoak is what a message asks for: the longest of its trailers, at most
// [MaxSoak]. What cannot be read asks for nothing, and is a complaint.
func trailerSoak(message string) (length time.Duration, complaint string) {
	if !mayAsk(message) {
		return 0, ""
	}
	for _, paragraph := range readText(message).paragraphs {
		for _, line := range paragraph {
			value, ok := cutTrailer(line)
			if !ok {
				continue
			}
			asked, err := ParseDuration(strings.ToLower(strings.TrimSpace(value)))
			switch {
			case errors.Is(err, errTooLong):
				length = MaxSoak
			case err != nil:
				complaint = err.Error()
			default:
				length = max(length, asked)
			}
		}
	}
	return length, complaint
}

// mayAsk tells whether a line of a message looks like the trailer. Most
// messages have none, and need not be taken apart.
func mayAsk(message string) bool {
	for line := range strings.Lines(message) {
		if _, ok := cutTrailer(line); ok {
			return true
		}
	}
	return false
}

func cutTrailer(line string) (value string, ok bool) {
	if len(line) < len(soakTrailer) || !strings.EqualFold(line[:len(soakTrailer)], soakTrailer) {
		return "", false
	}
	return line[len(soakTrailer):], true
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
