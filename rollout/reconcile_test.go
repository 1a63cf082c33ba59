package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// steered is a cluster whose Flux does what a test makes of each request.
type steered struct {
	live     rollout.LiveCluster
	requests []string
	// glance, where it is not nil, comes before each glance, with how many there
	// were, and request before each request.
	glance  func(n int) error
	request func(o rollout.LiveObject) error
	// flux is what becomes of a request.
	flux func(c *rollout.LiveCluster, o rollout.LiveObject)
	n    int
}

func (s *steered) Glance(ctx context.Context, _ string) (rollout.LiveCluster, error) {
	s.live.At = time.Now()
	if s.n++; s.glance != nil {
		if err := s.glance(s.n); err != nil {
			return rollout.LiveCluster{Context: "ctx"}, err
		}
	}
	c := s.live
	c.Applications = slices.Clone(c.Applications)
	if c.Source != nil {
		source := *c.Source
		c.Source = &source
	}
	return c, ctx.Err()
}

func (s *steered) Request(_ context.Context, _ string, o rollout.LiveObject) (string, error) {
	if s.request != nil {
		if err := s.request(o); err != nil {
			return "", err
		}
	}
	s.requests = append(s.requests, o.Name)
	request := fmt.Sprint(len(s.requests))
	answer := rollout.LiveRequests{Requested: request, Handled: request}
	if o.Kind == rollout.LiveSourceKind {
		s.live.Source.LiveRequests = answer
	} else {
		app(&s.live, o.Name).LiveRequests = answer
	}
	s.flux(&s.live, o)
	return request, nil
}

func (s *steered) Suspend(context.Context, string, rollout.LiveObject) error { return nil }
func (s *steered) Resume(context.Context, string, rollout.LiveObject) error  { return nil }

// app is a Flux Kustomization of a cluster.
func app(c *rollout.LiveCluster, name string) *rollout.LiveApplication {
	for i := range c.Applications {
		if c.Applications[i].Name == name {
			return &c.Applications[i]
		}
	}
	return &rollout.LiveApplication{}
}

// B is what release has in these tests.
var revisionB = rollout.LiveRevision("release@sha1:" + string(sha("B")))

// ready is what Flux says when all is well, and failing when it is not.
var (
	ready   = rollout.LiveCondition{Known: true, Ready: true}
	failing = rollout.LiveCondition{Known: true, Reason: "HealthCheckFailed", Message: "timeout"}
	waits   = rollout.LiveCondition{Known: true, Reason: "DependencyNotReady", Message: "db is not ready"}
)

// obeys is a Flux that does what it is asked for.
func obeys(c *rollout.LiveCluster, o rollout.LiveObject) {
	if o.Kind == rollout.LiveSourceKind {
		c.Source.Revision = revisionB
		return
	}
	a := app(c, o.Name)
	a.Applied, a.Attempted, a.Ready = revisionB, revisionB, ready
}

// world is a remote on which release stands at B, and main at C.
func atB(t *testing.T) *remote {
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.move("release", sha("B"), hour(2))
	r.push("main", 3, "C")
	r.now = hour(4)
	return r
}

// reconcile reconciles apps, and gives it up to ten minutes of a clock that runs
// when nobody is at work.
func reconcile(t *testing.T, r *remote, s *steered) (rollout.Reconciliation, []rollout.Reconciliation) {
	t.Helper()
	var said []rollout.Reconciliation
	all, err := r.engine(twoStages).Reconcile(t.Context(), s, rollout.ReconcileRequest{
		Clusters: []string{"apps"}, Patience: 10 * time.Minute, Progress: func(p rollout.Reconciliation) { said = append(said, p) },
	})
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	return all[0], said
}

// messages are what stands in the way, in one text.
func messages(r rollout.Reconciliation) string {
	var all []string
	for _, o := range r.Obstacles {
		if rule, ok := rollout.RuleByID(o.Rule); !ok || rule.ID == "" || o.Fix == "" {
			all = append(all, fmt.Sprintf("not complete: %+v", o))
		}
		all = append(all, o.Message)
	}
	return strings.Join(all, "; ")
}

