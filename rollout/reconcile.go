package rollout

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A ReconcileRequest asks that clusters apply at once what their branches have.
type ReconcileRequest struct {
	// Clusters are names of the plan's.
	Clusters []string
	// Application is one Flux Kustomization alone, as name or namespace/name.
	// Default is all that apply the source.
	Application string
	// Moved is how branches were moved just now, by their names: a forge can answer
	// for a moment with what was before. Default is that nobody knows.
	Moved map[string]Movement
	// Patience is how long to wait for all of it.
	Patience time.Duration
	// Progress is told whenever there is something new to say, by one cluster at a
	// time. Default is to tell nobody.
	Progress func(Reconciliation)
}

// A Reconciliation is how far a cluster has come with what its branch has.
type Reconciliation struct {
	Stage, Cluster string
	// Context is what the cluster was reached by, as kubectl names it.
	Context string
	// Wanted is where the stage's branch stands. It moves along with the branch.
	Wanted  Head
	Outcome ReconcileOutcome
	// Fetched is what the source has, and Applied of All Flux Kustomizations that
	// apply it are ready with what is wanted.
	Fetched      SHA
	Applied, All int
	// Waiting is what is waited for, in a few words of Flux's.
	Waiting string
	// Obstacles are what stands in the way.
	Obstacles []LiveProblem
	// Unasked says why Flux could not be asked to hurry. It comes to it by itself,
	// at its next interval.
	Unasked string
	// Err says why the cluster says nothing.
	Err error
	// Took is how long it was watched.
	Took time.Duration
}

// ReconcileOutcome is how a reconciliation is going, or how it ended.
type ReconcileOutcome string

// The outcomes of a reconciliation.
const (
	// Reconciling: Flux is at work.
	Reconciling ReconcileOutcome = "reconciling"
	// Reconciled: everything that is wanted is applied, and ready.
	Reconciled ReconcileOutcome = "reconciled"
	// Obstructed: something stands in the way that no time mends.
	Obstructed ReconcileOutcome = "obstructed"
	// Late: Flux was still at work when the patience ran out.
	Late ReconcileOutcome = "late"
	// Unreached: the cluster does not answer, or not as one with Flux does.
	Unreached ReconcileOutcome = "unreached"
)

// Reconcile asks the Flux of clusters to reconcile the source and what applies it,
// and waits until what their branches have is applied and ready, or says what
// stands in the way. All clusters are followed side by side. The error is for
// what keeps all of them from being followed; what becomes of one is in its
// outcome.
func (e *Engine) Reconcile(ctx context.Context, clusters SteeredClusters, request ReconcileRequest) ([]Reconciliation, error) {
	all, err := e.outset(ctx, request)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, request.Patience)
	defer cancel()
	var one sync.Mutex
	tell := func(r Reconciliation) {
		one.Lock()
		defer one.Unlock()
		if request.Progress != nil && ctx.Err() == nil {
			request.Progress(r)
		}
	}
	var done sync.WaitGroup
	for i := range all {
		done.Go(func() {
			p := pursuit{
				engine: e, clusters: clusters, application: request.Application, patience: request.Patience, moved: request.Moved[all[i].Wanted.Branch],
				Reconciliation: all[i], asked: map[LiveObject]asking{},
			}
			p.run(within, tell)
			all[i] = p.Reconciliation
		})
	}
	done.Wait()
	if ctx.Err() != nil {
		return all, stoppedWaiting(ctx.Err())
	}
	return all, nil
}

func stoppedWaiting(cause error) error {
	return &Problem{
		Kind: ErrUncertain, What: "no longer waiting for the clusters; their Flux goes on", Cause: cause,
		Ways: []string{"see what they have: mage verify:clusters"},
	}
}

// outset is where each cluster is to go.
func (e *Engine) outset(ctx context.Context, request ReconcileRequest) ([]Reconciliation, error) {
	q := Query{Ledger: e.Plan.Ledger}
	var all []Reconciliation
	for _, stage := range e.Plan.Stages {
		for _, cluster := range stage.Clusters {
			if slices.Contains(request.Clusters, cluster) {
				all = append(all, Reconciliation{Stage: stage.Name, Cluster: cluster, Outcome: Reconciling, Wanted: Head{Branch: stage.Branch}})
				q.Branches = append(q.Branches, stage.Branch)
			}
		}
	}
	q.Branches = slices.Compact(q.Branches)
	o, err := e.Remote.Observe(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("observe %s: %w", e.Plan.Repository.Slug(), err)
	}
	for i := range all {
		branch := all[i].Wanted.Branch
		all[i].Wanted.SHA = since(request.Moved[branch], o.Heads[branch])
		if all[i].Wanted.SHA == "" {
			return nil, &Problem{
				Kind: ErrNoBranch, What: fmt.Sprintf("there is no branch %s, which %s follows", branch, all[i].Cluster),
				Ways: []string{"set the repository up: mage release:init"},
			}
		}
	}
	return all, nil
}
