package rollout

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A Status is where a rollout stands.
type Status struct {
	At     time.Time
	Plan   Plan
	Stages []StageStatus
	// Taints are all that operators tainted and nobody cleared, also what no
	// stage waits for.
	Taints []Mark
	// Records are the newest entries of the ledger, newest first.
	Records []Record
}

// A StageStatus is where one stage stands.
type StageStatus struct {
	Stage Stage
	Head  Head
	// Since is when the branch came to stand there, as far as is known.
	Since time.Time
	// Decision is what the policy says of it now. It is nil for the first
	// stage, which takes everything.
	Decision *Decision
	// Subjects are the pending revisions, newest first.
	Subjects []Subject
	// Clusters are those of the stage, in the plan's order.
	Clusters []LiveStanding
	// Holds are those that are active, of this stage or of all.
	Holds []Hold
	// Restoration is what it goes back to, if somebody rolls it back.
	Restoration *Restoration
	// Err says why the stage could not be observed.
	Err error
}

// A StatusQuery says what a status has besides the stages.
type StatusQuery struct {
	// Records is how many of the ledger's newest entries it has.
	Records int
	// Glance asks a cluster what it has, and Patience is how long one may take to
	// answer. Default is that none is asked.
	Glance   func(ctx context.Context, cluster string) (LiveCluster, error)
	Patience time.Duration
}

// Status observes every stage, reads the newest entries of the ledger, and asks the
// clusters meanwhile. A stage that cannot be observed does not hide the others, nor
// does a cluster; the error is that of the first such stage.
func (e *Engine) Status(ctx context.Context, q StatusQuery) (Status, error) {
	clusters := e.unasked()
	var asking sync.WaitGroup
	if q.Glance != nil {
		asking.Go(func() { askAll(ctx, clusters, q.Glance, q.Patience) })
	}
	status, err := e.stages(ctx, q.Records)
	asking.Wait()
	// They stand in the order of the stages, as many as each has.
	for i := range status.Stages {
		stage := &status.Stages[i]
		n := len(stage.Stage.Clusters)
		stage.Clusters, clusters = clusters[:n:n], clusters[n:]
		for j := range stage.Clusters {
			c := &stage.Clusters[j]
			c.Stage, c.Branch, c.Since = stage.Stage.Name, stage.Head, stage.Since
		}
	}
	return status, err
}

// unasked are all clusters of the plan, stage by stage, of which nobody has asked one.
func (e *Engine) unasked() []LiveStanding {
	var all []LiveStanding
	for _, stage := range e.Plan.Stages {
		for _, cluster := range stage.Clusters {
			all = append(all, LiveStanding{Cluster: cluster, Err: errNobodyAsks})
		}
	}
	return all
}

// errNobodyAsks is why nothing is known of a cluster where none is asked.
var errNobodyAsks = usagef("nobody asked the cluster")

// stages is the status without the clusters.
func (e *Engine) stages(ctx context.Context, records int) (Status, error) {
	status := Status{Plan: e.Plan}
	q := e.Plan.everything()
	q.Entries = min(records, mostEntries)
	o, err := e.Remote.Observe(ctx, q)
	if err != nil {
		return status, fmt.Errorf("observe %s: %w", e.Plan.Repository.Slug(), err)
	}
	status.At = o.At
	var failed error
	note := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	pushes := map[string][]Movement{}
	for i, stage := range e.Plan.Stages {
		one := StageStatus{Stage: stage, Head: Head{stage.Branch, o.Heads[stage.Branch]}}
		if i > 0 {
			s, err := one.observe(ctx, e, o)
			note(err)
			pushes[s.Upstream.Branch] = s.Movements
		}
		status.Stages = append(status.Stages, one)
	}
	if state, err := e.Ledger.State(o.Files); err == nil { // of one that is damaged each stage complains
		status.Taints = state.Taints
	}
	status.Records, err = e.newestRecords(ctx, o, records)
	note(err)
	note(e.since(ctx, &status, o, pushes))
	return status, failed
}

// observe finds out where a stage stands that takes from another.
func (s *StageStatus) observe(ctx context.Context, e *Engine, o Observation) (Snapshot, error) {
	seen, err := e.surveyFrom(ctx, s.Stage, o)
	if err == nil {
		err = e.gather(ctx, &seen, s.Stage)
	}
	if s.Err = err; err != nil {
		return seen, err
	}
	d, v, _ := e.decide(ctx, s.Stage, &seen) // the decision says what could not be seen
	s.Decision, s.Subjects, s.Holds = &d, v.everything(d.Verdicts), seen.State.holds(s.Stage, seen.At)
	if r, goes := seen.State.restoration(s.Stage.Name, s.Head.SHA); goes {
		s.Restoration = &r
	}
	return seen, nil
}

