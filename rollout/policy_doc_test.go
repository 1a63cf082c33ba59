package rollout_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/planfile"
)

// policyPage has the policy's examples: each a story, and the decision that
// comes of it. With -update the decisions on it are written anew:
//
//	go test ./rollout -run TestExamplesOfThePolicy -update
const policyPage = "../docs/policy.md"

var update = flag.Bool("update", false, "write what is so into "+policyPage)

// A fenced is a block of a page.
type fenced struct {
	// info is what follows the opening fence, heading what it stands under.
	info, heading string
	line          int
	lines         []string
}

// fences are the blocks of a page.
func fences(t *testing.T, path string) []fenced {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []fenced
	open, heading := false, ""
	for i, line := range strings.Split(string(text), "\n") {
		info, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && !open:
			all = append(all, fenced{info: info, heading: heading, line: i + 2})
			open = true
		case isFence:
			open = false
		case open:
			all[len(all)-1].lines = append(all[len(all)-1].lines, line)
		case strings.HasPrefix(line, "#"):
			heading = strings.Trim(line, "# ")
		}
	}
	return all
}

func TestExamplesOfThePolicyAreTrue(t *testing.T) {
	blocks := fences(t, policyPage)
	stories := 0
	for i, b := range blocks {
		follows := i > 0 && blocks[i-1].info == "story"
		if (b.info == "decision") != follows {
			t.Errorf("%s:%d: a story is followed by its decision, and nothing else is", policyPage, b.line)
		}
		if b.info != "decision" || !follows {
			continue
		}
		stories++
		t.Run(fmt.Sprintf("%s, line %d", b.heading, b.line), func(t *testing.T) {
			e := play(t, blocks[i-1].lines)
			told := e.tell(t, b.lines)
			if *update {
				rewrite(t, b, told)
				return
			}
			if diff := cmp.Diff(b.lines, told); diff != "" {
				t.Errorf("%s:%d: what the page says is not so; run with -update, and read what changed (-page +policy):\n%s", policyPage, b.line, diff)
			}
			consistent(t, e.seen, e.decision)
		})
	}
	if stories == 0 {
		t.Errorf("%s has no examples", policyPage)
	}
}

