package rollout

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

var (
	// soakTrailer is a line of a commit's message that asks for a longer soak of
	// whatever contains the commit, "Rollout-Soak: 48h", and what people write
	// who mean it. It counts wherever it stands at the beginning of a line, since
	// forges move trailers about when they squash, but not in a block of code.
	soakTrailer = regexp.MustCompile(`(?i)^rollout[-_ ]?soak[ \t*_]*[:=](.*)$`)
	// bareTrailer is one without the colon. Nothing in it counts but a length of
	// time at once: the rest may be a sentence about soaks.
	bareTrailer = regexp.MustCompile(`(?i)^rollout[-_]soak[ \t]+(.*)$`)
	// spelledUnit is a unit that somebody wrote out.
	spelledUnit = regexp.MustCompile(`([0-9])[ \t]*(w|d|h|m|s)(?:eeks?|ays?|ours?|rs?|in(?:ute)?s?|ec(?:ond)?s?)?\b`)
)

const (
	// decoration is what people put before a line: an indent, a list, bold.
	decoration = " \t*+-_"
	// punctuation is what they put around a length of time.
	punctuation = "*_`'\"()[].,;:!"
	// readWords is how many words of a line are looked at, and unitsOfSoak how
	// many of them can be one length of time: 1w 2d 3h 4m 5s.
	readWords, unitsOfSoak = 12, 5
)

// soakAsked is the longest soak that a commit or one that it contains asks
// for, and which one does.
type soakAsked struct {
	length   time.Duration
	position int
	// complaint is about what the commit itself asks for.
	complaint string
}

// trailerSoak is what a message asks for: the longest of its trailers, at most
// [MaxSoak]. What is not written as it should be counts as what it probably
// means, for a soak that is too long does less harm than one that is too short;
// and is a complaint, as is what cannot be read at all.
func trailerSoak(message string) (length time.Duration, complaint string) {
	if !mayAsk(message) {
		return 0, ""
	}
	t := readText(message)
	// A fence that nobody closed is likelier forgotten than meant.
	for _, paragraph := range append(t.paragraphs, t.open) {
		for _, line := range paragraph {
			asked, wrong := lineSoak(line)
			length = max(length, asked)
			if wrong != "" {
				complaint = wrong
			}
		}
	}
	return length, complaint
}

// mayAsk tells whether a line of a message may be the trailer. Most messages
// have none, and need not be taken apart.
func mayAsk(message string) bool {
	for line := range strings.Lines(message) {
		if mayBeTrailer(line) {
			return true
		}
	}
	return false
}

func mayBeTrailer(line string) bool {
	const begin = "rollout"
	line = strings.TrimLeft(line, decoration)
	return len(line) > len(begin) && strings.EqualFold(line[:len(begin)], begin)
}

// lineSoak is what a line asks for.
func lineSoak(line string) (length time.Duration, complaint string) {
	if !mayBeTrailer(line) {
		return 0, ""
	}
	line = strings.TrimSpace(strings.TrimLeft(line, decoration))
	if found := soakTrailer.FindStringSubmatch(line); found != nil {
		words := soakWords(found[1])
		for from := range words {
			length = max(length, longestSoak(words[from:]))
		}
		return length, soakComplaint(found[1], length)
	}
	if found := bareTrailer.FindStringSubmatch(line); found != nil {
		length = longestSoak(soakWords(found[1]))
		return length, soakComplaint(found[1], length)
	}
	return 0, ""
}

// soakWords are the first words of a text, with units as a plan has them.
func soakWords(text string) []string {
	words := strings.Fields(spelledUnit.ReplaceAllString(strings.ToLower(text), "$1$2"))
	return words[:min(len(words), readWords)]
}

// longestSoak is the length of time with which some words begin, of as many of
// them as belong to it.
func longestSoak(words []string) time.Duration {
	for to := min(len(words), unitsOfSoak); to > 0; to-- {
		text := strings.Trim(strings.Join(words[:to], ""), punctuation)
		if !durationExpression.MatchString(text) {
			continue
		}
		if length, err := ParseDuration(text); err == nil {
			return length
		}
		return MaxSoak
	}
	return 0
}

// soakComplaint is what is wrong with the text of a trailer that is taken for a
// length of time.
func soakComplaint(text string, taken time.Duration) string {
	text = strings.TrimSpace(text)
	_, err := ParseDuration(strings.ToLower(text))
	switch {
	case err == nil || errors.Is(err, errTooLong):
		return ""
	case taken > 0:
		return fmt.Sprintf("is taken for %s: %s", FormatDuration(taken), err)
	default:
		return fmt.Sprintf("cannot be read: %s", err)
	}
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
