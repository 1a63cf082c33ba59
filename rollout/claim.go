package rollout

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A claim is what a commit's message says that it reverts.
type claim struct {
	// prefixes are of commits, pulls the numbers of pull requests.
	prefixes []Prefix
	pulls    []int
	// title is the subject of what is reverted. It is looked at only where
	// the others name nothing that is there.
	title string
	// named tells that the message names some commit or pull request, whether
	// it waits or not. Then the title alone proves nothing.
	named bool
}

const (
	and       = `(?:, ?and |, ?| and | & )`
	oneSHA    = `[0-9a-fA-F]{7,40}`
	someSHAs  = oneSHA + `(?:` + and + `(?:commit )?` + oneSHA + `)*`
	onePull   = `(?:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)?#[0-9]{1,9}`
	somePulls = onePull + `(?:` + and + onePull + `)*`
	// behindTitle is the number of the reverting pull request itself, and what
	// people tell their build system.
	behindTitle = `(?: \(#[0-9]{1,9}\))?(?: \[[a-z -]+\])?`
)

// A manner is how a line says that something is reverted.
type manner struct{ commits, pulls *regexp.Regexp }

var (
	// verbatim is what tools write: `git revert` (sequencer.c), with all that
	// Git, GitLab and people who revert several commits put after the name, a
	// full stop, ", reversing changes made to …", " (subject, date)", " and …";
	// and GitHub's button, into the description of a pull request, and so into
	// its squash or merge commit.
	verbatim = manner{
		regexp.MustCompile(`^This reverts commits? (` + someSHAs + `)(?:,? \(.*\))?(?:, reversing(?: changes made to ` + oneSHA + `(?: \(.*\))?)?)?\.?$`),
		regexp.MustCompile(`^Reverts (` + somePulls + `)\.?$`),
	}
	// inWords is what people make of it who go on in the same line.
	inWords = manner{
		regexp.MustCompile(`^This reverts commits? (` + someSHAs + `)\b`),
		regexp.MustCompile(`^Reverts (` + somePulls + `)\b`),
	}
	hexadecimal = regexp.MustCompile(`\b` + oneSHA + `\b`)
	pullName    = regexp.MustCompile(`([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)?#([0-9]{1,9})`)
	// wrapped is how the second line of such a sentence begins.
	wrapped = regexp.MustCompile(`^(?:changes made to |(?:and |& )?(?:commit )?` + oneSHA + `\b|(?:and |& )?` + onePull + `\b)`)
)

var (
	// revertingSubject is a subject that tools write above a revert: Git and
	// GitHub, commitlint, and people who revert by name.
	revertingSubject = regexp.MustCompile(`^(?:Revert|Reapply) "|^(?i:revert)(?:\([^()]*\))?!?: |^Revert (?:commit )?` + oneSHA + `\b`)
	// revertedCommit, revertedTitle and reappliedTitle are what it reverts.
	// Reapply is what Git calls a revert of a revert since 2.43.
	revertedCommit = regexp.MustCompile(`^Revert (?:commit )?(` + oneSHA + `)\b`)
	revertedTitle  = regexp.MustCompile(`^Revert "(.+)"` + behindTitle + `$`)
	reappliedTitle = regexp.MustCompile(`^Reapply "(.+)"` + behindTitle + `$`)
	// item is how a squash commit lists the subjects of what it is made of.
	item = regexp.MustCompile(`^(?:\* |- ((?:Revert|Reapply) "))`)
)

var (
	// introduction is the end of a paragraph that lets somebody else speak: a
	// colon, "Ben wrote this.", "…, which said".
	introduction = regexp.MustCompile(`:[*_]+$|^(?:\S+ ){1,3}(?:said|says|wrote)(?: (?:this|that|so|the following))?\.?$|\b(?:which|that|who) (?:said|says|wrote)$`)
	// continuation is the beginning of a paragraph that speaks of the one before
	// it, as the subject of its sentence.
	continuation = regexp.MustCompile(`^(?:is|was|are|were|and|or|which|means|meant)\b`)
	// sentenceEnd is the end of a line behind which a sentence can begin.
	sentenceEnd = regexp.MustCompile(`^<!--|^[^> \t].*[.!?)]$`)
	// trailer is what stands behind everything else: `git interpret-trailers`,
	// what GitHub closes and what people refer to.
	trailer = regexp.MustCompile(`^[A-Za-z][A-Za-z-]*: |^\(cherry picked from commit |^-{3,}$|(?i)^(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|refs?|references?|see)\b:? .*[#0-9/]`)
)

// claims reads a message. A line counts where Git, GitHub and people who revert
// write it. Below a subject that tools write above a revert that is wherever a
// sentence begins. In any other message it is a paragraph of its own. And
// nobody reverts anything by quoting such a line: indented, behind a >, in a
// block of code, after a colon, or in the middle of a text.
func claims(message string, of Repository) claim {
	var c claim
	body := readText(strings.TrimLeft(message, "\r\n")).paragraphs
	if len(body) == 0 {
		return c
	}
	c.readSubject(body[0][0])
	for _, p := range parts(body) {
		c.readPart(p, of)
	}
	body[0] = body[0][1:]
	c.named = len(c.prefixes) > 0 || slices.ContainsFunc(body, names)
	return c
}