func TestReconcile(t *testing.T) {
	denied := &rollout.Problem{Kind: rollout.ErrNotPermitted, What: "these credentials may not change it"}
	for name, c := range map[string]struct {
		prepare  func(s *steered)
		outcome  rollout.ReconcileOutcome
		says     string
		requests string
		within   time.Duration
	}{
		"it obeys":           {func(*steered) {}, rollout.Reconciled, "", "fleet web", time.Second},
		"it has it already":  {func(s *steered) { s.live = has("release", "B") }, rollout.Reconciled, "", "fleet web", time.Second},
		"no source":          {func(s *steered) { s.live.Source = nil }, rollout.Obstructed, "the cluster has no GitRepository flux-system/fleet", "", 0},
		"a suspended source": {func(s *steered) { s.live.Source.Suspended = true }, rollout.Obstructed, "GitRepository flux-system/fleet is suspended", "", 0},
		"nothing applies it": {func(s *steered) { s.live.Applications[0].FromSource = false }, rollout.Obstructed, "no Flux Kustomization applies GitRepository flux-system/fleet", "fleet", time.Second},
		"a suspended one":    {func(s *steered) { s.live.Applications[0].Suspended = true }, rollout.Obstructed, "Kustomization flux-system/web is suspended", "fleet", time.Second},
		"it cannot be fetched": {func(s *steered) {
			s.flux = func(c *rollout.LiveCluster, _ rollout.LiveObject) {
				c.Source.Ready = rollout.LiveCondition{Known: true, Reason: "GitOperationFailed", Message: "no route"}
			}
		}, rollout.Obstructed, "GitRepository flux-system/fleet is not ready: GitOperationFailed: no route", strings.TrimSpace(strings.Repeat("fleet ", 9)), 20 * time.Second},
		"another branch": {func(s *steered) {
			s.flux = func(c *rollout.LiveCluster, _ rollout.LiveObject) {
				c.Source.Revision = has("main", "B").Source.Revision
			}
		}, rollout.Obstructed, "has fetched main@sha1:" + string(sha("B")) + ", and the stage apps follows release", "fleet", time.Second},
		"never what is wanted": {func(s *steered) {
			s.flux = func(*rollout.LiveCluster, rollout.LiveObject) {}
		}, rollout.Obstructed, "fetches 4100000 however often it is asked, and release stands at 4200000", strings.TrimSpace(strings.Repeat("fleet ", 9)), 20 * time.Second},
		"it fails": {func(s *steered) {
			s.flux = func(c *rollout.LiveCluster, o rollout.LiveObject) { obeys(c, o); app(c, "web").Ready = failing }
		}, rollout.Obstructed, "Kustomization flux-system/web is not ready: HealthCheckFailed: timeout", "fleet web", 2 * time.Second},
		// What failed before nobody tried what is wanted says nothing of it.
		"it failed before": {func(s *steered) {
			s.live.Applications[0].Ready = failing
		}, rollout.Reconciled, "", "fleet web", time.Second},
		"it failed with what was before": {func(s *steered) {
			s.live.Applications[0].Ready = failing
			s.flux = func(c *rollout.LiveCluster, o rollout.LiveObject) {
				if o.Kind == rollout.LiveSourceKind {
					obeys(c, o)
				}
			}
		}, rollout.Obstructed, "Kustomization flux-system/web is not ready: HealthCheckFailed: timeout", "fleet web web web", 5 * time.Second},
		"it is at work for ever": {func(s *steered) {
			s.flux = func(c *rollout.LiveCluster, o rollout.LiveObject) {
				obeys(c, o)
				app(c, "web").Ready = rollout.LiveCondition{Message: "running health checks"}
			}
		}, rollout.Late, "waiting for flux-system/web: running health checks", "fleet web", 10 * time.Minute},
		"it does not listen": {func(s *steered) {
			s.request = func(rollout.LiveObject) error { return errors.New("busy") }
		}, rollout.Late, "the time is up; the cluster has 4100000, and release stands at 4200000; waiting for ", "", 10 * time.Minute},
		"it may not be asked": {func(s *steered) {
			s.request = func(rollout.LiveObject) error { return denied }
			s.glance = func(n int) error {
				if n == 3 {
					obeys(&s.live, twoStages.Source.Object())
				} else if n == 6 {
					obeys(&s.live, rollout.LiveObject{Kind: rollout.LiveApplicationKind, Name: "web"})
				}
				return nil
			}
		}, rollout.Reconciled, "", "", 20 * time.Second},
		"a cut in between": {func(s *steered) {
			s.glance = func(n int) error {
				if n > 1 && n < 5 {
					return errors.New("cut")
				}
				return nil
			}
		}, rollout.Reconciled, "", "fleet web", 10 * time.Second},
		"nothing was ever fetched": {func(s *steered) {
			s.live.Source.Revision, s.live.Source.Ready = "", rollout.LiveCondition{}
			s.flux = func(*rollout.LiveCluster, rollout.LiveObject) {}
		}, rollout.Obstructed, "fetches nothing however often it is asked", strings.TrimSpace(strings.Repeat("fleet ", 9)), 20 * time.Second},
		"no answer": {func(s *steered) {
			s.glance = func(int) error { return errors.New("down") }
		}, rollout.Unreached, "", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &steered{live: has("release", "A"), flux: obeys}
				c.prepare(s)
				began := time.Now()
				got, said := reconcile(t, atB(t), s)
				if got.Outcome != c.outcome || !strings.Contains(messages(got), c.says) || c.says == "" && len(got.Obstacles) > 0 {
					t.Errorf("%s: %s", got.Outcome, messages(got))
				}
				if requests := strings.Join(s.requests, " "); requests != c.requests {
					t.Errorf("it was asked for %q, want %q", requests, c.requests)
				}
				if took := time.Since(began); took > c.within {
					t.Errorf("it took %v", took)
				}
				if (got.Err != nil) != (c.outcome == rollout.Unreached) || (got.Unasked != "") != (name == "it may not be asked") {
					t.Errorf("%v, %q", got.Err, got.Unasked)
				}
				if last := said[len(said)-1]; last.Outcome != got.Outcome || len(said) > 12 {
					t.Errorf("it said %d things, and %q at last", len(said), last.Outcome)
				}
			})
		})
	}
}

