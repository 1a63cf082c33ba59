package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
	"github.com/monosense/k8s-ops/rollout/rollouttest/hostile"
)

var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func sha(digit string) rollout.SHA { return rollout.SHA(strings.Repeat(digit, 40)) }

// A fleet is what is watched. It may change while it is.
type fleet struct {
	mu sync.Mutex

	head     rollout.SHA
	down     error
	statuses int
	pulses   int
	// runs are those that go on, and asked how often somebody asked for them.
	runs  []rollout.Run
	asked int
	lost  error
	// skew is how much the forge's clock is ahead, and due when something may go out.
	skew time.Duration
	due  time.Duration
	// written is what people wrote, wherever they can.
	written string
}

var plan = rollout.Plan{
	Repository: rollout.Repository{Forge: rollout.ForgeGitHub, Host: "github.com", Owner: "octo-org", Name: "fleet"},
	Ledger:     "rollout/ledger", Stages: []rollout.Stage{{Name: "infra", Branch: "main"}, {Name: "apps", Branch: "release"}},
}

// change changes it.
func (f *fleet) change(how func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how()
}

func (f *fleet) status(context.Context) (rollout.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.statuses++
	if f.down != nil {
		return rollout.Status{}, f.down
	}
	at := time.Now().Add(f.skew)
	decision := rollout.Decision{Stage: plan.Stages[1], Action: rollout.Wait}
	if f.due > 0 {
		decision.RetryAt = at.Add(f.due)
	}
	var records []rollout.Record
	if f.written != "" {
		decision.Reason = f.written
		records = []rollout.Record{{Entry: rollout.Entry{Kind: rollout.EntryHold, By: f.written, Reason: f.written, At: at}}}
	}
	return rollout.Status{At: at, Plan: plan, Records: records, Stages: []rollout.StageStatus{
		{Stage: plan.Stages[0], Head: rollout.Head{Branch: "main", SHA: f.head}},
		{Stage: plan.Stages[1], Head: rollout.Head{Branch: "release", SHA: sha("1")}, Decision: &decision},
	}}, nil
}

func (f *fleet) pulse(ctx context.Context) (rollout.Pulse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pulses++
	e := rollout.Engine{Plan: plan, Remote: remote{f: f}}
	return e.Pulse(ctx)
}

// remote says where the branches stand, and nothing else.
type remote struct {
	rollout.Remote
	f *fleet
}

func (r remote) Observe(context.Context, rollout.Query) (rollout.Observation, error) {
	if r.f.down != nil {
		return rollout.Observation{}, r.f.down
	}
	return rollout.Observation{Heads: map[string]rollout.SHA{"main": r.f.head, "release": sha("1")}}, nil
}

func (f *fleet) going(_ context.Context) ([]rollout.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.runs, f.lost
}

func (f *fleet) options(out io.Writer) Options {
	return Options{
		Name: "octo-org/fleet", Status: f.status, Pulse: f.pulse, Runs: f.going, Patience: time.Minute, Now: time.Now, Zone: time.UTC, Out: out,
		Draw: func(s rollout.Status) report.Document { return report.Status(s, 5, nil) },
		Page: report.Terminal,
	}
}

// TestAnIdleHour: at most sixty requests an hour, a pulse being one, a status eight, and
// the runs one, also where something is due, and where the forge's clock is another.
func TestAnIdleHour(t *testing.T) {
	for name, f := range map[string]*fleet{
		"nothing": {head: sha("1")}, "due": {head: sha("1"), due: 20 * time.Minute}, "skewed": {head: sha("1"), due: 20 * time.Minute, skew: -5 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := Lines(ctx, f.options(io.Discard)); err != nil || f.statuses != 1 {
					t.Fatalf("%d statuses in the first minute: %v", f.statuses, err)
				}
				f.statuses, f.pulses, f.asked = 0, 0, 0
				ctx, cancel = context.WithTimeout(t.Context(), 6*time.Hour)
				defer cancel()
				if err := Lines(ctx, f.options(io.Discard)); err != nil {
					t.Fatal(err)
				}
				if requests := float64(f.pulses+8*f.statuses+f.asked) / 6; requests > 60 || f.pulses < 60 || f.statuses < 12 {
					t.Errorf("%.0f requests an hour; %d pulses, %d statuses in six", requests, f.pulses, f.statuses)
				}
			})
		})
	}
}

