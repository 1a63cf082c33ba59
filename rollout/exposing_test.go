package rollout_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A renderer tells of the exposure of a world's commits. The clusters of apps
// render every file; infra renders what lies below base/, and what it has met:
// then all that contains the commit with which it did has infra render it.
type renderer struct {
	*world
	files, meets map[rollout.SHA][]string
	// drops are the commits with which infra ceases to render a file, and brings
	// those with which apps begins to render one that it would not else.
	drops, brings map[rollout.SHA][]string
	// broken are the commits in which apps cannot be rendered.
	broken map[rollout.SHA]bool
	// looks counts the looks, and fail is what they come to.
	looks int
	fail  error
	// hang keeps a look from coming to an end.
	hang bool
	// deaf keeps it from that whatever its context says, until it is closed.
	deaf chan struct{}
}

func newRenderer(w *world) *renderer {
	return &renderer{
		world: w, files: map[rollout.SHA][]string{}, meets: map[rollout.SHA][]string{}, broken: map[rollout.SHA]bool{},
		drops: map[rollout.SHA][]string{}, brings: map[rollout.SHA][]string{},
	}
}

// Expose implements [rollout.Exposer].
func (r *renderer) Expose(ctx context.Context, from, to rollout.SHA) (rollout.Exposure, error) {
	if r.deaf != nil {
		<-r.deaf
		return rollout.Exposure{}, ctx.Err()
	}
	r.looks++
	if r.hang {
		<-ctx.Done()
		return rollout.Exposure{}, ctx.Err()
	}
	stage := rollout.StageExposure{Stage: "apps", Upstream: "infra"}
	for _, name := range r.changed(from, to) {
		f := rollout.ExposedFile{Name: name, Clusters: []string{"apps"}, New: !r.renders(from, name)}
		if r.met(to, name) {
			f.Exercised = []string{"infra"}
		}
		f.Left = r.met(from, name) && !r.met(to, name)
		if r.renders(to, name) {
			stage.Files = append(stage.Files, f)
		}
	}
	if r.broken[to] {
		stage.Broken = []string{"kustomize says no"}
	}
	return rollout.Exposure{From: from, To: to, Stages: []rollout.StageExposure{stage}}, r.fail
}

// met tells whether infra renders a file of a commit.
func (r *renderer) met(commit rollout.SHA, name string) bool {
	met := strings.HasPrefix(name, "base/")
	for c := range r.reach(commit) {
		met = met || slices.Contains(r.meets[c], name)
	}
	for c := range r.reach(commit) {
		met = met && !slices.Contains(r.drops[c], name)
	}
	return met
}

// renders tells whether apps renders a file of a commit.
func (r *renderer) renders(commit rollout.SHA, name string) bool {
	for c, names := range r.brings {
		if slices.Contains(names, name) {
			return r.reach(commit)[c]
		}
	}
	return true
}

// Changes implements [rollout.Exposer].
func (r *renderer) Changes(_ context.Context, commits []rollout.Commit) (map[rollout.SHA][][]string, error) {
	all := map[rollout.SHA][][]string{}
	for _, c := range commits {
		for _, parent := range c.Parents {
			all[c.SHA] = append(all[c.SHA], r.changed(parent, c.SHA))
		}
	}
	return all, nil
}

