package mutation

// A bug is one wrong place in the source.
type bug struct {
	name string
	// file is below rollout/; old is there exactly once, and becomes new.
	file, old, new string
	// by are the numbers of the invariants that may find it first.
	by string
}

var bugs = []bug{
	// The policy of a revision.
	{
		"the soak is not waited for", "judge.go",
		`if left <= 0 {`, `if left <= left {`, "3",
	},
	{
		"a commit that asks for a longer soak is not heard", "judge.go",
		`return max(v.stage.Soak, v.asked[position].length)`, `return v.stage.Soak`, "3",
	},
	{
		"one that asks for it in an indented line is not heard", "trailer.go",
		`decoration = " \t*+-_"`, `decoration = ""`, "3, 8",
	},
	{
		"holds are not looked at", "judge.go",
		`blocks = append(blocks, v.held...)`, `blocks = append(blocks, v.held[:0]...)`, "5",
	},
	{
		"taints are not looked at", "judge.go",
		`for _, i := range taints {`, `for _, i := range taints[:0] {`, "4",
	},
	{
		"health is not asked for", "judge.go",
		`if len(v.stage.Health.Required) > 0 {`, `if len(v.stage.Health.Required) > 99 {`, "7",
	},
	{
		"what ran nowhere goes out", "judge.go",
		`if v.stage.Observed && `, `if v.stage.Observed && v.now.IsZero() && `, "7",
	},
	{
		"windows are not looked at", "judge.go",
		`blocks = append(blocks, v.closed(free)...)`, ``, "6",
	},
	{
		"a tree is free to go that soaked in a tainted revision", "judge.go",
		`if len(taints) == 0 && r.Tree != "" {`, `if r.Tree != "" {`, "3, 7",
	},
	{
		"the same tree soaks again", "judge.go",
		`return "", r.Tree != ""`, `return "", false`, "3, 7",
	},
	// Arrivals.
	{
		"an arrival is the newest push that has the commit, not the oldest", "arrivals.go",
		`if !t.since[p].IsZero() {`, `if t.since[p].Equal(at) {`, "3",
	},
	{
		"what a force-push took away and another brought back has soaked meanwhile", "arrivals.go",
		`if !t.add(to, at) {`, `if !t.add(to, at) && len(to) > len(t.each) {`, "3",
	},
	{
		"what a force-push left in place soaks anew", "arrivals.go",
		`t.last, t.lastAt = sha, t.behind[sha]`, `t.last, t.lastAt = sha, nil`, "3",
	},
	{
		"what is no fast-forward may go out", "arrivals.go",
		`FastForward: fastForward[position],`, `FastForward: fastForward[position] || true,`, "2",
	},
	{
		"an arrival is recorded as earlier than it was", "engine.go",
		`return roundUp(later(t, s.Entered))`, `return roundUp(t.AddDate(0, 0, -1))`, "3",
	},
	{
		"an arrival is recorded by a clock that has gone back behind the ledger", "engine.go",
		`return roundUp(later(t, s.Entered))`, `return roundUp(t)`, "3",
	},
	{
		"recorded arrivals are forgotten", "engine.go",
		`state := s.State.lasting(s.At).Without(s.Upstream.Branch, still)`,
		`state := s.State.lasting(s.At).Without(s.Upstream.Branch, func(SHA) bool { return false })`, "8",
	},
	// Reverts.
	{
		"a revert of a revert does not count", "revert.go",
		`return !r.undone[y] })`, `return y >= 0 })`, "4, 9",
	},
	{
		"a quote that is indented reverts", "message.go",
		`line := strings.TrimRight(lines[i], " \t\r")`, `line := strings.TrimSpace(lines[i])`, "4",
	},
	{
		"a line in a block of code reverts", "message.go",
		`if last, ok := blockAt(lines, i, ends); ok {`, `if last, ok := blockAt(lines, i, ends); ok && i < 0 {`, "4",
	},
	{
		"a line that a colon introduces reverts", "claim.go",
		`if strings.HasSuffix(before, ":") ||`, `if strings.HasSuffix(before, "::") ||`, "4",
	},
	{
		"a revert that gives its reason in the same line is none", "claim.go",
		`read.read(line, inWords, of)`, `read.read(line, verbatim, of)`, "4",
	},
	{
		"an abbreviated name names nothing", "revert.go",
		`return d.bySHA[i], !ambiguous`, `return d.bySHA[i], ambiguous`, "4, 11",
	},
	{
		"the number of a pull request names nothing", "claim.go",
		`c.pulls = append(c.pulls, number)`, `_ = number`, "4, 11",
	},
	{
		"the pull request of another repository counts", "claim.go",
		`err == nil && of.named(name[1])`, `err == nil`, "4",
	},
	{
		"a revert counts only once it is on the stage's own upstream", "engine.go",
		`case first.Branch == s.Upstream.Branch:`, `case first.Branch != "":`, "4",
	},
	{
		"a commit is bad although an operator cleared it", "taint.go",
		`p.effective(x, setAside(cleared, x))`, `p.effective(x, setAside(cleared, x)[:0])`, "4",
	},
	{
		"an operator's taint is not heard", "taint.go",
		`if marked != nil && marked[x] != nil {`, `if marked != nil && marked[x] != nil && x < 0 {`, "4",
	},
	// Health.
	{
		"the oldest report of a context counts, not the newest", "rollouttest/memory/witness.go",
		`slices.Reverse(log)`, ``, "7",
	},
	{
		"a success counts at once", "health.go",
		`return !since.Add(x.asked.Settle).After(now)`, `return !since.After(now)`, "7",
	},
	{
		"a success that is reported again settles anew", "health.go",
		`x.success(now, evidence[i:])`, `x.success(now, evidence[i:i+1])`, "7, 8",
	},
	{
		"a newer revision's report counts rather than the revision's own", "health.go",
		`if own[c].state != unreported || !reported(handed, c) {`, `if !reported(handed, c) {`, "7",
	},
	{
		"what nobody reported of is healthy", "health.go",
		`x.found[position] != nil && x.found[position][c].state == good {`,
		`(x.found[position] == nil || x.found[position][c].state == good) {`, "7",
	},
	{
		"a failure is forgotten once something else is reported", "past.go",
		`is = past{before: own, failed: leave(is.failed, own)}`, `is = past{before: own, failed: leave(nil, own)}`, "7",
	},
	{
		"a failure of the stage's head is forgotten", "past.go",
		`is := past{before: x.before, failed: leave(nil, x.before)}`, `is := past{before: x.before}`, "7",
	},
	{
		"what a newer revision reports mends what failed before", "past.go",
		`return p.failed[c]`, `return condition{}`, "7",
	},
	{
		"a failure counts although an operator cleared it", "past.go",
		`return c.state == bad && !c.forgiven`, `return c.state == bad`, "7, 8",
	},
	{
		"a tree is free to go that failed after it had soaked", "judge.go",
		`delete(v.passed, r.Tree)`, `_ = v.passed[r.Tree]`, "3, 7",
	},
	{
		"a soak on healthy time does not pause", "healthytime.go",
		`return h.until(now) - h.until(arrival)`, `return now.Sub(arrival)`, "3, 8",
	},
	{
		"a soak goes on over a failure that restarts it", "healthytime.go",
		`return now.Sub(later(arrival, h.at[len(h.at)-1]))`, `return now.Sub(arrival)`, "3, 8",
	},
	// Operators.
	{
		"a hold that has run out holds", "snapshot.go",
		`(h.Until.IsZero() || now.Before(h.Until))`, `(h.Until.IsZero() || now.Before(h.Until.AddDate(0, 0, 1)))`, "5",
	},
	{
		"a hold that runs out does not hold", "snapshot.go",
		`(h.Until.IsZero() || now.Before(h.Until))`, `h.Until.IsZero()`, "5",
	},
	{
		"a hold of all stages holds none", "snapshot.go",
		`(h.Stage == "" || h.Stage == stage)`, `h.Stage == stage`, "5",
	},
	{
		"whoever resumes lifts everybody's holds", "hold.go",
		`(h.Suspended != "" || h.By == whose)`, `(h.Suspended != "" || h.By != "")`, "9",
	},
	{
		"a promotion drops every taint", "engine.go",
		`passed := func(m Mark) bool { return out[m.Commit] }`, `passed := func(m Mark) bool { return m.Commit != "" || out[m.Commit] }`, "9",
	},
	{
		"the next entry drops holds that have not run out", "write.go",
		`return !h.Holds(h.Stage, now)`, `return !h.Until.IsZero()`, "9",
	},
	{
		"a clock that is ahead takes a hold away for good", "write.go",
		`return s.current(now.Add(-holdsKept))`, `return s.current(now)`, "5, 9",
	},
	{
		"an override goes through a taint", "override.go",
		`case b.Gate == GateTaint:`, `case b.Gate == GateTaint && b.Commit == "":`, "4",
	},
	{
		"an override goes through a hold that it was not told to go through", "override.go",
		`case b.Gate == GateHold && !request.ThroughHold:`, `case b.Gate == GateHold && request.Revision == "-":`, "5",
	},
	// Exposure.
	{
		"what soaked for nothing goes out", "exposing.go",
		`if look.mayPass() {`, `if look.mayPass() || look.Failed == "" {`, "13",
	},
	{
		"nobody looks at what of a revision was exercised", "exposing.go",
		`for range looksAtMost {`, `for range looksAtMost / 33 {`, "8, 13",
	},
	{
		"a commit that says why speaks for all that change the file", "look.go",
		`if len(by) == 0 || len(unexcused.Commits) > 0 {`, `if len(by) == 0 || len(unexcused.Commits) == len(by) {`, "13",
	},
	{
		"an excuse without a colon counts", "look.go",
		"`(?i)^rollout-unexercised:[ \\t]*(\\S.*)$`", "`(?i)^rollout-unexercised:?[ \\t]*(\\S.*)$`", "13",
	},
	{
		"a merge that says why does not speak for what it brings", "look.go",
		`for _, brought := range broughtByMerge(c, commits, places) {`, `for _, brought := range broughtByMerge(c, commits, nil) {`, "13",
	},
	{
		"a revision is kept in by half of what changed a file", "graph.go",
		`contains[p] = len(positions) > 0 && has[p] == all`, `contains[p] = len(positions) > 0 && has[p]&all != 0`, "13",
	},
	// The ledger.
	{
		"a lost answer is decided anew, blindly", "commit.go",
		`if unclear == nil {`, `if unclear != nil {
			return "", ErrMoved
		}
		if unclear == nil {`, "9",
	},
	{
		"a transaction that was carried out is not recognised", "commit.go",
		`if commit.SHA == sha {`, `if commit.SHA == sha && sha == "" {`, "9, 12",
	},
	{
		"the entry is written in a transaction of its own", "engine.go",
		`if r.Commit, err = e.commit(ctx, t); err != nil {`, `if alone := (Transaction{Ledger: t.Ledger, Draft: t.Draft}); t.Branch != "" {
		if t.Ledger.SHA, err = e.commit(ctx, alone); err != nil {
			return r, err
		}
	}
	if r.Commit, err = e.commit(ctx, t); err != nil {`, "9",
	},
	{
		"nobody compares the ledger's head before it is swapped", "rollouttest/memory/remote.go",
		`if head := f.heads[p.Ledger.Branch]; head != p.Ledger.SHA {`, `if head := f.heads[p.Ledger.Branch]; head == "" && p.Ledger.SHA != "" {`, "9",
	},
	{
		"an override does not say what it went through", "override.go",
		`o.Skipped = append(o.Skipped, b.Gate)`, `_ = b.Gate`, "3, 5, 7, 13",
	},
	{
		"holds are not written down", "ledger/state.go",
		`s.Arrivals, s.Holds, s.Suspensions,`, `s.Arrivals, s.Holds[:0], s.Suspensions,`, "9",
	},
	// The decision.
	{
		"the last verdict says when to look again, not the soonest", "decide.go",
		`d.RetryAt = sooner(d.RetryAt, one.RetryAt)`, `d.RetryAt = one.RetryAt`, "8, 10",
	},
	{
		"a deny window is open", "window.go",
		`if span, closed := deny.at(t); closed {`, `if span, closed := deny.at(t); closed && t.IsZero() {`, "6, 8",
	},
	{
		"nobody notices that a stage has diverged", "decide.go",
		`if len(s.Foreign) > 0 {`, `if len(s.Foreign) > 1_000_000 {`, "1",
	},
}
