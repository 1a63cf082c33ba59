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
	Reconciliation
	began time.Time
	// asked is what Flux was asked for last, of each object.
	asked map[LiveObject]asking
	// missed is how often the source was fetched anew without what is wanted.
	missed int
}

// An asking is a request to reconcile an object.
type asking struct {
	// request is what Flux repeats; empty where it could not be asked.
	request string
	wanted  SHA
	// applied is how many of the others were ready then.
	applied int
}

// Bounds of a pursuit.
const (
	// longestGlance is how long the first glance at a cluster may take: later ones
	// that fail are made again as long as there is time.
	longestGlance = 20 * time.Second
	// longestRest is the longest pause between two glances.
	longestRest = 2 * time.Second
	// mostMissed is how often a source may fetch something else.
	mostMissed = 5
)

// run glances at the cluster until it has what is wanted, or something stands in
// the way, or the time is up.
func (p *pursuit) run(ctx context.Context, tell func(Reconciliation)) {
	pause, said := firstPause, Reconciliation{}
	for {
		live, err := p.glance(ctx)
		switch {
		case err != nil && p.began.IsZero():
			p.Outcome, p.Err, p.Context = Unreached, err, live.Context
		case err != nil:
			p.Waiting = Printable(err.Error(), 300)
		default:
			p.judge(live)
			p.ask(ctx, live)
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
	case p.Fetched == p.Wanted.SHA && p.handled(p.source(), live.Source.Handled) && !p.strays(*live.Source):
		p.judgeApplications(live)
	default:
		p.judgeSource(*live.Source)
	}
}

// judgeSource is for a source that has not fetched what is wanted.
func (p *pursuit) judgeSource(src LiveSource) {
	p.Waiting = p.source().String()
	switch {
	case !p.handled(p.source(), src.Handled):
	case p.Fetched != p.Wanted.SHA && src.Ready.Known && !src.Ready.Ready:
		p.obstructed(notReady(p.source().String(), src.Ready, p.flux("get sources git", p.source())))
	case p.strays(src):
		p.obstructed(LiveProblem{
			RuleBranchDiffers, fmt.Sprintf("%s has fetched %s, and the stage %s follows %s", p.source(), Printable(string(src.Revision), 100), p.Stage, p.Wanted.Branch),
			"see what it follows: mage verify:clusters -cluster=" + p.Cluster,
		})
	case p.missed >= mostMissed:
		p.obstructed(LiveProblem{
			RuleRevisionBehind, fmt.Sprintf("%s fetches %s however often it is asked, and %s stands at %s", p.source(), short(p.Fetched), p.Wanted.Branch, p.Wanted.SHA.Short()),
			"see what it follows: mage verify:clusters -cluster=" + p.Cluster,
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
		case p.failed(a):
			p.Obstacles = append(p.Obstacles, notReady(a.object().String(), a.Ready, p.flux("get kustomization", a.object())))
		default:
			working = working || !p.waits(a)
			if p.Waiting == "" {
				p.Waiting = waitingFor(a)
			}
		}
	}
	switch {
	case p.All == 0:
		p.obstructed(LiveProblem{
			RuleSourceRefMissing, fmt.Sprintf("no Flux Kustomization%s applies %s", p.named(), p.source()), "see what there is: mage verify:clusters -cluster=" + p.Cluster,
		})
	case len(unfinished) == 0:
		p.Outcome = Reconciled
	case len(p.Obstacles) > 0 && !working:
		p.Outcome = Obstructed
	}
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

// waitingFor names an application, and says in Flux's words what it is at.
func waitingFor(a LiveApplication) string {
	if a.Ready.Ready {
		return a.String()
	}
	return OneLine(a.String()+": "+a.Ready.Message, 300)
}

func (p *pursuit) obstructed(by LiveProblem) {
	p.Outcome, p.Obstacles = Obstructed, []LiveProblem{by}
}

// handled tells whether Flux has come to an object since it was asked for what is
// wanted.
func (p *pursuit) handled(o LiveObject, handled string) bool {
	asked, ok := p.asked[o]
	return ok && asked.wanted == p.Wanted.SHA && (asked.request == "" || asked.request == handled)
}

func (p *pursuit) applied(a LiveApplication) bool {
	return p.handled(a.object(), a.Handled) && a.Applied.Commit() == p.Wanted.SHA && a.Ready.Known && a.Ready.Ready && !a.Suspended
}

// dependencyNotReady is the reason of an application that waits for others:
// meta.DependencyNotReadyReason in github.com/fluxcd/pkg/apis/meta.
const dependencyNotReady = "DependencyNotReady"

// failed: Flux has tried what is wanted, and says that it did not go well.
func (p *pursuit) failed(a LiveApplication) bool {
	return p.handled(a.object(), a.Handled) && a.Ready.Known && !a.Ready.Ready && a.Ready.Reason != dependencyNotReady && a.Attempted.Commit() == p.Wanted.SHA
}

// waits: Flux lets the application wait for others, and none of them has become
// ready since.
func (p *pursuit) waits(a LiveApplication) bool {
	return p.handled(a.object(), a.Handled) && a.Ready.Reason == dependencyNotReady && p.asked[a.object()].applied == p.Applied
}

// ask asks Flux for what it has not been asked for yet. An application that waits
// for others is asked again when one of these has become ready: by itself
// kustomize-controller looks again after half a minute (--requeue-dependency).
func (p *pursuit) ask(ctx context.Context, live LiveCluster) {
	if p.Outcome != Reconciling || live.Source == nil {
		return
	}
	if p.asked[p.source()].wanted != p.Wanted.SHA {
		p.request(ctx, p.source())
		return
	}
	if p.Fetched != p.Wanted.SHA {
		if p.handled(p.source(), live.Source.Handled) && p.asked[p.source()].request != "" {
			p.missed++
			p.look(ctx)
			p.request(ctx, p.source())
		}
		return
	}
	for _, a := range live.Applications {
		asked := p.asked[a.object()]
		again := a.Ready.Reason == dependencyNotReady && asked.applied < p.Applied
		if p.meant(a) && !a.Suspended && (asked.wanted != p.Wanted.SHA || again && !p.applied(a)) {
			p.request(ctx, a.object())
		}
	}
}

// request asks Flux to reconcile an object. Without the right to ask, Flux comes
// to it by itself; after any other trouble it is asked again.
func (p *pursuit) request(ctx context.Context, o LiveObject) {
	request, err := p.clusters.Request(ctx, p.Cluster, o)
	switch {
	case err == nil:
	case errors.Is(err, ErrNotPermitted):
		p.Unasked = err.Error()
	default:
		p.Waiting = Printable(err.Error(), 300)
		return
	}
	p.asked[o] = asking{request: request, wanted: p.Wanted.SHA, applied: p.Applied}
}

// look finds out whether the branch has moved on.
func (p *pursuit) look(ctx context.Context) {
	o, err := p.engine.Remote.Observe(ctx, Query{Branches: []string{p.Wanted.Branch}, Ledger: p.engine.Plan.Ledger})
	if err != nil {
		return // what was wanted is still wanted
	}
	if head := o.Heads[p.Wanted.Branch]; head != "" && head != p.Wanted.SHA {
		p.Wanted.SHA, p.missed = head, 0
	}
}

// giveUp says what was still missing when the time was up.
func (p *pursuit) giveUp() {
	p.Outcome = Late
	what := fmt.Sprintf("the time is up; the cluster has %s, and %s stands at %s", short(p.Fetched), p.Wanted.Branch, p.Wanted.SHA.Short())
	if p.Fetched == p.Wanted.SHA {
		what = fmt.Sprintf("the time is up; %d of %d Flux Kustomizations have applied %s and are ready", p.Applied, p.All, p.Wanted.SHA.Short())
	}
	if p.Waiting != "" {
		what += "; waiting for " + p.Waiting
	}
	p.Obstacles = append(p.Obstacles, LiveProblem{RuleRevisionBehind, what, "wait on: mage flux:reconcile " + p.Cluster})
}

func (p *pursuit) source() LiveObject { return p.engine.Plan.Source.Object() }

// flux is the command that does something to an object of the cluster.
func (p *pursuit) flux(do string, o LiveObject) string { return fluxCommand(p.Context, do, o) }
