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
	// mentions tells that they name something else beside.
	mentions bool
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
		text += "\n" + rapid.SampledFrom([][]string{
			{"Rollout-Soak: a while", "Rollout-Soak", "Rollout-Soak trailers are 99h", "> Rollout-Soak: 99h"},
			{"rollout-soak:13h", "  Rollout-Soak: 13h", "Rollout-Soak : 13h", "Rollout-Soak 13h"},
			{"Rollout-Soak: 1d2h\nRollout-Soak: 5m", "Rollout-Soak: 26h (migration)", "* Rollout-Soak: 1 day 2 hours", "**Rollout-Soak:** 26h"},
			{"ROLLOUT-SOAK:\t39h ", "\tRollout_Soak: at least 39h.", "Rollout soak: (39h)", "Rollout-Soak: 24h, better 39 hours"},
		}[soak]).Draw(t, "asked") + "\n"
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
	number := l.meant[x].number
	switch form := rapid.IntRange(0, 9).Draw(t, "form"); {
	case form > 7 || form > 5 && number == 0:
		text, m := l.subject(t, own)
		why := rapid.SampledFrom([]string{"", "It broke.\n", "It broke like #3.\n", "> Reverts #3\n"}).Draw(t, "why")
		m.title, m.mentions = title, strings.Contains(why, "#")
		return text + why, m
	case form > 5:
		text, m := l.subject(t, own)
		m.title, m.pulls = title, []int{number}
		slug := rapid.SampledFrom([]string{"octo/fleet", "Octo/Fleet", ""}).Draw(t, "slug")
		return text + fmt.Sprintf(rapid.SampledFrom([]string{"Reverts %s#%d\n", "Reverts %s#%d. It broke.\n", "It broke.\nReverts %s#%d because of that\n"}).Draw(t, "pull"), slug, number), m
	case form > 3:
		text, m := l.subject(t, fmt.Sprintf("Logins fail %d", l.made))
		return l.fill(t, text+rapid.SampledFrom(inItself).Draw(t, "body"), x, z, title, &m), m
	default:
		text, m := l.subject(t, own)
		m.title = title
		return l.fill(t, text+rapid.SampledFrom(belowATitle).Draw(t, "body"), x, z, title, &m), m
	}
}

// The bodies of messages that revert @X, and @Y where they name it, below a
// subject that says so, and below any other. @Z is a commit by its full name,
// @T the title.
var (
	belowATitle = []string{
		"This reverts commit @X.\n",
		"It broke.\n\nThis reverts commit @X.\nThis reverts commit @Y.\n\nSigned-off-by: Ada\n",
		"This reverts commits @X and @Y.\n",
		"This reverts commits @X and\n@Y.\n",
		"This reverts commit @X, reversing\nchanges made to @Z.\n",
		"This reverts commit @X because it broke.\n",
		"It broke.\nThis reverts commit @X: no more of it\n",
		"This reverts commit 99999999.\n",
	}
	inItself = []string{
		"This reverts commit @X (@T, 2026-03-02).\n",
		"This reverts commit @X (@T, 2026-03-02), reversing\nchanges made to @Z (@T, 2026-03-01).\n",
		"This reverts commit @X, reversing changes made to @Z.\n",
		"They broke.\n\nThis reverts commit @X.\n\nThis reverts commit @Y.\n\nFixes #3\n",
		"Nobody knows why.\n\nThis reverts commit @X.\nSee INC-12 for details.\n\nTomorrow more.\n",
		"* Revert \"x\"\n\nThis reverts commit @X.\n\n* Document it\n",
		"* Restore it\n\nThis reverts commit @X.\n\n* revert: it\n\nThis reverts commit @Y, which broke.\n",
	}
)

// fill writes names into the body of a revert.
func (l *life) fill(t *rapid.T, body string, x, z rollout.SHA, title string, m *meaning) string {
	for i, of := range []rollout.SHA{x, z} {
		if what := []string{"@X", "@Y"}[i]; strings.Contains(body, what) {
			m.commits = append(m.commits, l.short(t, of))
			body = strings.ReplaceAll(body, what, m.commits[len(m.commits)-1])
		}
	}
	m.mentions = true
	return strings.NewReplacer("@Z", string(z), "@T", title).Replace(body)
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
		"This reverts commit 9999999.", `Revert "` + l.meant[x].titles[0] + `"`, "Ask with Rollout-Soak: 99h",
		"It looks like this:\n\n" + line + "\n\n" + line + "\n\nNothing else counts.", line + "\n\nis what the bot wrote.", "Git writes\n\n" + line + "\nand more.",
		"Ben wrote this.\n\n" + line + "\n\nNo.", line + " It broke.", "<blockquote>\n\n" + line + "\n\n</blockquote>", "```\n" + line,
	}).Draw(t, "quote") + "\n", m
}
