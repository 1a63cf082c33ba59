package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// refs examines what stands on the forge: whether it answers, the ledger, the
// branches, and how far each has gone from its upstream.
func (d *Doctor) refs(ctx context.Context) []Diagnosis {
	e := d.Engine
	o, err := e.Remote.Observe(ctx, e.Plan.everything())
	if err != nil {
		return d.silent(err)
	}
	what := e.Plan.Repository.Slug() + " answers"
	if o.Viewer != "" && e.Plan.Repository.Forge == ForgeGitHub {
		what += ", to " + Printable(o.Viewer, 80)
	}
	all := []Diagnosis{{Check: CheckForge, Level: LevelFine, What: what}}
	all = append(all, d.ledger(ctx, o)...)
	all = append(all, d.first(o))
	for _, stage := range e.Plan.Downstream() {
		all = append(all, d.branch(ctx, o, stage))
	}
	for _, stage := range e.Plan.Downstream() {
		all = append(all, d.divergence(ctx, o, stage))
	}
	return all
}

// silent are the diagnoses where the forge does not answer, or not to this token.
func (d *Doctor) silent(err error) []Diagnosis {
	found := Diagnosis{Check: CheckForge, Level: LevelStops, Why: "nothing can be promoted, held or recorded from here"}
	found.What, found.Details = sentences(err)
	switch repository := d.Engine.Plan.Repository; {
	case errors.Is(err, ErrNotPermitted) && repository.Forge == ForgeGitHub:
		found.Fix = logIn(repository.Host)
	case errors.Is(err, ErrNotPermitted):
		found.Fix = "git ls-remote " + Quote(repository.URL)
	default:
		found.Fix = "go tool mage release:doctor"
	}
	all := []Diagnosis{found}
	for _, check := range []Check{CheckLedger, CheckBranch, CheckDivergence} {
		all = append(all, Diagnosis{Check: check, Level: LevelUnknown, What: "not known: the forge does not answer"})
	}
	return all
}

// logIn is the command that gives gh, and so the targets, a token for all that they
// do.
func logIn(host string) string {
	return "gh auth login --scopes repo,workflow --hostname " + Quote(host)
}

// ledger examines whether the ledger is there, can be read, and is as the rollout
// left it.
func (d *Doctor) ledger(ctx context.Context, o Observation) []Diagnosis {
	e := d.Engine
	found := Diagnosis{Check: CheckLedger, Of: e.Plan.Ledger, Level: LevelFine}
	changes, err := e.surveyLedger(ctx, o)
	switch {
	case errors.Is(err, ErrLedger):
		found.Level = LevelStops
		found.What, found.Details = sentences(err)
		found.Why = "it could hide a hold or a taint, so nothing is promoted"
		found.Fix = d.putLedgerBack(ctx, o)
		return []Diagnosis{found}
	case err != nil:
		return []Diagnosis{unknown(CheckLedger, e.Plan.Ledger, err)}
	}
	c := changes[0]
	found.What = c.Found
	if c.Apply != nil {
		found.Level, found.Why, found.Fix = LevelStops, "nothing is promoted that cannot be recorded", d.beginLedger(ctx)
		return []Diagnosis{found}
	}
	return append([]Diagnosis{found}, d.holds(o)...)
}

// putLedgerBack is the command that puts what the rollout left the last time on top
// of whatever somebody else did.
func (d *Doctor) putLedgerBack(ctx context.Context, o Observation) string {
	ledger := d.Engine.Plan.Ledger
	records, err := d.Engine.Records(ctx, o.Ledger, entriesBack)
	last := newestWhole(records)
	if err != nil || last.Commit == "" {
		return "git fetch origin && git log -p " + Quote("origin/"+ledger)
	}
	return fmt.Sprintf("git fetch origin %s && git push origin $(git commit-tree '%s^{tree}' -p %s -m 'Put the ledger back as the rollout left it'):refs/heads/%s",
		Quote(ledger), last.Commit, o.Ledger, Quote(ledger))
}

// beginLedger is the command that puts a ledger back which was deleted, and else the
// one that begins a new one.
func (d *Doctor) beginLedger(ctx context.Context) string {
	begin := "go tool mage release:init"
	ledger, repository := d.Engine.Plan.Ledger, d.Engine.Plan.Repository
	rows, err := d.Engine.Remote.Movements(ctx, ledger, func(Movement) bool { return true })
	if err != nil || len(rows) == 0 || rows[0].After != "" || rows[0].Before == "" {
		return begin
	}
	return fmt.Sprintf("GH_HOST=%s gh api repos/%s/git/refs -f ref=%s -f sha=%s",
		Quote(repository.Host), repository.Slug(), Quote("refs/heads/"+ledger), rows[0].Before)
}