// holds are those that keep a stage from moving at a moment.
func (s State) holds(stage Stage, now time.Time) []Hold {
	var active []Hold
	for _, h := range s.Holds {
		if h.Holds(stage.Name, now) {
			active = append(active, h)
		}
	}
	return active
}

// since fills in when each branch came to stand where it stands: by the ledger's newest
// entries, by the pushes to it that are known, by its push log where there is one, and
// else by the ledger, however far back that is. The error is that of the first branch
// of which one of these cannot be read.
func (e *Engine) since(ctx context.Context, status *Status, o Observation, pushes map[string][]Movement) error {
	complete := sync.OnceValues(func() ([]Record, error) { return e.Records(ctx, o.Ledger, 0) })
	var failed error
	for i := range status.Stages {
		stage := &status.Stages[i]
		if stage.Head.SHA == "" {
			continue
		}
		if stage.Since = cameBy(status.Records, stage.Head); !stage.Since.IsZero() {
			continue
		}
		if stage.Since = movedBy(pushes[stage.Head.Branch], stage.Head); !stage.Since.IsZero() {
			continue
		}
		var err error
		stage.Since, err = e.movedAt(ctx, stage.Head)
		if stage.Since.IsZero() && !o.PushLog && err == nil {
			var records []Record
			records, err = complete()
			stage.Since = cameBy(records, stage.Head)
		}
		if failed == nil {
			failed = err
		}
	}
	return failed
}

// movedAt is when a branch came to stand where it stands, by the push log: zero
// where there is none, or it does not say.
func (e *Engine) movedAt(ctx context.Context, head Head) (time.Time, error) {
	rows, err := e.Remote.Movements(ctx, head.Branch, func(Movement) bool { return true })
	return movedBy(rows, head), err
}

// movedBy is when a branch came to stand where it stands, by the newest push that is
// known: zero where that led elsewhere.
func movedBy(pushes []Movement, head Head) time.Time {
	if len(pushes) > 0 && pushes[0].After == head.SHA {
		return pushes[0].At
	}
	return time.Time{}
}

// cameBy is when a branch came to stand where it stands, by the newest entry
// that says so.
func cameBy(records []Record, head Head) time.Time {
	for _, r := range records {
		if r.Damaged == "" && r.Branch == head.Branch && r.To == head.SHA {
			return r.At
		}
	}
	return time.Time{}
}

// mostEntries is how many of the ledger's entries may be observed with the branches.
const mostEntries = 100

// newestRecords are the newest entries of the ledger, newest first; 0 means all. They
// are read only where the observation does not have them.
func (e *Engine) newestRecords(ctx context.Context, o Observation, limit int) ([]Record, error) {
	if limit == 0 || limit > mostEntries {
		return e.Records(ctx, o.Ledger, limit)
	}
	return e.recordsOf(o.Log), nil
}

// Records reads the newest entries of the ledger, newest first; 0 means all.
// An entry that cannot be read is among them, with what is wrong with it.
func (e *Engine) Records(ctx context.Context, ledger SHA, limit int) ([]Record, error) {
	if ledger == "" {
		return nil, nil
	}
	defer Begin(ctx, Effort{What: "reading " + e.Plan.Ledger}).End()
	log, err := e.Remote.Log(ctx, Head{e.Plan.Ledger, ledger}, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", e.Plan.Ledger, err)
	}
	return e.recordsOf(log), nil
}

func (e *Engine) recordsOf(log []LedgerCommit) []Record {
	records := make([]Record, len(log))
	for i, commit := range log {
		records[i] = e.Ledger.Record(commit)
	}
	return records
}

// Trail reads the audit trail as it stands now, newest first; 0 means all.
func (e *Engine) Trail(ctx context.Context, limit int) ([]Record, error) {
	o, err := e.Remote.Observe(ctx, Query{Ledger: e.Plan.Ledger, Entries: min(limit, mostEntries)})
	if err != nil {
		return nil, fmt.Errorf("observe %s: %w", e.Plan.Repository.Slug(), err)
	}
	if o.Ledger == "" {
		return nil, e.exist(Snapshot{Upstream: Head{SHA: "-"}, Target: Head{SHA: "-"}, Ledger: Head{Branch: e.Plan.Ledger}})
	}
	return e.newestRecords(ctx, o, limit)
}
