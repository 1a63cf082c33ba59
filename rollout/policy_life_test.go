package rollout_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/monosense/k8s-ops/rollout"
)

// A life is a generated history with all that a policy looks at. It remembers
// what everybody meant by what they wrote, so that nobody has to read it.
// Everything happens on the hour.
type life struct {
	*mover
	stage    rollout.Stage
	meant    map[rollout.SHA]meaning
	evidence map[rollout.SHA][]rollout.Evidence
	state    rollout.State
	// trunk is what the first stage has and main has not yet, if anything, and
	// stood where release stood before, the newest first.
	trunk rollout.SHA
	stood []rollout.SHA
	// called is how the names of commits begin, and noted says that the forge
	// keeps no log of pushes, and that somebody noted each of them.
	called string
	noted  bool
	people
}

// people are how those in a life are: how many of a hundred pushes they force,
// and whether they write what a terminal must not be shown.
type people struct {
	forced  int
	hostile bool
}

// mostly are people who force a push in some lives only.
func mostly(t *rapid.T) people {
	return people{forced: rapid.SampledFrom([]int{0, 0, 25}).Draw(t, "forced")}
}

// name is that of a new commit. In some lives seven digits are too few to tell
// two of them apart.
func (l *life) name() string {
	l.made++
	return fmt.Sprintf("%s%d", l.called, l.made)
}

// later lets hours go by.
func (l *life) later(t *rapid.T, most int) {
	l.at = l.at.Add(time.Duration(rapid.IntRange(0, most).Draw(t, "hours")) * time.Hour)
}

// newLife has a first commit, at which release stands.
func newLife(t *rapid.T, of people) *life {
	l := &life{
		mover: &mover{world: newWorld(), at: epoch}, people: of,
		noted:  of.forced == 0 && rapid.IntRange(0, 3).Draw(t, "noted") == 3,
		called: rapid.SampledFrom([]string{"c", "c", "commit"}).Draw(t, "called"),
		meant:  map[rollout.SHA]meaning{}, evidence: map[rollout.SHA][]rollout.Evidence{},
	}
	l.stage = policy(t, l)
	l.branches["release"] = l.grow(t, "")
	l.move("main", l.branches["release"], l.at)
	l.cluster(t, l.branches["release"])
	return l
}

// live makes a life, up to the moment at which somebody looks.
func live(t *rapid.T, of people) *life {
	l := newLife(t, of)
	for range rapid.IntRange(1, 16).Draw(t, "events") {
		l.later(t, 9)
		l.happen(t)
	}
	l.later(t, 40)
	if back := rapid.IntRange(0, 20).Draw(t, "clock jumps back"); l.stage.SoakClock == rollout.WallClock && back > 15 {
		l.at = l.at.Add(-time.Duration(back) * time.Hour)
	}
	if rapid.IntRange(0, 3).Draw(t, "ahead") == 3 {
		l.trunk = l.grow(t, l.branches["main"])
	}
	switch where := rapid.IntRange(0, 9).Draw(t, "release"); {
	case where > 6:
		l.release(l.any(t, l.branches["main"]))
	case where == 6:
		l.release(rapid.SampledFrom(l.log["main"]).Draw(t, "row").After)
	}
	if rapid.IntRange(0, 3).Draw(t, "goes back") == 3 {
		l.restore(t)
	}
	return l
}

// restore has a stage go back, as a rule apps, from where it stands, or stood, to the
// files of any commit.
func (l *life) restore(t *rapid.T) {
	to := l.any(t, l.branches["main"])
	l.state.Restorations = append(l.state.Restorations, rollout.Restoration{
		Stage: rapid.SampledFrom([]string{"apps", "apps", "apps", "edge"}).Draw(t, "stage"),
		From:  rapid.SampledFrom(append([]rollout.SHA{l.branches["release"], l.branches["release"]}, l.stood...)).Draw(t, "from"),
		To:    to, Tree: l.commits[to].Tree, At: l.at,
	})
}

// release moves release.
func (l *life) release(to rollout.SHA) {
	l.stood = append([]rollout.SHA{l.branches["release"]}, l.stood...)
	l.branches["release"] = to
}

