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
	if o.Kind == rollout.LiveSourceKind {
		s.live.Source.Handled = request
	}
	for i, a := range s.live.Applications {
		if a.Name == o.Name {
			s.live.Applications[i].Handled = request
		}
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
		}, rollout.Obstructed, "GitRepository flux-system/fleet is not ready: GitOperationFailed: no route", "fleet", time.Second},
		"another branch": {func(s *steered) {
			s.flux = func(c *rollout.LiveCluster, _ rollout.LiveObject) {
				c.Source.Revision = has("main", "B").Source.Revision
			}
		}, rollout.Obstructed, "has fetched main@sha1:" + string(sha("B")) + ", and the stage apps follows release", "fleet", time.Second},
		"never what is wanted": {func(s *steered) {
			s.flux = func(*rollout.LiveCluster, rollout.LiveObject) {}
		}, rollout.Obstructed, "fetches 4100000 however often it is asked, and release stands at 4200000", "fleet fleet fleet fleet fleet fleet", 10 * time.Second},
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
		}, rollout.Late, "the time is up; 0 of 1 Flux Kustomizations have applied 4200000 and are ready; waiting for flux-system/web: timeout", "fleet web", 10 * time.Minute},
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
