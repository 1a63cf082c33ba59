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
	first := e.Plan.Stages[0]
	o, err := e.Remote.Observe(ctx, Query{Branches: []string{first.Branch}, Ledger: e.Plan.Ledger})
	if err != nil {
		return status, fmt.Errorf("observe %s: %w", e.Plan.Repository.Slug(), err)
	}
	status.At = o.At
	status.Stages = append(status.Stages, StageStatus{Stage: first, Head: Head{first.Branch, o.Heads[first.Branch]}})
	var failed error
	for _, stage := range e.Plan.Downstream() {
		s, err := e.Observe(ctx, stage)
		one := StageStatus{Stage: stage, Head: Head{stage.Branch, s.Target.SHA}, Err: err}
		if err == nil {
			d, v, _ := e.decide(ctx, stage, &s) // the decision says what could not be seen
			one.Decision, one.Subjects, one.Holds = &d, v.everything(d.Verdicts), s.State.holds(stage, s.At)
			status.At = s.At
		} else if failed == nil {
			failed = err
		}
		status.Stages = append(status.Stages, one)
	}
	if state, err := e.Ledger.State(o.Files); err == nil { // of one that is damaged each stage complains
		status.Taints = state.Taints
	}
	if status.Records, err = e.Records(ctx, o.Ledger, records); err != nil && failed == nil {
		failed = err
	}
	return status, e.since(ctx, &status, o, failed)
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

// since fills in when each branch came to stand where it stands: by the push
// log where there is one, and else by the ledger, however far back that is.
func (e *Engine) since(ctx context.Context, status *Status, o Observation, failed error) error {
	complete := sync.OnceValues(func() ([]Record, error) { return e.Records(ctx, o.Ledger, 0) })
	for i := range status.Stages {
		stage := &status.Stages[i]
		if stage.Head.SHA == "" {
			continue
		}
		if stage.Since = cameBy(status.Records, stage.Head); !stage.Since.IsZero() {
			continue
		}
		var err error
		stage.Since, err = e.movedAt(ctx, stage.Head)
		if stage.Since.IsZero() && !o.PushLog && err == nil {
			var records []Record
			records, err = complete()
			stage.Since = cameBy(records, stage.Head)
		}
		if err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// movedAt is when a branch came to stand where it stands, by the push log: zero
// where there is none, or it does not say.
func (e *Engine) movedAt(ctx context.Context, head Head) (time.Time, error) {
	rows, err := e.Remote.Movements(ctx, head.Branch, func(Movement) bool { return true })
	for _, m := range rows {
		if m.After == head.SHA {
			return m.At, err
		}
	}
	return time.Time{}, err
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

// Records reads the newest entries of the ledger, newest first; 0 means all.
// An entry that cannot be read is among them, with what is wrong with it.
func (e *Engine) Records(ctx context.Context, ledger SHA, limit int) ([]Record, error) {
	if ledger == "" {
		return nil, nil
	}
	log, err := e.Remote.Log(ctx, Head{e.Plan.Ledger, ledger}, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", e.Plan.Ledger, err)
	}
	records := make([]Record, len(log))
	for i, commit := range log {
		records[i] = e.Ledger.Record(commit)
	}
	return records, nil
}

// Trail reads the audit trail as it stands now, newest first; 0 means all.
func (e *Engine) Trail(ctx context.Context, limit int) ([]Record, error) {
	o, err := e.Remote.Observe(ctx, Query{Ledger: e.Plan.Ledger})
	if err != nil {
		return nil, fmt.Errorf("observe %s: %w", e.Plan.Repository.Slug(), err)
	}
	if o.Ledger == "" {
		return nil, e.exist(Snapshot{Upstream: Head{SHA: "-"}, Target: Head{SHA: "-"}, Ledger: Head{Branch: e.Plan.Ledger}})
	}
	return e.Records(ctx, o.Ledger, limit)
}