// What waits for others is asked again as soon as they are ready, not when Flux
// looks again by itself; and what waits for what has failed waits in vain.
func TestReconcileAlongDependencies(t *testing.T) {
	for name, db := range map[string]rollout.LiveCondition{"they get ready": ready, "they fail": failing} {
		synctest.Test(t, func(t *testing.T) {
			s := &steered{live: has("release", "A")}
			s.live.Applications = append(s.live.Applications, rollout.LiveApplication{Namespace: "flux-system", Name: "db", FromSource: true})
			s.flux = func(c *rollout.LiveCluster, o rollout.LiveObject) {
				obeys(c, o)
				switch {
				case o.Name == "db":
					app(c, "db").Ready = db
				case o.Name == "web" && !app(c, "db").Ready.Ready:
					app(c, "web").Applied, app(c, "web").Ready = "", waits
				}
			}
			got, _ := reconcile(t, atB(t), s)
			requests := strings.Join(s.requests, " ")
			if db.Ready && (got.Outcome != rollout.Reconciled || requests != "fleet web db web" || got.Applied != 2) {
				t.Errorf("%s: %+v, asked for %s", name, got, requests)
			}
			if !db.Ready && (got.Outcome != rollout.Obstructed || requests != "fleet web db" || messages(got) != "Kustomization flux-system/db is not ready: HealthCheckFailed: timeout") {
				t.Errorf("%s: %+v, asked for %s", name, got, requests)
			}
			if got.Took > 5*time.Second {
				t.Errorf("%s: it took %v", name, got.Took)
			}
		})
	}
}