func (r *renderer) changed(from, to rollout.SHA) []string {
	names := map[string]bool{}
	for _, c := range r.between(from, to) {
		for _, name := range r.files[c.SHA] {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// look decides as an engine does: it looks at what it has to, and decides again.
func (r *renderer) look(t *testing.T, stage rollout.Stage, s *rollout.Snapshot) rollout.Decision {
	t.Helper()
	for {
		d := rollout.Decide(s.At, stage, *s)
		if d.Look == "" {
			return d
		}
		if _, again := s.Looks[d.Look]; again {
			t.Fatalf("asked to look at %s twice", name(d.Look))
		}
		r.lookAt(t, s, d.Look)
	}
}

// lookAt adds to a snapshot what is to be seen of a commit.
func (r *renderer) lookAt(t *testing.T, s *rollout.Snapshot, at rollout.SHA) {
	t.Helper()
	goesOut := r.between(s.Target.SHA, at)
	slices.SortStableFunc(goesOut, func(a, b rollout.Commit) int { return cmp.Compare(len(r.reach(b.SHA)), len(r.reach(a.SHA))) })
	exposure, err := r.Expose(t.Context(), s.Target.SHA, at)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := r.Changes(t.Context(), goesOut)
	if err != nil {
		t.Fatal(err)
	}
	if s.Looks == nil {
		s.Looks = map[rollout.SHA]rollout.Look{}
	}
	s.Looks[at] = rollout.NewLook(exposure.Of("apps"), goesOut, changes)
}

func exposing(policy rollout.ExposurePolicy) rollout.Stage {
	stage := apps
	stage.Exposure = policy
	return stage
}

// unexercised is a remote on which B changes what apps alone renders, and C what
// infra renders, too. Both have soaked.
func unexercised(t *testing.T) (*remote, *renderer) {
	t.Helper()
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.push("main", 2, "C")
	r.now = hour(30)
	x := newRenderer(r.world)
	x.files[sha("B")], x.files[sha("C")] = []string{"apps/b.yaml"}, []string{"base/c.yaml"}
	return r, x
}

func engineWith(r *remote, x rollout.Exposer, stage rollout.Stage) *rollout.Engine {
	plan := twoStages
	plan.Stages = []rollout.Stage{plan.Stages[0], stage}
	e := r.engine(plan)
	e.Exposer = x
	return e
}

// complaint is what is wrong with the exposure of what a decision promotes.
func complaint(d rollout.Decision) string {
	if d.Exposure == nil {
		return ""
	}
	return d.Exposure.Complaint()
}

func TestExposureIsLookedAtWhereThePlanAsks(t *testing.T) {
	for policy, want := range map[rollout.ExposurePolicy]struct {
		decision, says string
		looks          int
	}{
		rollout.ExposureIgnored:  {"promote C(C B): C@2h promotable, B@1h promotable", "", 0},
		rollout.ExposureWarned:   {"promote C(C B): C@2h promotable, B@1h promotable", "1 of the 2 changed files that apps renders was exercised by no cluster before it: apps/b.yaml (changed by 4200000)", 1},
		rollout.ExposureRequired: {"blocked: C@2h unexercised, B@1h unexercised", "", 1},
	} {
		t.Run(cmp.Or(string(policy), "ignored"), func(t *testing.T) {
			r, x := unexercised(t)
			receipt, err := engineWith(r, x, exposing(policy)).Promote(t.Context(), exposing(policy))
			if err != nil || describe(receipt.Decision) != want.decision || complaint(receipt.Decision) != want.says || x.looks != want.looks {
				t.Errorf("%s, %v, %q, %d looks", describe(receipt.Decision), err, complaint(receipt.Decision), x.looks)
			}
			if moved := r.branches["release"] == sha("C"); moved != (policy != rollout.ExposureRequired) {
				t.Errorf("release stands at %s", name(r.branches["release"]))
			}
		})
	}
}

// What cannot be seen stops a promotion where it is required, loudly, and is
// named where it is not.
func TestExposureThatCannotBeSeen(t *testing.T) {
	down := &rollout.Problem{Kind: rollout.ErrUnavailable, What: "the server is down"}
	t.Run("required", func(t *testing.T) {
		r, x := unexercised(t)
		x.fail = down
		stage := exposing(rollout.ExposureRequired)
		_, err := engineWith(r, x, stage).Promote(t.Context(), stage)
		if !errors.Is(err, rollout.ErrUnavailable) || !strings.HasPrefix(err.Error(), "find out what of 4300000 was exercised before apps: the server is down") || r.writes != 0 {
			t.Errorf("%v, %d writes", err, r.writes)
		}
		if _, err := engineWith(r, x, stage).Preview(t.Context(), stage); !errors.Is(err, rollout.ErrUnavailable) {
			t.Errorf("preview: %v", err)
		}
		all, err := engineWith(r, x, stage).Explain(t.Context(), []rollout.Stage{stage}, "")
		if err != nil || !strings.Contains(all[0].Subjects[0].Verdict.Reason(), "nobody knows what of it was exercised: the server is down") {
			t.Errorf("explain: %v, %q", err, all[0].Subjects[0].Verdict.Reason())
		}
	})
	t.Run("nobody renders", func(t *testing.T) {
		r, _ := unexercised(t)
		stage := exposing(rollout.ExposureRequired)
		if _, err := engineWith(r, nil, stage).Promote(t.Context(), stage); !errors.Is(err, rollout.ErrUsage) || r.writes != 0 {
			t.Errorf("%v, %d writes", err, r.writes)
		}
	})
	t.Run("warned of", func(t *testing.T) {
		r, x := unexercised(t)
		x.fail = down
		stage := exposing(rollout.ExposureWarned)
		receipt, err := engineWith(r, x, stage).Promote(t.Context(), stage)
		if err != nil || r.branches["release"] != sha("C") || !strings.Contains(complaint(receipt.Decision), "the server is down") {
			t.Errorf("%v, %q", err, complaint(receipt.Decision))
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		r, x := unexercised(t)
		x.hang = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		stage := exposing(rollout.ExposureWarned)
		if _, err := engineWith(r, x, stage).Promote(ctx, stage); !errors.Is(err, context.DeadlineExceeded) || r.writes != 0 {
			t.Errorf("%v, %d writes", err, r.writes)
		}
	})
}

// An override goes out whatever a look tells, and does not wait for long.
func TestOverrideAndExposure(t *testing.T) {
	stage := exposing(rollout.ExposureRequired)
	override := func(t *testing.T, r *remote, x *renderer) rollout.Receipt {
		t.Helper()
		e := engineWith(r, x, stage)
		preview, err := e.PreviewOverride(t.Context(), stage, rollout.OverrideRequest{})
		if err != nil || !slices.Contains(preview.Decision.Skipped, rollout.GateExposure) {
			t.Fatalf("preview: skips %v, %v", preview.Decision.Skipped, err)
		}
		receipt, err := e.Override(t.Context(), stage, rollout.OverrideRequest{Reason: "prod is down"})
		if err != nil || r.branches["release"] != sha("C") || !slices.Contains(receipt.Entry.Skipped, rollout.GateExposure) {
			t.Fatalf("%+v, %v", receipt.Entry, err)
		}
		return receipt
	}
	t.Run("it names what was not exercised", func(t *testing.T) {
		r, x := unexercised(t)
		r.now = hour(3)
		got := override(t, r, x).Decision.Exposure
		if got == nil || len(got.Unexcused) != 1 || got.Unexcused[0].Name != "apps/b.yaml" || got.FilesExercised() != 50 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("it waits half a minute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, x := unexercised(t)
			x.hang = true
			began := time.Now()
			if got := override(t, r, x).Decision.Exposure; got == nil || got.Failed == "" {
				t.Errorf("%+v", got)
			}
			if took := time.Since(began); took != 2*30*time.Second { // once to show it, and once to do it
				t.Errorf("it took %v", took)
			}
		})
	})
	t.Run("it waits for no build that nothing ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, x := unexercised(t)
			x.deaf = make(chan struct{})
			defer close(x.deaf)
			began := time.Now()
			if got := override(t, r, x).Decision.Exposure; got == nil || got.Failed != "to look takes longer than 30s" {
				t.Errorf("%+v", got)
			}
			if took := time.Since(began); took != 2*31*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	})
	t.Run("it goes through nothing that it need not", func(t *testing.T) {
		r, x := unexercised(t)
		x.files[sha("B")] = nil
		r.now = hour(3)
		preview, err := engineWith(r, x, stage).PreviewOverride(t.Context(), stage, rollout.OverrideRequest{})
		if err != nil || !slices.Equal(preview.Decision.Skipped, []rollout.Gate{rollout.GateSoak}) || preview.Decision.Exposure.FilesExercised() != 100 {
			t.Errorf("skips %v, %v", preview.Decision.Skipped, err)
		}
	})
}

// Explain looks at what is asked about, also while it soaks, and at the newest
// where nothing is.
func TestExplainTellsExposure(t *testing.T) {
	r, x := unexercised(t)
	r.now = hour(3)
	stage := exposing(rollout.ExposureWarned)
	for wanted, want := range map[rollout.Prefix]string{"": "4300000", "4200000": "4200000"} {
		all, err := engineWith(r, x, stage).Explain(t.Context(), []rollout.Stage{stage}, wanted)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all[0].Subjects {
			if looked := s.Exposure != nil; looked != (s.Commit.SHA.Short() == want) {
				t.Errorf("asked for %q: looked at %s: %v", wanted, name(s.Commit.SHA), looked)
			}
		}
	}
}

// A tree that cannot be rendered costs a look for each revision that has it, so
// there is an end to looking. Then nothing goes out.
func TestLookingComesToAnEnd(t *testing.T) {
	r := newRemote(t, "main", "release")
	x := newRenderer(r.world)
	for i := range 50 {
		name := fmt.Sprintf("N%d", i)
		r.push("main", float64(i)/100, name)
		x.broken[sha(name)] = true
	}
	r.now = hour(30)
	stage := exposing(rollout.ExposureRequired)
	receipt, err := engineWith(r, x, stage).Promote(t.Context(), stage)
	if err != nil || receipt.Decision.Action != rollout.Blocked || x.looks != 32 || r.writes != 0 {
		t.Errorf("%s, %v, %d looks, %d writes", receipt.Decision.Action, err, x.looks, r.writes)
	}
	if why := receipt.Decision.Verdicts[49].Reason(); why != "nobody has looked yet at what of it was exercised" {
		t.Errorf("the oldest: %s", why)
	}
}

// The trailer counts where it is written as it should be, and nowhere else.
func TestExcuses(t *testing.T) {
	for message, excused := range map[string]string{
		"Move it\n\nRollout-Unexercised: infra has no shop":                        "infra has no shop",
		"Move it\n\nrollout-unexercised:  infra has no shop \r\nSigned-off-by: A":  "infra has no shop",
		"Two (#3)\n\n* Move it\n\nRollout-Unexercised: infra has no shop\n\n* Two": "infra has no shop",
		"Move it\n\nRollout-Unexercised: a\nRollout-Unexercised: b":                "a",
		"Move it\n\nRollout-Unexercised:\nRollout-Unexercised: b":                  "b",
		"Move it":                                                        "",
		"Move it\n\nRollout-Unexercised:":                                "",
		"Move it\n\nRollout-Unexercised: \t":                             "",
		"Move it\n\nRollout-Unexercised infra has no shop":               "",
		"Move it\n\nRollout-Unexercise: infra has no shop":               "",
		"Move it\n\n> Rollout-Unexercised: infra has no shop":            "",
		"Move it\n\n- Rollout-Unexercised: infra has no shop":            "",
		"Move it\n\n    Rollout-Unexercised: infra has no shop":          "",
		"Move it\n\n```\nRollout-Unexercised: infra has no shop\n```":    "",
		"Move it\n\n```\nRollout-Unexercised: infra has no shop":         "",
		"Move it\n\n<!--\nRollout-Unexercised: infra has no shop\n-->":   "",
		"Move it\n\nWrite Rollout-Unexercised: infra has no shop":        "",
		"Move it\n\n<!--\nRollout-Unexercised: infra has no shop":        "",
		"Move it\n\n<pre>\n\nRollout-Unexercised: infra has no shop":     "",
		"Move it\n\nWhy: <!-- write\nRollout-Unexercised: a reason\n-->": "",
		"Move it\n\nWhy: <!-- write -->\nRollout-Unexercised: a reason":  "a reason",
		"Move it\n\n<!--\nWhy\n-->\nRollout-Unexercised: a reason":       "a reason",
		"Move it\n\nWhy: <!-- a\nb -->\nRollout-Unexercised: a reason":   "a reason",
		"Move it\n\nRollout-Unexercised: <!-- a reason -->":              "",
		"Move it\n\nRollout-Unexercised: <!-- a reason, if any":          "",
		"Move it\n\nRollout-Unexercised: <reason>":                       "",
		"Move it\n\nRollout-Unexercised: \u200b\u00a0":                   "",
		"Move it\n\nRollout-Unexercised: infra has no <Shop>":            "infra has no <Shop>",
	} {
		commit := rollout.Commit{SHA: sha("B"), Parents: []rollout.SHA{sha("A")}, Message: message}
		exposure := rollout.StageExposure{Stage: "apps", Files: []rollout.ExposedFile{{Name: "apps/x.yaml", Clusters: []string{"apps"}}}}
		look := rollout.NewLook(exposure, []rollout.Commit{commit}, map[rollout.SHA][][]string{sha("B"): {{"apps/x.yaml"}}})
		switch {
		case excused == "" && (len(look.Excused) > 0 || len(look.Unexcused) != 1):
			t.Errorf("%q excuses with %q", message, look.Excused[0].Reason)
		case excused != "" && (len(look.Excused) != 1 || look.Excused[0].Reason != excused || len(look.Unexcused) > 0):
			t.Errorf("%q excuses nothing, or something else: %+v", message, look)
		}
	}
}

// Of a change that no commit makes, as a merge can bring back what was there
// before, nobody can say why.
func TestNobodyExcusesWhatNoCommitChanges(t *testing.T) {
	excusing := "Merge\n\nRollout-Unexercised: infra has no shop"
	for name, c := range map[string]struct {
		message string
		differs [][]string
		excused bool
	}{
		"a commit that does not change it":        {excusing, [][]string{{"apps/other.yaml"}}, false},
		"nobody knows what it changes":            {excusing, nil, false},
		"a merge that changes it to neither side": {"Merge", [][]string{{"apps/x.yaml"}, {"apps/x.yaml"}}, false},
		"a merge that takes the other side":       {"Merge", [][]string{{"apps/x.yaml"}, nil}, false},
		"the same, which says why":                {excusing, [][]string{{"apps/x.yaml"}, nil}, true},
	} {
		commit := rollout.Commit{SHA: sha("M"), Parents: []rollout.SHA{sha("A"), sha("0")}, Message: c.message}
		exposure := rollout.StageExposure{Stage: "apps", Files: []rollout.ExposedFile{{Name: "apps/x.yaml", Clusters: []string{"apps"}}}}
		look := rollout.NewLook(exposure, []rollout.Commit{commit}, map[rollout.SHA][][]string{sha("M"): c.differs})
		if excused := len(look.Excused) == 1 && len(look.Unexcused) == 0; excused != c.excused {
			t.Errorf("%s: excused %v", name, excused)
		}
	}
}

// A look's words hold nobody's line breaks or escapes.
func TestComplaintsArePrintable(t *testing.T) {
	hostile := "apps/x\n\x1b[2Jrelease is fine.yaml"
	for _, look := range []rollout.Look{
		{StageExposure: rollout.StageExposure{Stage: "apps"}, Unexcused: []rollout.UnexcusedFile{{Name: hostile}}},
		{StageExposure: rollout.StageExposure{Stage: "apps", Broken: []string{hostile}}},
		{StageExposure: rollout.StageExposure{Stage: "apps", Idle: []string{hostile}}, Unexcused: []rollout.UnexcusedFile{{Name: "x"}}},
	} {
		if text := look.Complaint(); strings.ContainsAny(text, "\n\x1b") {
			t.Errorf("%q", text)
		}
	}
}

// Thousands of merges and files are looked through in time, and a long message is
// read once.
func TestLookIsNotQuadratic(t *testing.T) {
	const many = 5000
	sha := func(i int) rollout.SHA { return rollout.SHA(fmt.Sprintf("%040x", i)) }
	message := "Merge\n\n" + strings.Repeat("rollout\n\n", 1000) + "Rollout-Unexercised: infra has no shop"
	var goesOut []rollout.Commit
	var exposure rollout.StageExposure
	changes := map[rollout.SHA][][]string{}
	for i := many; i > 0; i-- {
		merge := rollout.Commit{SHA: sha(2 * i), Parents: []rollout.SHA{sha(2*i - 2), sha(2*i + 1)}, Message: "Merge\n\nRollout-Unexercised: a"}
		goesOut = append(goesOut, merge, rollout.Commit{SHA: sha(2*i + 1), Parents: merge.Parents[:1]})
		name := fmt.Sprintf("apps/%d.yaml", i)
		changes[sha(2)] = [][]string{append(slices.Concat(changes[sha(2)]...), name)}
		exposure.Files = append(exposure.Files, rollout.ExposedFile{Name: name})
	}
	goesOut[len(goesOut)-2].Message = message
	began := time.Now()
	look := rollout.NewLook(exposure, goesOut, changes)
	if took := time.Since(began); len(look.Excused) != many || took > 3*time.Second {
		t.Errorf("%d files are excused, after %v", len(look.Excused), took)
	}
}

// What a look finds of a revision does not hold for an older one that it contains
// where who renders the file has changed in between.
func TestWhoRendersAFileChanges(t *testing.T) {
	for name, c := range map[string]struct {
		set   func(*renderer)
		want  string
		looks int
	}{
		"infra ceases to": {func(x *renderer) {
			x.files[sha("B")] = []string{"base/b.yaml"}
			x.drops[sha("D")] = []string{"base/b.yaml"}
		}, "promote C(C B): D@3h unexercised, C@2h promotable, B@1h unproven", 2},
		"apps begins to": {func(x *renderer) {
			x.files[sha("B")], x.files[sha("D")] = []string{"apps/b.yaml"}, []string{"apps/kustomization.yaml"}
			x.brings[sha("D")] = []string{"apps/b.yaml"}
		}, "promote C(C B): D@3h unexercised, C@2h promotable, B@1h unproven", 2},
		"apps begins to at once": {func(x *renderer) {
			x.files[sha("B")] = []string{"apps/b.yaml", "apps/kustomization.yaml"}
			x.brings[sha("B")] = []string{"apps/b.yaml"}
		}, "blocked: D@3h unexercised, C@2h unexercised, B@1h unexercised", 1},
		"nobody": {func(x *renderer) {
			x.files[sha("B")] = []string{"apps/b.yaml"}
		}, "blocked: D@3h unexercised, C@2h unexercised, B@1h unexercised", 1},
	} {
		r := newRemote(t, "main", "release")
		for hours, name := range []string{"B", "C", "D"} {
			r.push("main", float64(hours+1), name)
		}
		r.now = hour(30)
		x := newRenderer(r.world)
		c.set(x)
		stage := exposing(rollout.ExposureRequired)
		receipt, err := engineWith(r, x, stage).Preview(t.Context(), stage)
		if got := describe(receipt.Decision); err != nil || got != c.want || x.looks != c.looks {
			t.Errorf("%s: %s after %d looks, %v", name, got, x.looks, err)
		}
	}
}

// What a stage before does not apply can be why nothing was met, so it is named.
func TestComplaintNamesWhatIsIdle(t *testing.T) {
	look := rollout.Look{
		StageExposure: rollout.StageExposure{Stage: "apps", Files: []rollout.ExposedFile{{Name: "base/x.yaml"}}, Idle: []string{"infra › shop: it is suspended"}},
		Unexcused:     []rollout.UnexcusedFile{{Name: "base/x.yaml", Commits: []rollout.SHA{sha("B")}}},
	}
	const says = "the 1 changed file that apps renders was exercised by no cluster before it: base/x.yaml (changed by 4200000); not applied there: infra › shop: it is suspended"
	if got := look.Complaint(); got != says {
		t.Errorf("it says %q", got)
	}
	look.Idle = append(look.Idle, "infra › cart: it is suspended")
	if got := look.Complaint(); got != says+", and 1 more" {
		t.Errorf("it says %q", got)
	}
}