// happen is one event.
func (l *life) happen(t *rapid.T) {
	switch what := rapid.IntRange(0, 15).Draw(t, "event"); {
	case what < 8:
		l.push(t)
	case what < 14:
		of := rapid.SampledFrom(l.log["main"]).Draw(t, "row").After
		if rapid.IntRange(0, 9).Draw(t, "no revision") == 9 {
			of = l.any(t, of)
		}
		l.report(t, of, rapid.SampledFrom(contexts).Draw(t, "context"), rapid.SampledFrom(states).Draw(t, "state"))
	case what == 14:
		l.hold(t)
	default:
		l.mark(t)
	}
}

func (l *life) push(t *rapid.T) {
	head := l.branches["main"]
	var target rollout.SHA
	if rapid.IntRange(1, 100).Draw(t, "kind") > l.forced {
		target = l.grow(t, head)
	} else {
		target = l.any(t, head)
		if rapid.Bool().Draw(t, "brought back") {
			target = rapid.SampledFrom(l.log["main"]).Draw(t, "row").After
		}
		if rapid.Bool().Draw(t, "and on") {
			target = l.grow(t, target)
		}
	}
	if target != head {
		l.move("main", target, l.at)
		l.cluster(t, target)
	}
}

var (
	contexts = []string{"flux/x", "flux/y", "flux/x/deep", "ci"}
	states   = []rollout.EvidenceState{
		rollout.EvidenceSuccess, rollout.EvidenceSuccess, rollout.EvidenceSuccess,
		rollout.EvidenceFailure, rollout.EvidenceError, rollout.EvidencePending,
	}
)

func (l *life) report(t *rapid.T, of rollout.SHA, context string, state rollout.EvidenceState) {
	e := rollout.Evidence{Context: context, State: state, At: l.at, Description: l.text(t, "ready")}
	l.evidence[of] = append([]rollout.Evidence{e}, l.evidence[of]...)
}

// cluster is a cluster that applies what was pushed at once, as a rule.
func (l *life) cluster(t *rapid.T, head rollout.SHA) {
	if rapid.IntRange(0, 3).Draw(t, "skipped") == 3 {
		return
	}
	for _, context := range contexts[:rapid.SampledFrom([]int{2, 2, 2, 1, 3}).Draw(t, "contexts")] {
		l.report(t, head, context, rollout.EvidenceSuccess)
	}
}

func (l *life) hold(t *rapid.T) {
	h := rollout.Hold{
		Stage: rapid.SampledFrom([]string{"", "apps", "edge"}).Draw(t, "stage"),
		By:    l.text(t, "ada"), Reason: l.text(t, "a freeze"), At: l.at,
	}
	if rapid.IntRange(0, 4).Draw(t, "for good") < 4 {
		h.Until = l.at.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "for")) * time.Hour)
	}
	l.state.Holds = append(l.state.Holds, h)
}

// mark taints or clears a commit. An operator's last word on it counts. A
// clearance sets aside whatever main has by then.
func (l *life) mark(t *rapid.T) {
	mark := rollout.Mark{Commit: l.any(t, l.branches["main"]), By: l.text(t, "ada"), Reason: l.text(t, "it breaks"), At: l.at}
	other := func(m rollout.Mark) bool { return m.Commit == mark.Commit }
	l.state.Taints = slices.DeleteFunc(l.state.Taints, other)
	l.state.Cleared = slices.DeleteFunc(l.state.Cleared, other)
	if rapid.Bool().Draw(t, "taint") {
		l.state.Taints = append(l.state.Taints, mark)
		return
	}
	for _, c := range l.between("", l.branches["main"]) {
		mark.Reverts = append(mark.Reverts, c.SHA)
	}
	l.state.Cleared = append(l.state.Cleared, mark)
}