// Another promotion may come while somebody waits for the one before.
func TestReconcileFollowsTheBranch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := atB(t)
		s := &steered{live: has("release", "A")}
		at := rollout.LiveRevision("release@sha1:" + string(sha("C")))
		s.flux = func(c *rollout.LiveCluster, o rollout.LiveObject) {
			if o.Kind == rollout.LiveSourceKind {
				r.move("release", sha("C"), hour(3))
				c.Source.Revision = at
				return
			}
			app(c, "web").Applied = at
		}
		got, _ := reconcile(t, r, s)
		if got.Outcome != rollout.Reconciled || got.Wanted.SHA != sha("C") {
			t.Errorf("%+v: %s", got, messages(got))
		}
	})
}

// Kustomizations that others bring along count, too.
func TestReconcileWaitsForWhatComesAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &steered{live: has("release", "A")}
		s.flux = func(c *rollout.LiveCluster, o rollout.LiveObject) {
			if o.Name == "web" && len(c.Applications) == 1 {
				c.Applications = append(c.Applications, rollout.LiveApplication{Namespace: "flux-system", Name: "new", FromSource: true})
			}
			obeys(c, o)
		}
		if got, _ := reconcile(t, atB(t), s); got.Outcome != rollout.Reconciled || got.All != 2 {
			t.Errorf("%+v: %s", got, messages(got))
		}
	})
}

// One application alone: the others may be as they are.
func TestReconcileOneApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, name := range []string{"web", "flux-system/web"} {
			s := &steered{live: has("release", "A"), flux: obeys}
			s.live.Applications = append(s.live.Applications, rollout.LiveApplication{Namespace: "flux-system", Name: "db", FromSource: true, Suspended: true})
			all, err := atB(t).engine(twoStages).Reconcile(t.Context(), s, rollout.ReconcileRequest{Clusters: []string{"apps"}, Application: name, Patience: time.Minute})
			if err != nil || all[0].Outcome != rollout.Reconciled || all[0].All != 1 || strings.Join(s.requests, " ") != "fleet web" {
				t.Errorf("%s: %+v, %v, asked for %v", name, all, err, s.requests)
			}
		}
	})
}

// Whoever interrupts it is told that Flux goes on.
func TestReconcileInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &steered{live: has("release", "A"), flux: func(*rollout.LiveCluster, rollout.LiveObject) { cancel() }}
		_, err := atB(t).engine(twoStages).Reconcile(ctx, s, rollout.ReconcileRequest{Clusters: []string{"apps"}, Patience: time.Minute})
		if !errors.Is(err, rollout.ErrUncertain) || !strings.Contains(err.Error(), "their Flux goes on") {
			t.Errorf("%v", err)
		}
	})
}

func TestReconcileWithoutABranch(t *testing.T) {
	r := newRemote(t, "main")
	_, err := r.engine(twoStages).Reconcile(t.Context(), &steered{}, rollout.ReconcileRequest{Clusters: []string{"apps"}, Patience: time.Minute})
	if !errors.Is(err, rollout.ErrNoBranch) {
		t.Errorf("%v", err)
	}
}

// advance is a Flux that goes on by a step with each glance, as the real one does: what
// it says of an object comes before what it applied, and the request that it has
// come to last.
func advance(s *steered, steps ...func(c *rollout.LiveCluster)) {
	before := s.glance
	s.glance = func(n int) error {
		if n <= len(steps) && steps[n-1] != nil {
			steps[n-1](&s.live)
		}
		if before != nil {
			return before(n)
		}
		return nil
	}
}

