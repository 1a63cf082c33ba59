package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A pursuit follows one cluster until it has what is wanted.
type pursuit struct {
	engine      *Engine
	clusters    SteeredClusters
	application string // empty for all
	patience    time.Duration
	moved       Movement // of the branch, just now
	Reconciliation
	began time.Time
	// asked is what Flux was asked for last, of each object.
	asked map[LiveObject]asking
	// missed is how often the source was fetched anew without what is wanted, and
	// seen what it had when the branch was looked at.
	missed int
	seen   SHA
}

// An asking is a request to reconcile an object.
type asking struct {
	// request is what Flux repeats; empty where it could not be asked.
	request string
	wanted  SHA
	// applied is how many of the others were ready then, and failed how often it had
	// gone wrong by then.
	applied, failed int
}

// Bounds of a pursuit.
const (
	// firstGlances are tried before a cluster counts as not to be reached, each for so
	// long at the most. Later ones are made again as long as there is time.
	firstGlances  = 3
	longestGlance = 20 * time.Second
	// longestRest is the longest pause between two glances.
	longestRest = 2 * time.Second
	// mostMissed is how often a source may fetch something else, or nothing, and
	// mostFailed how often applying may fail: a forge may be behind, a connection
	// cut, and what is applied together comes in any order.
	mostMissed = 8
	mostFailed = 3
)

// run glances at the cluster until it has what is wanted, or something stands in
// the way, or the time is up.
func (p *pursuit) run(ctx context.Context, tell func(Reconciliation)) {
	pause, said := firstPause, Reconciliation{}
	for n := 1; ; n++ {
		live, err := p.glance(ctx)
		switch {
		case err == nil:
			p.judge(live)
			p.ask(ctx, live)
		case !p.began.IsZero() || n < firstGlances && errors.Is(err, ErrUnavailable):
			p.silent(ctx, err)
		default:
			p.Outcome, p.Err, p.Context = Unreached, err, live.Context
		}
		if p.news(said) {
			pause, said = firstPause, p.Reconciliation
			tell(said)
		}
		if p.Outcome != Reconciling {
			return
		}
		if sleep(ctx, pause) != nil {
			p.giveUp()
			tell(p.Reconciliation)
			return
		}
		pause = min(pause*3/2, longestRest)
	}
}

func (p *pursuit) glance(ctx context.Context) (LiveCluster, error) {
	if p.began.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, longestGlance)
		defer cancel()
	}
	return p.clusters.Glance(ctx, p.Cluster)
}

// silent is for a glance that failed. What is cut off because the time is up says
// nothing.
func (p *pursuit) silent(ctx context.Context, err error) {
	if ctx.Err() == nil {
		p.Waiting = OneLine(err.Error(), 300)
	}
}

// news tells whether there is something that was not said before.
func (p *pursuit) news(said Reconciliation) bool {
	return p.Outcome != said.Outcome || p.Wanted != said.Wanted || p.Fetched != said.Fetched || p.Unasked != said.Unasked ||
		p.Applied != said.Applied || p.All != said.All || p.Waiting != said.Waiting
}

// judge says how far the cluster has come.
func (p *pursuit) judge(live LiveCluster) {
	if p.began.IsZero() {
		p.began = live.At
	}
	p.Context, p.Took = live.Context, live.At.Sub(p.began)
	p.Obstacles, p.Fetched, p.Applied, p.All, p.Waiting = nil, "", 0, 0, ""
	if live.Source == nil {
		p.obstructed(LiveProblem{
			RuleSourceMissing, fmt.Sprintf("the cluster has no %s", p.source()), "connect it as clusters/README.md says",
		})
		return
	}
	p.Fetched = live.Source.Revision.Commit()
	switch {
	case live.Source.Suspended:
		p.obstructed(LiveProblem{
			RuleSourceSuspended, fmt.Sprintf("%s is suspended, so the cluster takes nothing new", p.source()),
			"find out who did that, and why; then: mage release:resume -cluster=" + p.Cluster,
		})
	case p.Fetched == p.Wanted.SHA && p.answered(p.source(), live.Source.LiveRequests) && !p.strays(*live.Source):
		p.judgeApplications(live)
	default:
		p.judgeSource(*live.Source)
	}
}

// judgeSource is for a source that has not fetched what is wanted. Where Flux could
// not be asked, it says nothing of what is wanted now.
func (p *pursuit) judgeSource(src LiveSource) {
	p.Waiting = waitingFor(p.source().String(), src.Ready)
	switch {
	case !p.answered(p.source(), src.LiveRequests) || p.asked[p.source()].request == "":
	case p.strays(src):
		p.obstructed(LiveProblem{
			RuleBranchDiffers, fmt.Sprintf("%s has fetched %s, and the stage %s follows %s", p.source(), Printable(string(src.Revision), 100), p.Stage, p.Wanted.Branch),
			p.verify(),
		})
	case p.missed < mostMissed:
	case src.Ready.Known && !src.Ready.Ready:
		p.obstructed(notReady(p.source().String(), src.Ready, p.flux("get sources git", p.source())))
	default:
		p.obstructed(LiveProblem{
			RuleRevisionBehind, fmt.Sprintf("%s fetches %s however often it is asked, and %s stands at %s", p.source(), short(p.Fetched), p.Wanted.Branch, p.Wanted.SHA.Short()),
			p.verify(),
		})
	}
}