// holds examines whether somebody holds a stage that the plan does not have.
func (d *Doctor) holds(o Observation) []Diagnosis {
	s, err := d.Engine.Ledger.State(o.Files)
	if err != nil {
		return []Diagnosis{unknown(CheckLedger, "holds", err)}
	}
	var all []Diagnosis
	for _, h := range s.Holds {
		if !h.Holds(h.Stage, o.At) || h.Stage == "" || slices.Contains(d.Engine.Plan.StageNames(), h.Stage) {
			continue
		}
		all = append(all, Diagnosis{
			Check: CheckLedger, Of: "hold of " + Printable(h.Stage, 80), Level: LevelStops, What: describeHold(h) + ", and the plan has no such stage",
			Why: "most likely the stage was renamed, and the hold is still meant, so nothing is promoted; hold it under its new name first",
			Fix: "go tool " + waysToLift([]string{h.By}, "")[0] + " -reason='the plan has no such stage'",
		})
	}
	return all
}

// first examines the branch of the first stage, which the rollout does not make.
func (d *Doctor) first(o Observation) Diagnosis {
	branch := d.Engine.Plan.Stages[0].Branch
	found := Diagnosis{Check: CheckBranch, Of: branch, Level: LevelFine, What: "at " + o.Heads[branch].Short()}
	if o.Heads[branch] == "" {
		found.Level, found.What = LevelStops, "missing, or nothing has been pushed to it yet"
		found.Why = "everything begins there; if it has another name, correct the branch in the plan"
		found.Fix = "git push origin HEAD:refs/heads/" + Quote(branch)
	}
	return found
}

// branch examines whether the branch of a stage is there.
func (d *Doctor) branch(ctx context.Context, o Observation, stage Stage) Diagnosis {
	found := Diagnosis{Check: CheckBranch, Of: stage.Branch, Level: LevelFine}
	if head := o.Heads[stage.Branch]; head != "" {
		found.What = "at " + head.Short()
		return found
	}
	upstream, _ := d.Engine.Plan.Upstream(stage.Name)
	if o.Heads[upstream.Branch] == "" {
		found.Level, found.What, found.Why = LevelStops, "missing", "so is "+upstream.Branch+", where it begins"
		found.Fix = "go tool mage release:init"
		return found
	}
	c, err := d.Engine.surveyMissing(ctx, Observation{Heads: map[string]SHA{upstream.Branch: o.Heads[upstream.Branch]}, Ledger: o.Ledger}, stage, upstream)
	switch {
	case errors.Is(err, ErrDiverged):
		found.Level = LevelStops
		found.What, found.Details = sentences(err)
		found.Why = "nothing can be promoted into " + stage.Name + ", and its clusters have nothing to follow; which commit it shall have is for people to say"
		found.Fix = "git fetch origin && git log --oneline " + Quote("origin/"+upstream.Branch)
	case err != nil:
		return unknown(CheckBranch, stage.Branch, err)
	default:
		found.Level, found.What = LevelStops, c.Found+"; release:init would "+c.Intent
		found.Why = "nothing can be promoted into " + stage.Name + ", and its clusters have nothing to follow"
		found.Fix = "go tool mage release:init"
	}
	return found
}

// divergence examines how far the branch of a stage is from its upstream.
func (d *Doctor) divergence(ctx context.Context, o Observation, stage Stage) Diagnosis {
	upstream, _ := d.Engine.Plan.Upstream(stage.Name)
	s := Snapshot{
		Upstream: Head{upstream.Branch, o.Heads[upstream.Branch]}, Target: Head{stage.Branch, o.Heads[stage.Branch]},
		Ledger: Head{d.Engine.Plan.Ledger, o.Ledger}, First: d.Engine.Plan.Stages[0].Branch,
	}
	if s.Upstream.SHA == "" || s.Target.SHA == "" {
		return Diagnosis{Check: CheckDivergence, Of: stage.Name, Level: LevelUnknown, What: "not known: a branch is missing"}
	}
	if err := d.Engine.compare(ctx, &s); err != nil {
		return unknown(CheckDivergence, stage.Name, err)
	}
	found := Diagnosis{Check: CheckDivergence, Of: stage.Name, Level: LevelFine}
	switch {
	case len(s.Foreign) > 0:
		return d.diverged(ctx, s, stage)
	case len(s.Pending) > 0:
		found.What = fmt.Sprintf("%s is %s behind %s", stage.Branch, countCommits(len(s.Pending)), upstream.Branch)
	default:
		found.What = fmt.Sprintf("%s is where %s is", stage.Branch, upstream.Branch)
	}
	return found
}

