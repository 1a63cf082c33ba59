package rollout_test

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/monosense/k8s-ops/rollout"
)

// A meaning is what a commit's author says, and how others can call it.
type meaning struct {
	// commits, pulls and title are what it reverts.
	commits []string
	pulls   []int
	title   string
	// number is the pull request that it came with, and titles what a revert
	// can call it.
	number int
	titles []string
	// soak is how long it asks to soak.
	soak time.Duration
}

// oddities move the cursor, forge a line, turn the writing or order a
// workflow's runner about.
var oddities = []string{"\x1b[2J", "\a", "\u202e", "\u2028", "::error::x", "##[group]", "\x00", "\u200b", "\xff", "\r", "\u009b1m"}

// text is what somebody writes, who may be hostile.
func (l *life) text(t *rapid.T, plain string) string {
	if !l.hostile {
		return plain
	}
	return rapid.SampledFrom(oddities).Draw(t, "odd") + plain + rapid.SampledFrom(oddities).Draw(t, "odd")
}

// write is a commit's message, and what it means.
func (l *life) write(t *rapid.T, name string, parents []rollout.SHA) (string, meaning) {
	var text string
	var m meaning
	switch what := rapid.IntRange(0, 9).Draw(t, "message"); {
	case len(parents) > 0 && what > 7:
		text, m = l.revert(t, parents[0])
	case len(parents) > 0 && what > 6:
		text, m = l.quote(t, parents[0])
	case len(parents) > 1:
		m.number = 10 + l.made
		title := rapid.SampledFrom([]string{"Merge " + name, "Bump"}).Draw(t, "title")
		subject := fmt.Sprintf("Merge pull request #%d from octo/side", m.number)
		text, m.titles = subject+"\n\n"+title+"\n", []string{subject, title}
	default:
		text, m = l.subject(t, l.text(t, rapid.SampledFrom([]string{"Change " + name, "Change " + name, "Tune " + name, "Bump"}).Draw(t, "title")))
	}
	if soak := rapid.IntRange(-20, 3).Draw(t, "trailer"); soak >= 0 {
		m.soak = time.Duration(soak*13) * time.Hour
		text += "\n" + []string{"Rollout-Soak: a while", "rollout-soak:13h", "Rollout-Soak: 1d2h\nRollout-Soak: 5m", "ROLLOUT-SOAK:\t39h "}[soak] + "\n"
	}
	if rapid.IntRange(0, 9).Draw(t, "line breaks") == 9 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text + "\n" + l.text(t, "\n"), m
}

// subject is the first line of a message, perhaps with a pull request.
func (l *life) subject(t *rapid.T, title string) (string, meaning) {
	m := meaning{titles: []string{title}}
	if rapid.Bool().Draw(t, "squashed") {
		m.number = 10 + rapid.SampledFrom([]int{l.made, l.made, l.made, 1}).Draw(t, "number")
		title = fmt.Sprintf("%s (#%d)", title, m.number)
		m.titles = append(m.titles, title)
	}
	return title + "\n\n", m
}

// revert is a message that reverts something that a commit contains.
func (l *life) revert(t *rapid.T, on rollout.SHA) (string, meaning) {
	x, z := l.any(t, on), l.any(t, on)
	title := rapid.SampledFrom(l.meant[x].titles).Draw(t, "called")
	own := `Revert "` + title + `"`
	inner, ok := strings.CutPrefix(title, "Revert ")
	if ok && strings.HasSuffix(inner, `"`) && rapid.Bool().Draw(t, "reapply") {
		own = "Reapply " + inner
	}
	form := rapid.IntRange(0, 9).Draw(t, "form")
	switch form {
	case 4:
		own = fmt.Sprintf("Logins fail %d", l.made)
	case 5:
		own = fmt.Sprintf("Calm down %d", l.made)
	}
	text, m := l.subject(t, own)
	if form < 4 || form > 5 {
		m.title = title
	}
	number := l.meant[x].number
	if form > 7 || form > 5 && number == 0 {
		return text + rapid.SampledFrom([]string{"", "It broke.\n"}).Draw(t, "why"), m
	}
	if form > 5 {
		m.pulls = []int{number}
		return text + "Reverts " + rapid.SampledFrom([]string{"octo/fleet", "Octo/Fleet", ""}).Draw(t, "slug") + fmt.Sprintf("#%d\n", number), m
	}
	first, second := l.short(t, x), l.short(t, z)
	m.commits = []string{first}
	if form == 1 || form == 2 {
		m.commits = append(m.commits, second)
	}
	const line = "This reverts commit "
	return text + []string{
		line + first + ".\n",
		"It broke.\n\n" + line + first + ".\n" + line + second + ".\n\nSigned-off-by: Ada\n",
		"This reverts commits " + first + " and " + second + ".\n",
		line + first + ", reversing\nchanges made to " + string(z) + ".\n",
		line + first + " (" + title + ", 2026-03-02).\n",
		"* Revert \"x\"\n\n" + line + first + ".\n\n* Document it\n",
	}[form], m
}

// short is the name of a commit, as a rule abbreviated.
func (l *life) short(t *rapid.T, s rollout.SHA) string {
	return string(s)[:rapid.IntRange(7, 40).Draw(t, "digits")]
}

// quote is a message that looks as if it reverted something.
func (l *life) quote(t *rapid.T, on rollout.SHA) (string, meaning) {
	x := l.any(t, on)
	text, m := l.subject(t, fmt.Sprintf("Explain it %d", l.made))
	line := "This reverts commit " + string(x) + "."
	return text + rapid.SampledFrom([]string{
		"> " + line, "    " + line, "```\n\n" + line + "\n\n```", "~~~\n" + line + "\n~~~", "````\n```\n" + line + "\n````", "<!--\n\n" + line + "\n\n-->", "- " + line, "Somebody wrote: " + line,
		"Git writes:\n" + line, line + "\nis what it says", strings.TrimSuffix(line, ".") + " in spirit only.", strings.ToUpper(line),
		fmt.Sprintf("Reverts octo/other#%d", l.meant[x].number), fmt.Sprintf("> Reverts #%d", l.meant[x].number),
		"This reverts commit 9999999.", `Revert "` + l.meant[x].titles[0] + `"`, "Rollout-Soak 99h", " Rollout-Soak: 99h",
	}).Draw(t, "quote") + "\n", m
}