// strays: the source has fetched from another branch.
func (p *pursuit) strays(src LiveSource) bool {
	branch := src.Revision.Branch()
	return branch != "" && branch != p.Wanted.Branch
}

// judgeApplications is for what applies a source that has what is wanted. Something
// stands in the way when all that is not applied has failed, is suspended, or
// waits for what has.
func (p *pursuit) judgeApplications(live LiveCluster) {
	var unfinished []LiveApplication
	for _, a := range live.Applications {
		switch {
		case !p.meant(a):
			continue
		case p.applied(a):
			p.Applied++
		default:
			unfinished = append(unfinished, a)
		}
		p.All++
	}
	working := false
	for _, a := range unfinished {
		switch {
		case a.Suspended:
			p.Obstacles = append(p.Obstacles, suspended(a, p.flux("resume kustomization", a.object())))
		case p.failed(a) && !p.mayTryAgain(a):
			p.Obstacles = append(p.Obstacles, notReady(a.object().String(), a.Ready, p.flux("get kustomization", a.object())))
		default:
			working = working || !p.waits(a)
			if p.Waiting == "" {
				p.Waiting = waitingFor(a.String(), a.Ready)
			}
		}
	}
	switch {
	case p.All == 0 && !p.comes(live):
		p.obstructed(LiveProblem{
			RuleSourceRefMissing, fmt.Sprintf("no Flux Kustomization%s applies %s", p.named(), p.source()), "see what there is: mage verify:clusters -cluster=" + p.Cluster,
		})
	case p.All > 0 && len(unfinished) == 0:
		p.Outcome = Reconciled
	case len(p.Obstacles) > 0 && !working:
		p.Outcome = Obstructed
	}
}

// comes tells whether an application that is meant may still come along with what is
// wanted: as long as another has not applied that.
func (p *pursuit) comes(live LiveCluster) bool {
	for _, a := range live.Applications {
		if p.application != "" && a.FromSource && a.Applied.Commit() != p.Wanted.SHA && !a.Suspended {
			p.Waiting = waitingFor(a.String(), a.Ready)
			return true
		}
	}
	return false
}

// meant tells whether an application is to be reconciled.
func (p *pursuit) meant(a LiveApplication) bool {
	return a.FromSource && (p.application == "" || a.isCalled(p.application))
}

func (p *pursuit) named() string {
	if p.application == "" {
		return ""
	}
	return fmt.Sprintf(" %q", Printable(p.application, 80))
}

// waitingFor names an object, and says in Flux's words what it is at.
func waitingFor(name string, c LiveCondition) string {
	if c.Ready || c.Message == "" {
		return name
	}
	return OneLine(name+": "+withoutCredentials(c.Message), 300)
}

func (p *pursuit) obstructed(by LiveProblem) {
	p.Outcome, p.Obstacles = Obstructed, []LiveProblem{by}
}

// answered tells whether Flux has come to an object since it was asked for what is
// wanted. Somebody else's later request is as good as ours: Flux repeats the newest.
func (p *pursuit) answered(o LiveObject, r LiveRequests) bool {
	asked, ok := p.asked[o]
	switch {
	case !ok || asked.wanted != p.Wanted.SHA:
		return false
	case asked.request == "" || r.Handled == asked.request:
		return true
	default:
		return r.Requested != "" && r.Handled == r.Requested
	}
}

func (p *pursuit) applied(a LiveApplication) bool {
	return p.answered(a.object(), a.LiveRequests) && a.Applied.Commit() == p.Wanted.SHA && a.Ready.Known && a.Ready.Ready
}

// Reasons of a Flux Kustomization that is not ready, as kustomize-controller writes
// them: github.com/fluxcd/pkg/apis/meta, conditions.go.
const (
	// dependencyNotReady: it waits for others.
	dependencyNotReady = "DependencyNotReady"
	// healthCheckCanceled: it is reconciled anew at once, since something newer came.
	healthCheckCanceled = "HealthCheckCanceled"
	// healthCheckFailed: what it applied was given its time, and is not ready.
	healthCheckFailed = "HealthCheckFailed"
)

// failed: Flux has come to it, and says that it did not go well. Where it could not
// be asked, what it said before somebody began to wait is of something else.
func (p *pursuit) failed(a LiveApplication) bool {
	if !p.answered(a.object(), a.LiveRequests) || !a.Ready.Known || a.Ready.Ready || a.Ready.Reason == dependencyNotReady || a.Ready.Reason == healthCheckCanceled {
		return false
	}
	return p.asked[a.object()].request != "" || a.Attempted.Commit() == p.Wanted.SHA && a.Ready.Since.After(p.began)
}

// mayTryAgain tells whether what has failed may go well yet: it has not been tried
// often, or something that it may need has become ready since. What did not get
// ready in its time is not given that time again.
func (p *pursuit) mayTryAgain(a LiveApplication) bool {
	asked := p.asked[a.object()]
	if asked.request == "" || a.Ready.Reason == healthCheckFailed && a.Attempted.Commit() == p.Wanted.SHA {
		return false
	}
	return asked.failed < mostFailed-1 || asked.applied < p.Applied
}