// TestLines: what changes is a line, and so is that there is no answer, once.
func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{head: sha("1")}
		var out bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- Lines(ctx, f.options(&out)) }()
		time.Sleep(quiet + time.Second)
		f.change(func() { f.head = sha("2") })
		time.Sleep(quiet)
		f.change(func() { f.down = errors.New("the connection\n\x1b[2Jwas cut") })
		time.Sleep(10 * time.Minute)
		asked := 0
		f.change(func() { asked, f.down = f.statuses, nil })
		time.Sleep(longestRetry)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		var texts []string
		for line := range strings.Lines(out.String()) {
			_, text, _ := strings.Cut(line, "UTC  ")
			texts = append(texts, text)
		}
		want := []string{
			"infra: main at 1111111\n", "apps: release at 1111111, not yet\n", "infra: main at 2222222\n",
			"no answer: observe octo-org/fleet: the connection · \\x1b[2Jwas cut\n", "there are answers again\n",
		}
		if got := strings.Join(texts, ""); got != strings.Join(want, "") {
			t.Errorf("got\n%s\nwant\n%s", out.String(), strings.Join(want, ""))
		}
		if asked > 12 {
			t.Errorf("it asked %d times in ten minutes without an answer", asked)
		}
	})
}

// TestRuns: a run that goes on stands above all else, step by step, until it ends; and
// is asked for often.
func TestRuns(t *testing.T) {
	f := &fleet{head: sha("1"), runs: []rollout.Run{{ID: 7, Status: "in_progress", URL: "https://forge/7", Jobs: []rollout.Job{{Name: "Override", Status: "in_progress", Step: "Compile\x1b[2J"}}}}}
	d := sit(t, f)
	d.later(0)
	d.shows("\nrun 7: in_progress (Override in_progress at Compile\\x1b[2J) https://forge/7", "infra: main at 1111111", "q quit")
	if lines := strings.Count(d.View().Content, "\n"); lines != 19 {
		t.Errorf("the screen has %d lines of 20", lines+1)
	}
	f.runs[0].Jobs[0].Step = "Override"
	d.later(lively)
	d.shows("at Override)")
	f.runs = nil
	d.later(lively)
	if strings.Contains(d.View().Content, "run 7") {
		t.Errorf("a run that has ended is shown:\n%s", d.View().Content)
	}
	f.lost = errors.New("the token may not\n  → give it Actions: read")
	d.later(livelyFor)
	d.shows("which runs go on is not known: the token may not", "infra: main at 1111111")
}

// TestScreenOfEnemies: whatever people wrote, and whatever comes of a question, a view and
// a key, the screen has its own lines and no others, and a terminal has nothing to obey.
func TestScreenOfEnemies(t *testing.T) {
	for _, text := range hostile.Texts() {
		t.Run(text.Name, func(t *testing.T) {
			f := &fleet{head: sha("1"), written: text.Text}
			f.runs = []rollout.Run{{ID: 7, Status: text.Text, Conclusion: text.Text, URL: text.Text, Jobs: []rollout.Job{{Name: text.Text, Status: text.Text, Step: text.Text}}}}
			d := sit(t, f, View{Key: "e", Name: "explain", Write: func(context.Context, report.Page, io.Writer) error { return errors.New(text.Text) }})
			d.Options.Name, d.Open = text.Text, func() error { return errors.New(text.Text) }
			screens := map[string]func(){
				"status": func() { d.later(0) }, "view": func() { d.press("e") }, "notice": func() { d.press("esc"); d.press("o") },
				"no answer": func() { f.down = errors.New(text.Text); d.press("r") }, "no runs": func() { f.down, f.lost = nil, errors.New(text.Text); d.press("r") },
			}
			for _, name := range []string{"status", "view", "notice", "no answer", "no runs"} {
				screens[name]()
				d.unforged(name)
			}
		})
	}
}

// unforged is that the screen has as many lines as it is high, none of which is
// somebody's own.
func (d *desk) unforged(name string) {
	d.t.Helper()
	content := d.View().Content
	if unseen := hostile.Unseen(content, '\n'); unseen != "" {
		d.t.Errorf("%s: the screen has %s", name, unseen)
	}
	if forged := hostile.Lines(content); len(forged) > 0 {
		d.t.Errorf("%s: somebody's own lines are %q", name, forged)
	}
	if lines := strings.Count(content, "\n"); lines != 19 {
		d.t.Errorf("%s: the screen has %d lines of 20", name, lines+1)
	}
}

