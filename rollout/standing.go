package rollout

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A LiveStanding is where one cluster stands beside its stage's branch.
type LiveStanding struct {
	Stage, Cluster string
	// Branch is where the stage's branch stands, and Since when it came there; it
	// is zero where nothing says so.
	Branch Head
	Since  time.Time
	// Live is what the cluster says. Err says why it says nothing.
	Live LiveCluster
	Err  error
	// Behind is how many commits the branch has that the cluster's source has not,
	// and Ahead the other way round: commits that no promotion brought. Unknown
	// says that nobody could tell.
	Behind, Ahead int
	Unknown       string
}

// Has is the commit that the cluster's source has fetched, empty for none.
func (s LiveStanding) Has() SHA {
	if s.Live.Source == nil {
		return ""
	}
	return s.Live.Source.Revision.Commit()
}

// Asked tells whether the cluster was asked: not where nothing on this machine says
// how to reach it.
func (s LiveStanding) Asked() bool { return !errors.Is(s.Err, ErrUsage) }

// LookAtClusters asks the clusters of the plan, or those that are wanted, what
// they follow and applied, side by side, each for so long at the most; and
// compares that with their branches. A cluster that does not answer is in the
// answer, with the reason.
func (e *Engine) LookAtClusters(ctx context.Context, clusters Clusters, wanted []string, patience time.Duration) ([]LiveStanding, time.Time, error) {
	o, err := e.Remote.Observe(ctx, e.Plan.everything())
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("observe %s: %w", e.Plan.Repository.Slug(), err)
	}
	var all []LiveStanding
	for _, stage := range e.Plan.Stages {
		asked := slices.DeleteFunc(slices.Clone(stage.Clusters), func(c string) bool { return len(wanted) > 0 && !slices.Contains(wanted, c) })
		if len(asked) == 0 {
			continue
		}
		head := Head{stage.Branch, o.Heads[stage.Branch]}
		since, _ := e.movedAt(ctx, head) // without it nothing counts as late
		for _, cluster := range asked {
			all = append(all, LiveStanding{Stage: stage.Name, Cluster: cluster, Branch: head, Since: since})
		}
	}
	askAll(ctx, all, clusters.Look, patience)
	e.measure(ctx, all)
	return all, o.At, ctx.Err()
}

// askAll asks all clusters at once, each for so long at the most.
func askAll(ctx context.Context, all []LiveStanding, ask func(context.Context, string) (LiveCluster, error), patience time.Duration) {
	var done sync.WaitGroup
	for i := range all {
		done.Go(func() {
			within, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			all[i].Live, all[i].Err = ask(within, all[i].Cluster)
		})
	}
	done.Wait()
}

// measure finds out how far the clusters are from their branches. Many have the
// same revision, which is looked up once.
func (e *Engine) measure(ctx context.Context, all []LiveStanding) {
	type distance struct {
		behind, ahead int
		unknown       string
	}
	known := map[[2]SHA]distance{}
	for i := range all {
		s := &all[i]
		has, head := s.Has(), s.Branch.SHA
		if has == "" || head == "" || has == head {
			continue
		}
		d, ok := known[[2]SHA{has, head}]
		if !ok {
			behind, err := e.History.Between(ctx, has, head)
			if err == nil {
				var ahead []Commit
				ahead, err = e.History.Between(ctx, head, has)
				d = distance{behind: len(behind), ahead: len(ahead)}
			}
			if err != nil {
				d.unknown = Printable(err.Error(), 300)
			}
			known[[2]SHA{has, head}] = d
		}
		s.Behind, s.Ahead, s.Unknown = d.behind, d.ahead, d.unknown
	}
}

// A LiveProblem is what is wrong with a cluster as it runs. What is wrong with what
// it follows is found by the rules of a verification.
type LiveProblem struct {
	Rule, Message, Fix string
}