// waits: Flux lets the application wait for others, and none of them has become
// ready since.
func (p *pursuit) waits(a LiveApplication) bool {
	return p.answered(a.object(), a.LiveRequests) && a.Ready.Reason == dependencyNotReady && p.asked[a.object()].applied == p.Applied
}

// ask asks Flux for what it has not been asked for yet, and again for what may go
// well now.
func (p *pursuit) ask(ctx context.Context, live LiveCluster) {
	switch {
	case p.Outcome != Reconciling || live.Source == nil:
	case p.unasked(p.source(), live.Source.LiveRequests):
		p.request(ctx, p.source(), 0)
	case p.Fetched != p.Wanted.SHA:
		p.askSource(ctx, *live.Source)
	case p.answered(p.source(), live.Source.LiveRequests):
		for _, a := range live.Applications {
			if p.meant(a) && !a.Suspended {
				p.askApplication(ctx, a)
			}
		}
	}
}

// askSource is for a source that has something else. Perhaps the branch has moved.
func (p *pursuit) askSource(ctx context.Context, src LiveSource) {
	asked := p.asked[p.source()]
	switch {
	case asked.request == "" && p.seen != p.Fetched:
		p.seen = p.Fetched
		p.look(ctx)
	case asked.request != "" && p.answered(p.source(), src.LiveRequests):
		p.missed++
		p.look(ctx)
		p.request(ctx, p.source(), 0)
	}
}

// askApplication asks for an application, and again when it failed, or when one of
// those that it may wait for has become ready: by itself kustomize-controller looks
// again after half a minute (--requeue-dependency).
func (p *pursuit) askApplication(ctx context.Context, a LiveApplication) {
	o := a.object()
	asked := p.asked[o]
	switch {
	case p.unasked(o, a.LiveRequests):
		p.request(ctx, o, 0)
	case !p.answered(o, a.LiveRequests):
	case p.failed(a) && p.mayTryAgain(a):
		p.request(ctx, o, asked.failed+1)
	case a.Ready.Reason == dependencyNotReady && asked.applied < p.Applied:
		p.request(ctx, o, asked.failed)
	}
}

// unasked tells whether Flux is to be asked for an object: it was not yet, or the
// object was made anew since.
func (p *pursuit) unasked(o LiveObject, r LiveRequests) bool {
	asked := p.asked[o]
	return asked.wanted != p.Wanted.SHA || asked.request != "" && r.Requested == ""
}

// request asks Flux to reconcile an object. Without the right to ask, Flux comes
// to it by itself; after any other trouble it is asked again.
func (p *pursuit) request(ctx context.Context, o LiveObject, failed int) {
	request, err := p.clusters.Request(ctx, p.Cluster, o)
	switch {
	case err == nil:
	case errors.Is(err, ErrNotPermitted):
		p.Unasked = err.Error()
	default:
		p.silent(ctx, err)
		return
	}
	p.asked[o] = asking{request: request, wanted: p.Wanted.SHA, applied: p.Applied, failed: failed}
}

// look finds out whether the branch has moved on.
func (p *pursuit) look(ctx context.Context) {
	o, err := p.engine.Remote.Observe(ctx, Query{Branches: []string{p.Wanted.Branch}, Ledger: p.engine.Plan.Ledger})
	if err != nil {
		return // what was wanted is still wanted
	}
	if head := since(p.moved, o.Heads[p.Wanted.Branch]); head != "" && head != p.Wanted.SHA {
		p.Wanted.SHA, p.missed = head, 0
	}
}

// since is where a branch stands that was just moved: a forge can answer for a moment
// with what was before.
func since(moved Movement, head SHA) SHA {
	if moved.After != "" && head == moved.Before {
		return moved.After
	}
	return head
}

// giveUp says what was still missing when the time was up.
func (p *pursuit) giveUp() {
	p.Outcome, p.Took = Late, p.patience
	what := fmt.Sprintf("the time is up; the cluster has %s, and %s stands at %s", short(p.Fetched), p.Wanted.Branch, p.Wanted.SHA.Short())
	if p.All > 0 {
		what = fmt.Sprintf("the time is up; %d of %d Flux Kustomizations have applied %s and are ready", p.Applied, p.All, p.Wanted.SHA.Short())
	}
	if p.Waiting != "" {
		what += "; waiting for " + p.Waiting
	}
	p.Obstacles = append(p.Obstacles, LiveProblem{RuleRevisionBehind, what, "wait on: mage flux:reconcile " + p.Cluster})
}

// verify is the way to see what the cluster follows.
func (p *pursuit) verify() string {
	return "see what it follows: mage verify:clusters -cluster=" + p.Cluster
}

func (p *pursuit) source() LiveObject { return p.engine.Plan.Source.Object() }

// flux is the command that does something to an object of the cluster.
func (p *pursuit) flux(do string, o LiveObject) string { return fluxCommand(p.Context, do, o) }