// rewrite puts other lines in the place of a block's.
func rewrite(t *testing.T, b fenced, with []string) {
	t.Helper()
	text, err := os.ReadFile(policyPage)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	copy(lines[b.line-1:], with)
	if err := os.WriteFile(policyPage, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// An example is a story that has been told to its end.
type example struct {
	stage    rollout.Stage
	seen     rollout.Snapshot
	decision rollout.Decision
	rendered *renderer
}

// play tells a story in the words of [tell], and two more:
//
//	stage soakOn: healthy, …  what the plan says of apps, beside a soak of 24h
//	3 ahead C                 the first stage's branch has C, and the upstream not yet
func play(t *testing.T, lines []string) example {
	t.Helper()
	e := example{stage: planned(t, "")}
	s := newStoryteller()
	var ahead []rollout.Commit
	for _, line := range lines {
		words := strings.Fields(line)
		if words[0] == "stage" {
			e.stage = planned(t, strings.TrimSpace(strings.TrimPrefix(line, "stage")))
			continue
		}
		at, err := strconv.ParseFloat(words[0], 64)
		if err != nil || len(words) < 2 {
			t.Fatalf("a story has no line %q", line)
		}
		if words[1] != "ahead" {
			s.tell(t, at, words[1], words[2:])
			continue
		}
		on := s.branches["main"]
		if len(ahead) > 0 {
			on = ahead[len(ahead)-1].SHA
		}
		ahead = append(ahead, s.commits[s.commit(words[2], on)])
	}
	e.seen = s.seen
	e.seen.Ahead = ahead
	e.rendered = s.rendered
	e.decision = s.rendered.look(t, e.stage, &e.seen)
	return e
}

// planned is the stage apps of a plan that says this of it.
func planned(t *testing.T, says string) rollout.Stage {
	t.Helper()
	if !strings.Contains(says, "soak:") {
		says = strings.TrimSuffix("soak: 24h, "+says, ", ")
	}
	file, err := planfile.Parse("clusters/rollout.yaml", []byte(`
repository: https://github.com/octo/fleet
source: {name: fleet, namespace: flux-system}
ledger: rollout/ledger
stages:
  - {name: infra, branch: main, clusters: [infra]}
  - {name: apps, branch: release, clusters: [apps], `+says+`}
`), planfile.Options{Now: epoch})
	if err != nil {
		t.Fatalf("the plan that says %q is refused: %v", says, err)
	}
	stage, err := file.Plan.Stage("apps")
	if err != nil {
		t.Fatal(err)
	}
	return stage
}

// tell answers what a page asks: first the decision, then each thing by its
// name. A commit is why it goes out or does not, note what could not be used,
// and override, with the target's flags, what an override would do.
func (e example) tell(t *testing.T, asked []string) []string {
	t.Helper()
	told := []string{describe(e.decision)}
	for _, line := range asked[min(1, len(asked)):] {
		subject, _, _ := strings.Cut(line, ":")
		told = append(told, subject+": "+e.named(e.answer(t, subject)))
	}
	return told
}

func (e example) answer(t *testing.T, subject string) string {
	t.Helper()
	flags, override := strings.CutPrefix(subject, "override")
	switch {
	case override:
		return e.override(t, flags)
	case subject == "note":
		return strings.Join(e.decision.Complaints, "; ") + complaint(e.decision)
	}
	for _, v := range e.decision.Verdicts {
		if name(v.Revision.SHA) == subject {
			return v.Reason()
		}
	}
	return "there is no such revision"
}

// override is what an override with these flags would do.
func (e example) override(t *testing.T, flags string) string {
	t.Helper()
	request := rollout.OverrideRequest{ThroughHold: strings.Contains(flags, "-throughHold")}
	if _, of, ok := strings.Cut(flags, "-sha="); ok {
		request.Revision = rollout.Prefix(sha(strings.Fields(of)[0]))
	}
	d, err := rollout.DecideOverride(e.seen.At, e.stage, e.seen, request)
	if err == nil && d.Look != "" {
		e.rendered.lookAt(t, &e.seen, d.Look)
		d, err = rollout.DecideOverride(e.seen.At, e.stage, e.seen, request)
	}
	var problem *rollout.Problem
	if errors.As(err, &problem) {
		return "refused: " + problem.What
	}
	var gates []string
	for _, gate := range d.Skipped {
		gates = append(gates, string(gate))
	}
	return fmt.Sprintf("%s(%s) goes out, and skips: %s", name(d.Revision.SHA), names(d.GoesOut), strings.Join(gates, ", "))
}

// wholeOrShort are the names of commits, in full and as people read them.
var wholeOrShort = regexp.MustCompile(`\b[0-9a-f]{7}([0-9a-f]{33})?\b`)

// named is a text with the names of commits in the place of their SHAs.
func (e example) named(text string) string {
	known := map[string]string{e.seen.Target.SHA.Short(): name(e.seen.Target.SHA)}
	for _, commits := range [][]rollout.Commit{e.seen.Pending, e.seen.Ahead} {
		for _, c := range commits {
			known[c.SHA.Short()] = name(c.SHA)
		}
	}
	for _, r := range e.seen.State.Restorations {
		known[r.To.Short()] = name(r.To)
	}
	return wholeOrShort.ReplaceAllStringFunc(text, func(sha string) string {
		if of, ok := known[rollout.SHA(sha).Short()]; ok {
			return of
		}
		return sha
	})
}

// The page lists messages, and which of the commits before them they revert:
//
//	A: Tune the scheduler
//	reverts A: Revert "Tune the scheduler"
//	reverts nothing: Explain the outage
func TestRevertsOfThePolicyPageAreTrue(t *testing.T) {
	messages := 0
	for _, b := range fences(t, policyPage) {
		if b.info != "reverts" {
			continue
		}
		var earlier []string
		for i, line := range b.lines {
			subject, message, ok := strings.Cut(line, ": ")
			want, isMessage := strings.CutPrefix(subject, "reverts ")
			switch {
			case line == "":
			case !ok || !isMessage && subject != string(rune('A'+len(earlier))):
				t.Errorf("%s:%d: %q is neither the next commit nor a message that reverts", policyPage, b.line+i, line)
			case !isMessage:
				earlier = append(earlier, spell(message))
			default:
				messages++
				got := reverted(t, fleet, append(earlier[:len(earlier):len(earlier)], spell(message))...)
				if got == "" {
					got = "nothing"
				}
				if got != want {
					t.Errorf("%s:%d: it reverts %s, and not %s: %s", policyPage, b.line+i, got, want, message)
				}
			}
		}
	}
	if messages == 0 {
		t.Errorf("%s lists no messages", policyPage)
	}
}

// spell writes a message out: \n is a line break, @A the SHA of A, and @@A its
// first seven digits.
func spell(message string) string {
	message = strings.ReplaceAll(message, `\n`, "\n")
	return mention.ReplaceAllStringFunc(message, func(m string) string {
		if of, short := strings.CutPrefix(m, "@@"); short {
			return sha(of).Short()
		}
		return string(sha(m[1:]))
	})
}

// What the page says of the hours is so.
func TestHoursOfThePolicyPage(t *testing.T) {
	text, err := os.ReadFile(policyPage)
	if err != nil {
		t.Fatal(err)
	}
	if day := epoch.Format("Monday, 2 January 2006, 15:04"); !strings.Contains(string(text), "hour 0 is "+day+" UTC") || epoch.Location() != time.UTC {
		t.Errorf("%s does not say that hour 0 is %s UTC", policyPage, day)
	}
}