// A Flux that is at work is never taken for one that has finished, whatever of its
// status is there already.
func TestReconcileSeesHalfOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const last = 14
		s := &steered{live: has("release", "A"), flux: func(*rollout.LiveCluster, rollout.LiveObject) {}}
		s.live.Source.Handled, s.live.Applications[0].Handled = "old", "old"
		handles := func(r *rollout.LiveRequests) { r.Handled = r.Requested }
		web := func(c *rollout.LiveCluster) *rollout.LiveApplication { return app(c, "web") }
		finished := 0
		advance(
			s, nil, nil,
			func(c *rollout.LiveCluster) { c.Source.Revision = revisionB }, // not yet handled
			func(c *rollout.LiveCluster) { handles(&c.Source.LiveRequests) },
			func(c *rollout.LiveCluster) { web(c).Ready = rollout.LiveCondition{} },
			func(c *rollout.LiveCluster) { web(c).Attempted = revisionB },
			func(c *rollout.LiveCluster) { web(c).Ready = ready }, // of what was applied before
			func(c *rollout.LiveCluster) { handles(&web(c).LiveRequests) },
			func(c *rollout.LiveCluster) { web(c).Ready = rollout.LiveCondition{Ready: true} },
			func(c *rollout.LiveCluster) { web(c).Applied = revisionB }, // of an older generation
			func(c *rollout.LiveCluster) { web(c).Ready = ready; finished = s.n },
		)
		hold := s.glance
		s.glance = func(n int) error {
			if n == 11 { // which comes along with it
				s.live.Applications = append(s.live.Applications, rollout.LiveApplication{Namespace: "flux-system", Name: "db", FromSource: true})
			} else if n == last {
				obeys(&s.live, rollout.LiveObject{Kind: rollout.LiveApplicationKind, Name: "db"})
			}
			return hold(n)
		}
		got, _ := reconcile(t, atB(t), s)
		if got.Outcome != rollout.Reconciled || s.n < last || finished == 0 {
			t.Errorf("%s after %d glances: %s", got.Outcome, s.n, messages(got))
		}
	})
}

