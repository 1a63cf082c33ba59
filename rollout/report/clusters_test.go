package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// live are clusters in every kind of state.
func live() []rollout.LiveStanding {
	ok := rollout.LiveCondition{Known: true, Ready: true, Since: in(-3)}
	revision := func(n int) rollout.LiveRevision { return rollout.LiveRevision("release@sha1:" + string(sha(n))) }
	application := func(name string, at int, ready rollout.LiveCondition) rollout.LiveApplication {
		return rollout.LiveApplication{Namespace: "flux-system", Name: name, FromSource: true, Applied: revision(at), Ready: ready}
	}
	source := func(at int) *rollout.LiveSource {
		return &rollout.LiveSource{Name: "flux-system/k8s-ops", Revision: revision(at), Ready: ok}
	}
	failed := rollout.LiveCondition{Known: true, Reason: "HealthCheckFailed", Message: "timeout | waiting\n\x1b[2J for podinfo", Since: in(-1)}
	suspended := source(2)
	suspended.Suspended = true
	head := rollout.Head{Branch: "release", SHA: sha(2)}
	return []rollout.LiveStanding{
		{Stage: "infra", Cluster: "infra", Branch: rollout.Head{Branch: "main", SHA: sha(3)}, Since: in(-2), Behind: 2, Live: rollout.LiveCluster{Context: "infra", Source: source(1), Applications: []rollout.LiveApplication{application("web", 1, ok)}}},
		{Stage: "apps", Cluster: "apps", Branch: head, Live: rollout.LiveCluster{Context: "apps", Source: source(2), Applications: []rollout.LiveApplication{application("web", 2, failed), application("db", 1, rollout.LiveCondition{})}}},
		{Stage: "apps", Cluster: "apart", Branch: head, Ahead: 1, Behind: 1, Live: rollout.LiveCluster{Source: source(4), Applications: []rollout.LiveApplication{{Namespace: "a", Name: "b", Suspended: true}}}},
		{Stage: "apps", Cluster: "strange", Branch: head, Unknown: "bad object", Live: rollout.LiveCluster{Source: source(5), Unread: []string{"fluxinstances: \x1b[2J forbidden"}}},
		{Stage: "apps", Cluster: "braked", Branch: head, Live: rollout.LiveCluster{Source: suspended}},
		{Stage: "apps", Cluster: "empty", Branch: head},
		{Stage: "apps", Cluster: "down", Branch: rollout.Head{Branch: "release"}, Err: errors.New("the cluster does not answer")},
	}
}

// Every way in which a reconciliation goes.
func TestReconciling(t *testing.T) {
	head := rollout.Head{Branch: "release", SHA: sha(2)}
	cases := map[string]rollout.Reconciliation{
		"asked":      {Fetched: sha(1)},
		"nothing":    {},
		"fetched":    {Fetched: sha(2), Waiting: "GitRepository flux-system/k8s-ops"},
		"applying":   {Fetched: sha(2), Applied: 1, All: 3, Waiting: "flux-system/web: \x1b[2Jhealth checks\nrun"},
		"unasked":    {Fetched: sha(1), Unasked: "these credentials may not change GitRepository a/b\n  → kubectl"},
		"done":       {Outcome: rollout.Reconciled, Fetched: sha(2), Applied: 3, All: 3, Took: 2345 * time.Millisecond},
		"obstructed": {Outcome: rollout.Obstructed, Fetched: sha(2), Applied: 1, All: 3, Took: 90 * time.Second},
		"late":       {Outcome: rollout.Late, Fetched: sha(2), Took: 5 * time.Minute},
		"silent":     {Waiting: "the cluster does not answer: no answer in time"},
		"unreached":  {Outcome: rollout.Unreached, Err: errors.New("the cluster does not answer\n  → kubectl version")},
	}
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		r := cases[name]
		r.Stage, r.Cluster, r.Wanted = "apps", name, head
		if name != "silent" {
			r.Context = name
		}
		fmt.Fprintln(&b, report.Reconciling(r))
	}
	golden(t, "reconciling.txt", b.String())
}

func TestClusters(t *testing.T) {
	drawn(t, "clusters", report.Clusters(now, live()))
	drawn(t, "clusters-none", report.Clusters(now, nil))
	var b bytes.Buffer
	if err := report.WriteClustersJSON(&b, now, live(), rollout.Verification{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "clusters.json", b.String())
}
