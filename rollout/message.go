package rollout

import (
	"regexp"
	"slices"
	"strings"
)

// A text is a commit's message, without what GitHub shows as quoted.
type text struct {
	// paragraphs are the lines between empty ones. Of a block of code, of a
	// comment and of a quote in HTML they have the first line only.
	paragraphs [][]string
	// plain is how many of them stand before a markup that nothing closes.
	plain int
	// open are the lines behind a fence that nothing closes. CommonMark takes
	// all of them for code.
	open []string
}

// readText takes a message apart. It is linear in its length.
func readText(message string) text {
	t := text{plain: -1}
	var current []string
	end := func() {
		if len(current) > 0 {
			t.paragraphs, current = append(t.paragraphs, current), nil
		}
	}
	lines := strings.Split(message, "\n")
	ends := lastEnds(lines)
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \t\r")
		if line == "" {
			end()
			continue
		}
		current = append(current, line)
		if last, ok := blockAt(lines, i, ends); ok {
			if last == len(lines) {
				t.open = lines[i+1:]
			}
			i = last
		} else if t.plain < 0 && beginsMarkup(line) {
			t.plain = len(t.paragraphs)
		}
	}
	end()
	if t.plain < 0 {
		t.plain = len(t.paragraphs)
	}
	return t
}

// A markup is a block of HTML that holds what its writer does not say, or says
// to nobody.
type markup struct{ begin, end *regexp.Regexp }

var (
	// A fence is three backticks or tildes, or more, and is indented by less
	// than four. What follows backticks holds none.
	opening = regexp.MustCompile("^ {0,3}(`{3,}[^`]*|~{3,}.*)$")
	closing = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})[ \t\r]*$")
	markups = []markup{
		{regexp.MustCompile(`^ {0,3}<!--`), regexp.MustCompile(`-->`)},
		{regexp.MustCompile(`(?i)^ {0,3}<blockquote\b`), regexp.MustCompile(`(?i)</blockquote>`)},
		{regexp.MustCompile(`(?i)^ {0,3}<pre\b`), regexp.MustCompile(`(?i)</pre>`)},
	}
)

// lastEnds tells of each markup which line is the last that can end it. Without
// it every beginning in a hostile message would be searched to its end.
func lastEnds(lines []string) []int {
	ends := slices.Repeat([]int{-1}, len(markups))
	for i, line := range lines {
		if !strings.Contains(line, ">") {
			continue
		}
		for kind, m := range markups {
			if m.end.MatchString(line) {
				ends[kind] = i
			}
		}
	}
	return ends
}

// blockAt tells whether a block begins at a line, and which line is its last.
// A fence that nothing closes hides all that follows, as it does on GitHub; a
// markup that nothing closes hides nothing.
func blockAt(lines []string, i int, ends []int) (last int, ok bool) {
	begin := strings.TrimLeft(lines[i], " ")
	if strings.HasPrefix(begin, "<") {
		return markupAt(lines, i, ends)
	}
	if !strings.HasPrefix(begin, "```") && !strings.HasPrefix(begin, "~~~") {
		return i, false
	}
	found := opening.FindStringSubmatch(strings.TrimRight(lines[i], "\r"))
	if found == nil {
		return i, false
	}
	mark := found[1][:1]
	length := len(found[1]) - len(strings.TrimLeft(found[1], mark))
	for i++; i < len(lines) && !closes(lines[i], mark, length); i++ {
	}
	return i, true
}

// beginsMarkup tells whether a markup begins with a line.
func beginsMarkup(line string) bool {
	return strings.HasPrefix(strings.TrimLeft(line, " "), "<") &&
		slices.ContainsFunc(markups, func(m markup) bool { return m.begin.MatchString(line) })
}

func closes(line, mark string, length int) bool {
	found := closing.FindStringSubmatch(line)
	return found != nil && strings.HasPrefix(found[1], mark) && len(found[1]) >= length
}

func markupAt(lines []string, i int, ends []int) (last int, ok bool) {
	kind := slices.IndexFunc(markups, func(m markup) bool { return m.begin.MatchString(lines[i]) })
	if kind < 0 || ends[kind] < i {
		return i, false
	}
	for !markups[kind].end.MatchString(lines[i]) {
		i++
	}
	return i, true
}
