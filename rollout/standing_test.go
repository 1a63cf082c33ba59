package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

// lively answers for live clusters.
type lively func(ctx context.Context, cluster string) (rollout.LiveCluster, error)

func (l lively) Look(ctx context.Context, cluster string) (rollout.LiveCluster, error) {
	return l(ctx, cluster)
}

// has is a cluster whose source and one Kustomization have a commit.
func has(branch string, commit string) rollout.LiveCluster {
	revision := rollout.LiveRevision(branch + "@sha1:" + string(sha(commit)))
	ok := rollout.LiveCondition{Known: true, Ready: true}
	return rollout.LiveCluster{
		Context: "ctx", Source: &rollout.LiveSource{Name: "flux-system/fleet", Interval: time.Minute, Revision: revision, Ready: ok},
		Applications: []rollout.LiveApplication{{Namespace: "flux-system", Name: "web", FromSource: true, Applied: revision, Ready: ok}},
	}
}

// standing looks at apps alone, on which release has stood at B since hour 2 and
// main is at C. The clock stands at hour 4.
func standing(t *testing.T, apps rollout.LiveCluster, err error) (rollout.LiveStanding, time.Time) {
	t.Helper()
	r := newRemote(t, "main", "release")
	r.push("main", 1, "B")
	r.move("release", sha("B"), hour(2))
	r.push("main", 3, "C")
	r.now = hour(4)
	all, at, failed := r.engine(twoStages).LookAtClusters(t.Context(), lively(func(context.Context, string) (rollout.LiveCluster, error) { return apps, err }), []string{"apps"}, time.Minute)
	if failed != nil || len(all) != 1 || all[0].Cluster != "apps" {
		t.Fatalf("%+v, %v", all, failed)
	}
	return all[0], at
}

func TestClustersBesideTheirBranches(t *testing.T) {
	change := func(c rollout.LiveCluster, how func(*rollout.LiveCluster)) rollout.LiveCluster {
		how(&c)
		return c
	}
	for name, c := range map[string]struct {
		live rollout.LiveCluster
		err  error
		want []string
	}{
		"up to date":    {has("release", "B"), nil, nil},
		"behind":        {has("release", "A"), nil, []string{"revision-behind: release has stood at 4200000 for 2h, and the cluster has 4100000, 1 commit behind"}},
		"not promoted":  {has("main", "C"), nil, []string{"revision-foreign: the cluster has 4300000, with 1 commit that release has not"}},
		"has nothing":   {change(has("release", "B"), func(c *rollout.LiveCluster) { c.Source.Revision = "" }), nil, []string{"revision-behind: release has stood at 4200000 for 2h, and the cluster has nothing"}},
		"no source":     {rollout.LiveCluster{}, nil, nil}, // which is for the rules to say
		"unreachable":   {rollout.LiveCluster{}, errors.New("no answer in time"), []string{"cluster-unreachable: nobody knows what the cluster runs: no answer in time"}},
		"an older name": {change(has("release", "B"), func(c *rollout.LiveCluster) { c.Source.Revision = rollout.LiveRevision("release/" + sha("B")) }), nil, nil},
		"applied late": {
			change(has("release", "B"), func(c *rollout.LiveCluster) { c.Applications[0].Applied = has("release", "A").Source.Revision }), nil,
			[]string{"revision-behind: Kustomization flux-system/web has applied 4100000, and its source has had 4200000 for 2h"},
		},
		"of another source": {
			change(has("release", "B"), func(c *rollout.LiveCluster) {
				c.Applications[0].Applied, c.Applications[0].FromSource = "main@sha1:1", false
			}), nil, nil,
		},
		"not ready": {
			change(has("release", "B"), func(c *rollout.LiveCluster) {
				c.Source.Ready = rollout.LiveCondition{Known: true, Reason: "GitOperationFailed", Message: "no\nroute\x1b[2J", Since: hour(3)}
				c.Applications[0].Ready = rollout.LiveCondition{Known: true, Reason: "HealthCheckFailed", Message: "timeout"}
			}), nil,
			[]string{
				`not-ready: GitRepository flux-system/fleet is not ready since 2026-03-02 11:00 UTC: GitOperationFailed: no · route\x1b[2J`,
				"not-ready: Kustomization flux-system/web is not ready: HealthCheckFailed: timeout",
			},
		},
		"working": {change(has("release", "B"), func(c *rollout.LiveCluster) { c.Applications[0].Ready = rollout.LiveCondition{} }), nil, nil},
		"suspended": {
			change(has("release", "B"), func(c *rollout.LiveCluster) { c.Applications[0].Suspended = true }), nil,
			[]string{"kustomization-suspended: Kustomization flux-system/web is suspended, so nothing of it changes, and no promotion arrives"},
		},
	} {
		s, at := standing(t, c.live, c.err)
		var got []string
		for _, p := range s.Problems(at) {
			if rule, ok := rollout.RuleByID(p.Rule); !ok || rule.ID == "" || p.Fix == "" {
				t.Errorf("%s: %+v", name, p)
			}
			got = append(got, p.Rule+": "+p.Message)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What nobody finds in the repository is not taken for anything.
func TestClusterWithACommitThatNobodyHas(t *testing.T) {
	live := has("release", "B")
	live.Source.Revision = rollout.LiveRevision("release@sha1:" + strings.Repeat("f", 40))
	s, at := standing(t, live, nil)
	if problems := s.Problems(at); len(problems) == 0 || problems[0].Rule != rollout.RuleRevisionForeign {
		t.Errorf("%+v", problems)
	}
}

// What is to be done about a cluster that is late is a command that there is.
func TestLateClustersAreReconciledByFlux(t *testing.T) {
	s, at := standing(t, has("release", "A"), nil)
	want := "flux --context ctx reconcile source git fleet -n flux-system"
	if problems := s.Problems(at); len(problems) != 1 || problems[0].Fix != want {
		t.Errorf("%+v, want %s", problems, want)
	}
}

// A moment after a promotion nobody is late.
func TestClustersMayTakeAMoment(t *testing.T) {
	s, _ := standing(t, has("release", "A"), nil)
	if problems := s.Problems(hour(2).Add(6 * time.Minute)); len(problems) > 0 {
		t.Errorf("%+v", problems)
	}
	if problems := s.Problems(hour(2).Add(7 * time.Minute)); len(problems) != 1 {
		t.Errorf("%+v", problems)
	}
}

// Fifty clusters of which five do not answer take as long as one that does not.
func TestClustersAreAskedSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote(t, "main", "release")
		plan := twoStages
		stage := apps
		stage.Clusters = nil
		for i := range 50 {
			stage.Clusters = append(stage.Clusters, fmt.Sprintf("c%d", i))
		}
		plan.Stages = []rollout.Stage{plan.Stages[0], stage}
		began := time.Now()
		all, _, err := r.engine(plan).LookAtClusters(t.Context(), lively(func(ctx context.Context, cluster string) (rollout.LiveCluster, error) {
			if strings.HasSuffix(cluster, "7") {
				<-ctx.Done()
				return rollout.LiveCluster{}, ctx.Err()
			}
			time.Sleep(time.Second)
			return has("release", "A"), nil
		}), nil, 20*time.Second)
		failed := 0
		for _, s := range all {
			if s.Err != nil {
				failed++
			}
		}
		if err != nil || len(all) != 51 || failed != 5 || time.Since(began) != 20*time.Second {
			t.Errorf("%d clusters, %d without an answer, %v, in %v", len(all), failed, err, time.Since(began))
		}
	})
}