// leaveFiles has git merge leave the files as they are.
const leaveFiles = "-s ours"

// diverged tells of each foreign commit whether its change is upstream all the same,
// and whether it was there before somebody rewrote the upstream.
func (d *Doctor) diverged(ctx context.Context, s Snapshot, stage Stage) Diagnosis {
	found := Diagnosis{
		Check: CheckDivergence, Of: stage.Name, Level: LevelStops,
		What: fmt.Sprintf("%s has %s that %s has not", s.Target.Branch, countCommits(len(s.Foreign)), s.Upstream.Branch),
	}
	equivalents, unmatched := d.Engine.equivalents(ctx, s.Foreign, s.Pending, s.Target.Branch, s.Upstream.Branch)
	for i, c := range s.Foreign {
		if i == listed {
			found.Details = append(found.Details, fmt.Sprintf("and %d more", len(s.Foreign)-listed))
			break
		}
		found.Details = append(found.Details, fmt.Sprintf("%s %s (%s): %s", c.SHA.Short(), Printable(c.Subject(), 72), Printable(c.Author, 40),
			matched(c, s.Upstream.Branch, equivalents, unmatched)))
	}
	rewritten, err := d.rewritten(ctx, s)
	switch {
	case err != nil:
		found.Details = append(found.Details, fmt.Sprintf("nobody can tell whether %s was rewritten: %s", s.Upstream.Branch, OneLine(Plain(err).Error(), 300)))
	case rewritten != "":
		found.Details = append(found.Details, fmt.Sprintf("%s was rewritten: it had %s", s.Upstream.Branch, rewritten.Short()))
	}
	found.Why = "it cannot be fast-forwarded, so nothing is promoted into " + stage.Name + "; "
	how := "--no-ff"
	if rewritten != "" || len(equivalents) == len(s.Foreign) {
		how = leaveFiles
		found.Why += fmt.Sprintf("the command makes %s part of the history of %s, and leaves the files there as they are", s.Target.Branch, s.First)
	} else {
		found.Why += fmt.Sprintf("the command brings what %s has to %s, which has not all of it", s.Target.Branch, s.First)
	}
	switch {
	case d.Engine.Plan.Repository.Forge != ForgeGitHub:
	case how == leaveFiles:
		found.Why += fmt.Sprintf("; where nobody may push to %s, mage release:repair opens a pull request that does the same", s.First)
	default:
		found.Why += fmt.Sprintf("; where nobody may push to %s, do the same in a pull request", s.First)
	}
	found.Fix = onBranch(s.First, fmt.Sprintf("git merge %s -m 'Take in what the stage has alone' %s", how, Quote("origin/"+s.Target.Branch)))
	return found
}

// matched says whether the upstream has the change of a commit.
func matched(c Commit, upstream string, equivalents map[SHA]SHA, unmatched error) string {
	switch twin, ok := equivalents[c.SHA]; {
	case ok:
		return fmt.Sprintf("%s has the same change, as %s", upstream, twin.Short())
	case unmatched != nil:
		return fmt.Sprintf("whether %s has the same change is not known: %s", upstream, OneLine(Plain(unmatched).Error(), 300))
	case len(c.Parents) > 1:
		return "a merge"
	default:
		return upstream + " has no such change"
	}
}

// rowsBack is how many rows of a push log, and how many entries of the ledger, are
// searched for what the upstream had once.
const rowsBack = 1000

// rewritten finds a foreign commit that the upstream once had: by the push log, or
// because it was promoted.
func (d *Doctor) rewritten(ctx context.Context, s Snapshot) (SHA, error) {
	foreign, read := set(s.Foreign), 0
	rows, err := d.Engine.Remote.Movements(ctx, s.Upstream.Branch, func(m Movement) bool {
		read++
		return foreign[m.After] || read >= rowsBack
	})
	if err != nil {
		return "", err
	}
	for _, m := range rows {
		if foreign[m.After] {
			return m.After, nil
		}
	}
	records, err := d.Engine.Records(ctx, s.Ledger.SHA, rowsBack)
	if err != nil {
		return "", err
	}
	for _, r := range records {
		if r.Damaged == "" && r.Kind.moves() && foreign[r.To] {
			return r.To, nil
		}
	}
	return "", nil
}