// look is what an engine would observe.
func (l *life) look() rollout.Snapshot {
	s := l.snapshot(l.at)
	s.State = rollout.State{Holds: slices.Clone(l.state.Holds), Taints: slices.Clone(l.state.Taints), Cleared: slices.Clone(l.state.Cleared), Restorations: slices.Clone(l.state.Restorations)}
	s.Ahead = l.between(l.branches["main"], l.trunk)
	if l.noted {
		s.Movements, s.PushLog = nil, false
		var notes []rollout.Arrival
		for _, row := range l.log["main"] {
			notes = append(notes, rollout.Arrival{Revision: row.After, At: row.At})
		}
		s.State.Arrivals = map[string][]rollout.Arrival{"main": notes}
	}
	s.Evidence = map[rollout.SHA][]rollout.Evidence{}
	if at := slices.IndexFunc(append([]rollout.SHA{s.Target.SHA}, l.stood...), l.reportedOf); at > 0 {
		s.Reported = l.stood[at-1]
	}
	for _, c := range append(slices.Clone(s.Pending), rollout.Commit{SHA: s.Target.SHA}, rollout.Commit{SHA: s.Reported}) {
		all := slices.Clone(l.evidence[c.SHA])
		if l.stage.SoakClock == rollout.WallClock && !l.settles(all) {
			all = newestOfEach(all)
		}
		if len(all) > 0 {
			s.Evidence[c.SHA] = all
		}
	}
	return s
}

// reportedOf tells whether anything was reported of a commit that matters.
func (l *life) reportedOf(c rollout.SHA) bool {
	return slices.ContainsFunc(l.evidence[c], func(e rollout.Evidence) bool { return l.matters(e.Context) })
}

// matters tells whether the plan asks for a context.
func (l *life) matters(context string) bool {
	return slices.ContainsFunc(l.stage.Health.Required, func(r rollout.Requirement) bool { return matches(r.Contexts.String(), context) })
}

// heads are what main pointed at and release has not.
func (l *life) heads() []rollout.SHA {
	main, released := l.reach(l.branches["main"]), l.reach(l.branches["release"])
	var all []rollout.SHA
	for _, row := range l.log["main"] {
		if main[row.After] && !released[row.After] && !slices.Contains(all, row.After) {
			all = append(all, row.After)
		}
	}
	return all
}

// settles tells whether a success has not stood for long enough: then the forge
// is asked since when it has.
func (l *life) settles(all []rollout.Evidence) bool {
	return slices.ContainsFunc(all, func(e rollout.Evidence) bool {
		return e.State == rollout.EvidenceSuccess && e.At.Add(l.stage.Health.Settle).After(l.at)
	})
}

// newestOfEach is what a forge tells that is not asked for more.
func newestOfEach(all []rollout.Evidence) []rollout.Evidence {
	var newest []rollout.Evidence
	for _, e := range all {
		if !slices.ContainsFunc(newest, func(n rollout.Evidence) bool { return n.Context == e.Context }) {
			newest = append(newest, e)
		}
	}
	return newest
}

// policy is what a plan could ask for.
func policy(t *rapid.T, l *life) rollout.Stage {
	stage := apps
	stage.Soak = rapid.SampledFrom([]time.Duration{0, time.Hour, 6 * time.Hour, 24 * time.Hour}).Draw(t, "soak")
	if asked := rapid.SampledFrom([]string{"", "", "flux/*", "flux/**", "flux/x", "flux/? ci", "**"}).Draw(t, "health"); asked != "" {
		healthy(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 5}).Draw(t, "settle"))*time.Hour, strings.Fields(asked)...)(&stage)
		stage.SoakClock = rapid.SampledFrom([]rollout.SoakClock{rollout.WallClock, rollout.PausingClock, rollout.RestartingClock}).Draw(t, "clock")
		stage.Observed = rapid.IntRange(0, 2).Draw(t, "observed") == 0
	}
	if rapid.Bool().Draw(t, "always open") {
		return stage
	}
	stage.Windows = rapid.SampledFrom([]rollout.Windows{
		{Allow: windows(daily{2, 6})},
		{Allow: windows(daily{20, 27}, spans{30, 33})},
		{Allow: windows(spans{3, 9, 40, 90})},
		{Deny: windows(daily{1, 5}, daily{4, 7})},
		{Deny: windows(spans{10, 60, 20, 30}, spans{60, 61})},
		{Allow: windows(daily{0, 12}, daily{12, 13}), Deny: windows(daily{3, 10}, spans{50, 80})},
		{Allow: windows(daily{5, 8}), Deny: windows(daily{4, 9})},
	}).Draw(t, "windows")
	for _, all := range [][]rollout.Window{stage.Windows.Allow, stage.Windows.Deny} {
		for i := range all {
			all[i].Text, all[i].Reason = l.text(t, "some time"), l.text(t, "freeze")
		}
	}
	return stage
}