// TestLinesThatCannotBePrinted end it, and that is an error.
func TestLinesThatCannotBePrinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{head: sha("1")}
		if err := Lines(t.Context(), f.options(brokenWriter{})); err == nil || !strings.Contains(err.Error(), "print") {
			t.Errorf("it ends with %v", err)
		}
	})
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// A desk is a screen whose questions are answered at once.
type desk struct {
	*model
	t   *testing.T
	now time.Time
}

func sit(t *testing.T, f *fleet, views ...View) *desk {
	t.Helper()
	d := &desk{t: t, now: began}
	o := f.options(io.Discard)
	o.Now, o.Views = func() time.Time { return d.now }, views
	o.Open = func() error { return errors.New("no browser\nhere") }
	d.model = newModel(t.Context(), o)
	d.send(tea.WindowSizeMsg{Width: 100, Height: 20})
	return d
}

// send gives the screen a message, and whatever comes of it but the next second.
func (d *desk) send(msg tea.Msg) {
	d.t.Helper()
	_, cmd := d.Update(msg)
	d.run(cmd)
}

func (d *desk) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, one := range msg {
			d.run(one)
		}
	case nil, tick:
	default:
		d.send(msg)
	}
}

func (d *desk) press(key string) {
	d.t.Helper()
	code := tea.Key{Text: key, Code: []rune(key)[0]}
	if key == "esc" {
		code = tea.Key{Code: tea.KeyEscape}
	}
	d.send(tea.KeyPressMsg(code))
}

// later lets time pass.
func (d *desk) later(by time.Duration) {
	d.t.Helper()
	d.now = d.now.Add(by)
	d.run(d.work())
}

func (d *desk) shows(texts ...string) {
	d.t.Helper()
	content := d.View().Content
	for _, text := range texts {
		if !strings.Contains(content, text) {
			d.t.Errorf("the screen does not show %q:\n%s", text, content)
		}
	}
	for line := range strings.Lines(content) {
		if strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x1b\r\t") {
			d.t.Errorf("the screen has %q", line)
		}
	}
}

// TestScreen: it counts down, says how old it is and what is wrong, and mends itself.
func TestScreen(t *testing.T) {
	f := &fleet{head: sha("1")}
	d := sit(t, f)
	d.shows("octo-org/fleet")
	slow := d.work()
	d.now = d.now.Add(3 * time.Second)
	d.shows("asking for 3s …")
	d.now = began
	d.run(slow)
	d.shows("infra: main at 1111111", "09:00:00  asked 0s ago", "q quit")
	d.later(time.Minute)
	d.shows("09:01:00  asked 1m ago")
	f.down = errors.New("cut")
	d.later(3 * time.Minute)
	d.shows("NO ANSWER since 09:04:00: observe octo-org/fleet: cut; asks again in 5s", "infra: main at 1111111")
	d.later(4 * time.Second)
	d.shows("asks again in 1s")
	d.later(time.Second)
	d.shows("NO ANSWER since 09:04:00", "asks again in 10s")
	f.down, f.head = nil, sha("2")
	d.later(10 * time.Second)
	d.shows("infra: main at 2222222", "asked 0s ago")
	if strings.Contains(d.View().Content, "NO ANSWER") || !d.View().AltScreen {
		t.Errorf("the screen is\n%s", d.View().Content)
	}
}

// TestKeys: views come and go, whatever they say; a key asks at once; and what no
// browser opens is said until the next key.
func TestKeys(t *testing.T) {
	f := &fleet{head: sha("1")}
	fails := false
	d := sit(t, f, View{Key: "e", Name: "explain", Write: func(_ context.Context, _ report.Page, w io.Writer) error {
		if fails {
			return errors.New("cut\n\x1b[2J")
		}
		_, err := fmt.Fprintln(w, "because it soaks")
		return err
	}})
	d.later(0)
	d.press("e")
	d.shows("because it soaks", "e back")
	d.press("e")
	d.shows("infra: main at 1111111", "e explain")
	fails = true
	d.press("e")
	d.shows(`cut · \x1b[2J`)
	d.press("esc")
	d.shows("infra: main at 1111111")
	f.head = sha("2")
	d.press("r")
	d.shows("infra: main at 2222222")
	d.press("o")
	d.shows("no browser · here")
	d.press("x")
	d.shows("q quit")
	d.send(tea.WindowSizeMsg{Width: 20, Height: 3})
	d.shows("octo-org/fleet")
}