// Problems are what is wrong with a cluster at a moment, worst first.
func (s LiveStanding) Problems(now time.Time) []LiveProblem {
	if s.Err != nil {
		return []LiveProblem{{RuleClusterUnreachable, "nobody knows what the cluster runs: " + s.Err.Error(), "make it answer, or look at it from where it does"}}
	}
	var all []LiveProblem
	all = append(all, s.foreign()...)
	all = append(all, s.late(now)...)
	if src := s.Live.Source; src != nil && src.Ready.Known && !src.Ready.Ready {
		all = append(all, notReady("GitRepository "+src.Name, src.Ready, fmt.Sprintf("flux --context %s get sources git", s.Live.Context)))
	}
	for _, a := range s.Live.Applications {
		if a.Ready.Known && !a.Ready.Ready {
			all = append(all, notReady("Kustomization "+a.String(), a.Ready, s.flux("get kustomization", a.object())))
		}
		if a.Suspended {
			all = append(all, suspended(a, s.flux("resume kustomization", a.object())))
		}
	}
	return all
}

// foreign: the cluster has what its branch has not.
func (s LiveStanding) foreign() []LiveProblem {
	switch {
	case s.Unknown != "":
		return []LiveProblem{{
			RuleRevisionForeign, fmt.Sprintf("the cluster has %s, and nobody can tell whether %s has: %s", s.Has().Short(), s.Branch.Branch, s.Unknown),
			"find out where that commit is from: git branch -r --contains " + string(s.Has()),
		}}
	case s.Ahead > 0:
		return []LiveProblem{{
			RuleRevisionForeign, fmt.Sprintf("the cluster has %s, with %s that %s has not", s.Has().Short(), countCommits(s.Ahead), s.Branch.Branch),
			"if the branch was forced back, Flux follows at its next interval; else find out where the cluster has it from",
		}}
	default:
		return nil
	}
}

// enough is how long a cluster may take for what its branch has, beside its own
// interval twice.
const enough = 5 * time.Minute

// late: the branch has long had what the cluster has not.
func (s LiveStanding) late(now time.Time) []LiveProblem {
	src := s.Live.Source
	if src == nil || s.Since.IsZero() || now.Sub(s.Since) < 2*src.Interval+enough {
		return nil
	}
	waited := FormatDuration(now.Sub(s.Since))
	namespace, name, _ := strings.Cut(src.Name, "/")
	if s.Has() != s.Branch.SHA && s.Ahead == 0 && s.Unknown == "" {
		return []LiveProblem{{
			RuleRevisionBehind, fmt.Sprintf("%s has stood at %s for %s, and the cluster has %s", s.Branch.Branch, s.Branch.SHA.Short(), waited, s.fetched()),
			s.flux("reconcile source git", LiveObject{LiveSourceKind, namespace, name}),
		}}
	}
	var all []LiveProblem
	for _, a := range s.Live.Applications {
		if a.FromSource && a.Ready.Ready && !a.Suspended && a.Applied.Commit() != s.Has() {
			all = append(all, LiveProblem{
				RuleRevisionBehind, fmt.Sprintf("Kustomization %s has applied %s, and its source has had %s for %s", a, short(a.Applied.Commit()), s.Has().Short(), waited),
				s.flux("reconcile kustomization", a.object()),
			})
		}
	}
	return all
}

// flux is the command that does something to an object of the cluster.
func (s LiveStanding) flux(do string, o LiveObject) string {
	return fluxCommand(s.Live.Context, do, o)
}

func fluxCommand(context, do string, o LiveObject) string {
	return Printable(fmt.Sprintf("flux --context %s %s %s -n %s", Quote(context), do, Quote(o.Name), Quote(o.Namespace)), 500)
}

func (s LiveStanding) fetched() string {
	if s.Has() == "" {
		return "nothing"
	}
	return fmt.Sprintf("%s, %s behind", s.Has().Short(), countCommits(s.Behind))
}

func short(sha SHA) string {
	if sha == "" {
		return "nothing"
	}
	return sha.Short()
}

func suspended(a LiveApplication, fix string) LiveProblem {
	return LiveProblem{RuleApplicationSuspended, fmt.Sprintf("Kustomization %s is suspended, so nothing of it changes, and no promotion arrives", a), fix}
}

// credentials are what an address can have before its host. Flux says an address as
// it was given.
var credentials = regexp.MustCompile(`://[^/\s]*@`)

func withoutCredentials(text string) string { return credentials.ReplaceAllString(text, "://…@") }

func notReady(what string, c LiveCondition, fix string) LiveProblem {
	text := what + " is not ready"
	if !c.Since.IsZero() {
		text += " since " + FormatTime(c.Since)
	}
	return LiveProblem{RuleNotReady, text + ": " + OneLine(c.Reason+": "+withoutCredentials(c.Message), 500), fix}
}