// grow makes a few commits on top of a commit: plain ones, and merges of a
// side branch that begins anywhere below it.
func (l *life) grow(t *rapid.T, on rollout.SHA) rollout.SHA {
	if on == "" {
		return l.one(t, l.name())
	}
	for range rapid.IntRange(1, 3).Draw(t, "commits") {
		if rapid.IntRange(0, 4).Draw(t, "merge") < 4 {
			on = l.one(t, l.name(), on)
			continue
		}
		side := l.one(t, l.name(), l.any(t, on))
		parents := []rollout.SHA{on, side}
		if rapid.Bool().Draw(t, "swapped") {
			slices.Reverse(parents)
		}
		on = l.one(t, l.name(), parents...)
	}
	return on
}

// one makes a commit: its message, its tree, its author.
func (l *life) one(t *rapid.T, name string, parents ...rollout.SHA) rollout.SHA {
	message, meant := l.write(t, name, parents)
	l.messages[sha(name)], l.meant[sha(name)] = message, meant
	tree := rapid.IntRange(0, 9).Draw(t, "tree")
	if tree > 6 && len(parents) > 0 {
		l.trees[sha(name)] = l.commits[l.any(t, parents[0])].Tree
	}
	l.commit(name, parents...)
	c := l.commits[sha(name)]
	c.Author = l.text(t, "Ada")
	if tree == 6 {
		c.Tree = ""
	}
	l.commits[sha(name)] = c
	return c.SHA
}

// tale is a life and what was decided, to read when something is wrong.
func (l *life) tale(s rollout.Snapshot, d rollout.Decision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "soak %s %s, health %v settle %s, observed %t, windows %+v\n", l.stage.Soak, l.stage.SoakClock, l.stage.Health.Required, l.stage.Health.Settle, l.stage.Observed, l.stage.Windows)
	for i := range l.made {
		c := l.commits[sha(fmt.Sprintf("%s%d", l.called, i+1))]
		fmt.Fprintf(&b, "commit %s<", name(c.SHA))
		for _, p := range c.Parents {
			fmt.Fprintf(&b, "%s,", name(p))
		}
		fmt.Fprintf(&b, " tree %s %q\n", name(c.Tree), c.Message)
		for _, e := range slices.Backward(l.evidence[c.SHA]) {
			fmt.Fprintf(&b, "  %s report %s %s\n", hours(e.At), e.Context, e.State)
		}
	}
	for _, row := range l.log["main"] {
		fmt.Fprintf(&b, "%s push %s forced %t\n", hours(row.At), name(row.After), row.Forced)
	}
	for _, m := range l.state.Taints {
		fmt.Fprintf(&b, "taint %s\n", name(m.Commit))
	}
	for _, m := range l.state.Cleared {
		fmt.Fprintf(&b, "clear %s\n", name(m.Commit))
	}
	for _, h := range l.state.Holds {
		fmt.Fprintf(&b, "hold %q until %s\n", h.Stage, hours(h.Until))
	}
	for _, r := range l.state.Restorations {
		fmt.Fprintf(&b, "%s goes back from %s to %s, tree %s\n", r.Stage, name(r.From), name(r.To), name(r.Tree))
	}
	fmt.Fprintf(&b, "ahead %s, release %s, look %s\n%s\n", names(s.Ahead), name(s.Target.SHA), hours(s.At), describe(d))
	for _, v := range d.Verdicts {
		fmt.Fprintf(&b, "  %s %s retry %s: %s\n", name(v.Revision.SHA), v.Outcome, hours(v.RetryAt), v.Reason())
	}
	return b.String()
}