// Others ask Flux, too: an operator beside, or a webhook at each push. Flux repeats the
// newest request alone.
func TestReconcileAmongOthers(t *testing.T) {
	for name, others := range map[string]func(s *steered, o rollout.LiveObject){
		"before it is handled": func(s *steered, o rollout.LiveObject) {
			requests := &s.live.Source.LiveRequests
			if o.Kind == rollout.LiveApplicationKind {
				requests = &app(&s.live, o.Name).LiveRequests
			}
			*requests = rollout.LiveRequests{Requested: "theirs", Handled: "theirs"}
		},
		"made anew": func(s *steered, o rollout.LiveObject) {
			if len(s.requests) < 3 && o.Name == "web" {
				app(&s.live, "web").LiveRequests = rollout.LiveRequests{}
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &steered{live: has("release", "A")}
			s.flux = func(c *rollout.LiveCluster, o rollout.LiveObject) { obeys(c, o); others(s, o) }
			got, _ := reconcile(t, atB(t), s)
			if got.Outcome != rollout.Reconciled || got.Took > 5*time.Second {
				t.Errorf("%s: %+v: %s", name, got, messages(got))
			}
			if anew := name == "made anew"; anew != (strings.Join(s.requests, " ") == "fleet web web") {
				t.Errorf("%s: it was asked for %v", name, s.requests)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := &steered{live: has("release", "A")}
		s.flux = func(c *rollout.LiveCluster, o rollout.LiveObject) {
			obeys(c, o)
			app(c, "web").LiveRequests = rollout.LiveRequests{Requested: "theirs", Handled: "older"}
		}
		if got, _ := reconcile(t, atB(t), s); got.Outcome != rollout.Late {
			t.Errorf("a request that nobody has come to: %s", got.Outcome)
		}
	})
}

// What may go well a moment later is not the end of it.
func TestReconcileTriesAgain(t *testing.T) {
	refused := rollout.LiveCondition{Known: true, Reason: "ReconciliationFailed", Message: "no matches for kind"}
	canceled := rollout.LiveCondition{Known: true, Reason: "HealthCheckCanceled", Message: "new revision detected"}
	for name, c := range map[string]struct {
		flux     func(s *steered) func(*rollout.LiveCluster, rollout.LiveObject)
		requests string
	}{
		"the connection is cut": {func(s *steered) func(*rollout.LiveCluster, rollout.LiveObject) {
			return func(c *rollout.LiveCluster, o rollout.LiveObject) {
				c.Source.Ready = rollout.LiveCondition{Known: true, Reason: "GitOperationFailed", Message: "unexpected EOF"}
				if len(s.requests) > 3 {
					c.Source.Ready = ready
					obeys(c, o)
				}
			}
		}, "fleet fleet fleet fleet web"},
		"it needs what another brings": {func(s *steered) func(*rollout.LiveCluster, rollout.LiveObject) {
			return func(c *rollout.LiveCluster, o rollout.LiveObject) {
				obeys(c, o)
				if a := app(c, "web"); o.Name == "web" && app(c, "db").Applied != revisionB {
					a.Applied, a.Ready = "", refused
				}
				if o.Name == "db" {
					app(c, "db").Applied, app(c, "db").Ready = "", rollout.LiveCondition{} // for a while
				}
			}
		}, "fleet web db web web web"},
		"something newer came": {func(s *steered) func(*rollout.LiveCluster, rollout.LiveObject) {
			advance(s, nil, nil, nil, nil, func(c *rollout.LiveCluster) { app(c, "web").Ready = ready })
			return func(c *rollout.LiveCluster, o rollout.LiveObject) {
				obeys(c, o)
				app(c, "web").Ready = canceled
			}
		}, "fleet web"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &steered{live: has("release", "A")}
			s.flux = c.flux(s)
			if strings.Contains(name, "another") {
				s.live.Applications = append(s.live.Applications, rollout.LiveApplication{Namespace: "flux-system", Name: "db", FromSource: true})
				s.glance = func(n int) error {
					if n == 12 {
						app(&s.live, "db").Applied, app(&s.live, "db").Ready = revisionB, ready
					}
					return nil
				}
			}
			got, _ := reconcile(t, atB(t), s)
			if requests := strings.Join(s.requests, " "); got.Outcome != rollout.Reconciled || requests != c.requests {
				t.Errorf("%s: %s, %s; asked for %s", name, got.Outcome, messages(got), requests)
			}
		})
	}
}

// One that is to come along with what is wanted is waited for.
func TestReconcileOneThatComesAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &steered{live: has("release", "A"), flux: obeys}
		s.glance = func(n int) error {
			if n == 5 {
				s.live.Applications[0].Applied = revisionB
				s.live.Applications = append(s.live.Applications, rollout.LiveApplication{Namespace: "flux-system", Name: "new", FromSource: true})
			}
			return nil
		}
		request := rollout.ReconcileRequest{Clusters: []string{"apps"}, Application: "new", Patience: time.Minute}
		all, err := atB(t).engine(twoStages).Reconcile(t.Context(), s, request)
		if err != nil || all[0].Outcome != rollout.Reconciled || strings.Join(s.requests, " ") != "fleet new" {
			t.Errorf("%+v, %v, asked for %v", all, err, s.requests)
		}
		request.Application = "moon"
		all, err = atB(t).engine(twoStages).Reconcile(t.Context(), s, request)
		if err != nil || all[0].Outcome != rollout.Obstructed || messages(all[0]) != `no Flux Kustomization "moon" applies GitRepository flux-system/fleet` {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// A cluster that hiccups once is not given up; one that lets nobody in is.
func TestReconcileAtFirst(t *testing.T) {
	for kind, want := range map[error]rollout.ReconcileOutcome{rollout.ErrUnavailable: rollout.Reconciled, rollout.ErrNotPermitted: rollout.Unreached} {
		synctest.Test(t, func(t *testing.T) {
			s := &steered{live: has("release", "A"), flux: obeys, glance: func(n int) error {
				if n < 3 {
					return &rollout.Problem{Kind: kind, What: "no"}
				}
				return nil
			}}
			if got, _ := reconcile(t, atB(t), s); got.Outcome != want {
				t.Errorf("%v: %s", kind, got.Outcome)
			}
		})
	}
}

// A forge can answer for a moment with where the branch was before.
func TestReconcileWhatWasJustPromoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &steered{live: has("release", "B"), flux: func(c *rollout.LiveCluster, o rollout.LiveObject) {
			c.Source.Revision = has("release", "C").Source.Revision
			if o.Name == "web" {
				c.Applications[0].Applied = c.Source.Revision
			}
		}}
		all, err := atB(t).engine(twoStages).Reconcile(t.Context(), s, rollout.ReconcileRequest{
			Clusters: []string{"apps"}, Patience: time.Minute, Moved: map[string]rollout.Movement{"release": {Before: sha("B"), After: sha("C")}},
		})
		if err != nil || all[0].Outcome != rollout.Reconciled || all[0].Wanted.SHA != sha("C") {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// Without the right to ask, another promotion is noticed, too; what failed before says
// nothing, and what fails then does.
func TestReconcileWithoutAsking(t *testing.T) {
	denied := func(rollout.LiveObject) error { return &rollout.Problem{Kind: rollout.ErrNotPermitted, What: "no"} }
	synctest.Test(t, func(t *testing.T) {
		r := atB(t)
		s := &steered{live: has("release", "A"), request: denied}
		s.live.Source.Ready, s.live.Applications[0].Ready = failing, failing
		advance(s, nil, nil, nil, func(c *rollout.LiveCluster) {
			r.move("release", sha("C"), hour(3))
			c.Source.Revision = has("release", "C").Source.Revision
		}, nil, nil, nil, func(c *rollout.LiveCluster) {
			c.Applications[0].Applied, c.Applications[0].Ready = c.Source.Revision, ready
		})
		if got, _ := reconcile(t, r, s); got.Outcome != rollout.Reconciled || got.Wanted.SHA != sha("C") {
			t.Errorf("%+v: %s", got, messages(got))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := &steered{live: has("release", "A"), request: denied}
		advance(s, nil, nil, func(c *rollout.LiveCluster) { c.Source.Revision = revisionB }, nil, func(c *rollout.LiveCluster) {
			a := app(c, "web")
			a.Attempted, a.Ready = revisionB, failing
			a.Ready.Since = time.Now()
		})
		if got, _ := reconcile(t, atB(t), s); got.Outcome != rollout.Obstructed || got.Took > 10*time.Second {
			t.Errorf("%+v: %s", got, messages(got))
		}
	})
}

// What is said at the end is how long was waited, and what Flux said last.
func TestReconcileGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &steered{live: has("release", "A"), flux: func(c *rollout.LiveCluster, o rollout.LiveObject) {
			obeys(c, o)
			app(c, "web").Ready = rollout.LiveCondition{Message: "https://ada:hush@host/x is slow\x1b[2J"}
		}, glance: func(n int) error {
			if n > 5 {
				return errors.New("cut")
			}
			return nil
		}}
		got, said := reconcile(t, atB(t), s)
		if got.Outcome != rollout.Late || got.Took != 10*time.Minute || !strings.Contains(messages(got), "waiting for cut") {
			t.Errorf("%+v: %s", got, messages(got))
		}
		for _, r := range said {
			if strings.Contains(r.Waiting, "hush") || strings.Contains(r.Waiting, "\x1b") {
				t.Errorf("it says %q", r.Waiting)
			}
		}
	})
}

// several has a cluster with one Kustomization that fails, one that is suspended, one
// that is at work until a glance, and one that waits for that.
func several(t *testing.T, ready int) (got rollout.Reconciliation, said []rollout.Reconciliation, requests string) {
	t.Helper()
	s := &steered{live: has("release", "A")}
	for _, name := range []string{"bad", "db", "off"} {
		s.live.Applications = append(s.live.Applications, rollout.LiveApplication{Namespace: "flux-system", Name: name, FromSource: true, Suspended: name == "off"})
	}
	s.live.Applications[0], s.live.Applications[2] = s.live.Applications[2], s.live.Applications[0] // db comes before web
	s.flux = func(c *rollout.LiveCluster, o rollout.LiveObject) {
		obeys(c, o)
		switch {
		case o.Name == "bad":
			app(c, "bad").Ready = failing
		case o.Name == "db" && s.n < ready:
			app(c, "db").Ready = rollout.LiveCondition{Message: "health checks run"}
		case o.Name == "web" && !app(c, "db").Ready.Ready:
			app(c, "web").Applied, app(c, "web").Ready = "", waits
		}
	}
	s.glance = func(n int) error {
		if n == ready-3 {
			app(&s.live, "db").Ready.Message = "health checks still run"
		}
		if n == ready {
			obeys(&s.live, rollout.LiveObject{Kind: rollout.LiveApplicationKind, Name: "db"})
		}
		return nil
	}
	got, said = reconcile(t, atB(t), s)
	return got, said, strings.Join(s.requests, " ")
}

// Something that stands in the way is no reason to end while others go on; and what
// waits for one that is ready by now goes on.
func TestReconcileGoesOnBesideAnObstacle(t *testing.T) {
	const obstacles = "Kustomization flux-system/bad is not ready: HealthCheckFailed: timeout; Kustomization flux-system/off is suspended, so nothing of it changes, and no promotion arrives"
	synctest.Test(t, func(t *testing.T) {
		got, said, requests := several(t, 12)
		if got.Outcome != rollout.Obstructed || got.Applied != 2 || got.All != 4 || messages(got) != obstacles {
			t.Errorf("%+v: %s", got, messages(got))
		}
		if requests != "fleet db bad web web" {
			t.Errorf("it was asked for %s", requests)
		}
		if !slices.ContainsFunc(said, func(r rollout.Reconciliation) bool { return r.Waiting == "flux-system/db: health checks still run" }) {
			t.Errorf("nobody said that it waits for something else now: %+v", said)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		got, _, requests := several(t, 100_000)
		want := obstacles + "; the time is up; 0 of 4 Flux Kustomizations have applied 4200000 and are ready; waiting for flux-system/db: health checks run"
		if got.Outcome != rollout.Late || messages(got) != want {
			t.Errorf("%s: %s", got.Outcome, messages(got))
		}
		if requests != "fleet db bad web" {
			t.Errorf("it was asked for %s", requests)
		}
	})
}

// Nothing that was there before somebody could not ask stands in the way.
func TestReconcileWithoutAskingIsPatient(t *testing.T) {
	for name, prepare := range map[string]func(c *rollout.LiveCluster){
		"it follows another branch": func(c *rollout.LiveCluster) { c.Source.Revision = has("main", "C").Source.Revision },
		"it was not fetched":        func(c *rollout.LiveCluster) { c.Source.Ready = failing },
		"it failed long ago": func(c *rollout.LiveCluster) {
			c.Source.Revision = revisionB
			c.Applications[0].Attempted, c.Applications[0].Ready = revisionB, failing
		},
		"it fails with what was before": func(c *rollout.LiveCluster) {
			c.Source.Revision = revisionB
			c.Applications[0].Ready = failing
			c.Applications[0].Ready.Since = time.Now().Add(time.Hour)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			s := &steered{live: has("release", "A"), request: func(rollout.LiveObject) error {
				asked++
				return &rollout.Problem{Kind: rollout.ErrNotPermitted, What: "no"}
			}}
			prepare(&s.live)
			if got, _ := reconcile(t, atB(t), s); got.Outcome != rollout.Late || asked > 2 {
				t.Errorf("%s: %s, asked %d times: %s", name, got.Outcome, asked, messages(got))
			}
		})
	}
}