// readSubject takes what the subject itself reverts.
func (c *claim) readSubject(subject string) {
	if found := revertedCommit.FindStringSubmatch(subject); found != nil {
		c.prefixes = append(c.prefixes, Prefix(strings.ToLower(found[1])))
	}
	if found := revertedTitle.FindStringSubmatch(subject); found != nil {
		c.title = found[1]
	} else if found := reappliedTitle.FindStringSubmatch(subject); found != nil {
		c.title = `Revert "` + found[1] + `"`
	}
}

// names tells whether a paragraph names a commit or a pull request.
func names(paragraph []string) bool {
	return slices.ContainsFunc(paragraph, func(line string) bool {
		return hexadecimal.MatchString(line) || pullName.MatchString(line)
	})
}

// A part is a message, or one of those that a squash or a merge commit holds.
type part struct {
	subject string
	// reverting tells that it says of itself that it reverts something.
	reverting bool
	// paragraphs are all of them. The subject is the beginning of the first,
	// and left out where it reverts something.
	paragraphs [][]string
}

// parts divides the paragraphs of a message. What is squashed into a revert
// belongs to it.
func parts(body [][]string) []part {
	var all []part
	for i, paragraph := range body {
		begins := i == 0 || item.MatchString(paragraph[0]) || i == 1 && mergedPull.MatchString(body[0][0])
		if !begins {
			last := &all[len(all)-1]
			last.paragraphs = append(last.paragraphs, paragraph)
			continue
		}
		p := part{subject: item.ReplaceAllString(paragraph[0], "$1")}
		p.reverting = i > 0 && all[0].reverting || revertingSubject.MatchString(p.subject)
		if p.reverting {
			paragraph = paragraph[1:]
		}
		p.paragraphs = append(p.paragraphs, paragraph)
		all = append(all, p)
	}
	return all
}

// readPart takes what the paragraphs of a part revert. Those that follow each
// other belong together: if the first is a quote, all are.
func (c *claim) readPart(p part, of Repository) {
	for from := 0; from < len(p.paragraphs); from++ {
		read, to := *c, from
		for to < len(p.paragraphs) && read.readParagraph(p, p.paragraphs[to], of) {
			to++
		}
		if to == from {
			continue
		}
		if !p.quotes(from, to) {
			*c = read
		}
		from = to
	}
}

// quotes tells whether somebody else speaks in the paragraphs from one up to
// another: the one before lets them, or the one behind speaks of it.
func (p part) quotes(from, to int) bool {
	before := p.subject
	if from > 0 && len(p.paragraphs[from-1]) > 0 {
		before = p.paragraphs[from-1][len(p.paragraphs[from-1])-1]
	}
	if strings.HasSuffix(before, ":") || from > 1 && introduction.MatchString(before) {
		return true
	}
	return !p.reverting && to < len(p.paragraphs) && continuation.MatchString(p.paragraphs[to][0])
}

// readParagraph takes what a paragraph reverts, and tells whether it reverts
// anything. Where nothing else says that the message is about a revert, the
// paragraph has to be what tools write, all of it but for trailers: else it is
// the beginning of a sentence about such a line.
func (c *claim) readParagraph(p part, lines []string, of Repository) bool {
	lines = unwrapped(lines)
	read := *c
	if p.reverting {
		found, before := false, true
		for i, line := range lines {
			begins := before || sentenceEnd.MatchString(lines[i-1])
			before = begins && read.read(line, inWords, of)
			found = found || before
		}
		*c = read
		return found
	}
	n := 0
	for n < len(lines) && read.read(lines[n], verbatim, of) {
		n++
	}
	if n > 0 && (n == len(lines) || trailer.MatchString(lines[n])) {
		*c = read
		return true
	}
	return false
}

// unwrapped puts together what somebody wrote into several lines.
func unwrapped(lines []string) []string {
	var all []string
	for len(lines) > 0 {
		n := 1
		if strings.HasPrefix(lines[0], "This reverts commit") || strings.HasPrefix(lines[0], "Reverts ") {
			for n < len(lines) && wrapped.MatchString(lines[n]) {
				n++
			}
		}
		all = append(all, strings.Join(lines[:n], " "))
		lines = lines[n:]
	}
	return all
}

// read takes one line, and tells whether it reverts something.
func (c *claim) read(line string, in manner, of Repository) bool {
	if found := in.commits.FindStringSubmatch(line); found != nil {
		for _, prefix := range hexadecimal.FindAllString(found[1], -1) {
			c.prefixes = append(c.prefixes, Prefix(strings.ToLower(prefix)))
		}
		return true
	}
	found := in.pulls.FindStringSubmatch(line)
	if found == nil {
		return false
	}
	for _, name := range pullName.FindAllStringSubmatch(found[1], -1) {
		if number, err := strconv.Atoi(name[2]); err == nil && of.named(name[1]) {
			c.pulls = append(c.pulls, number)
		}
	}
	return true
}

// named tells whether owner/name is this repository. Nothing is, too: the
// short form of a reference stays within the repository.
func (r Repository) named(slug string) bool {
	if slug == "" {
		return true
	}
	if r.Forge == ForgeGitHub {
		return strings.EqualFold(slug, r.Slug())
	}
	return strings.HasSuffix(strings.ToLower("/"+strings.TrimSuffix(r.URL, ".git")), "/"+strings.ToLower(slug))
}
