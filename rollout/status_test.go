package rollout_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

func TestStatus(t *testing.T) {
	r := newRemote(t, "main", "release", "edge")
	r.push("main", 1, "B")
	r.now = hour(25)
	e := r.engine(threeStages)
	if _, err := e.Promote(t.Context(), apps); err != nil {
		t.Fatal(err)
	}
	r.push("main", 26, "C")
	r.now = hour(27)
	s, err := e.Status(t.Context(), rollout.StatusQuery{Records: 10})
	if err != nil {
		t.Fatal(err)
	}
	if !s.At.Equal(hour(27)) || len(s.Stages) != 3 || len(s.Records) != 2 {
		t.Fatalf("status at %s of %d stages, %d records", s.At, len(s.Stages), len(s.Records))
	}
	for i, want := range []struct{ head, since, decision string }{
		{"C", "26h", ""},
		{"B", "25h", "wait until 50h: C@26h soaking"},
		{"A", "0h", "wait until 73h: B@25h soaking"},
	} {
		got := s.Stages[i]
		if name(got.Head.SHA) != want.head || hours(got.Since) != want.since {
			t.Errorf("%s at %s since %s; want %s since %s", got.Stage.Name, name(got.Head.SHA), hours(got.Since), want.head, want.since)
		}
		if (got.Decision != nil) != (want.decision != "") || got.Decision != nil && describe(*got.Decision) != want.decision {
			t.Errorf("%s: %+v; want %s", got.Stage.Name, got.Decision, want.decision)
		}
	}
}

// One stage that is broken hides nothing of the others.
func TestStatusWithABrokenStage(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(r *remote)
		kind  error
	}{
		{"missing", func(r *remote) { delete(r.branches, "edge") }, rollout.ErrNoBranch},
		{"not to be compared", func(r *remote) { r.incomparable = r.push("edge", 1.5, "E") }, rollout.ErrUnavailable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRemote(t, "main", "release", "edge")
			r.push("main", 1, "B")
			r.now = hour(2)
			c.spoil(r)
			s, err := r.engine(threeStages).Status(t.Context(), rollout.StatusQuery{Records: 10})
			if !errors.Is(err, c.kind) || len(s.Stages) != 3 {
				t.Fatalf("%d stages, %v", len(s.Stages), err)
			}
			if s.Stages[1].Decision == nil || s.Stages[1].Err != nil {
				t.Errorf("apps is hidden: %+v", s.Stages[1])
			}
			broken := s.Stages[2]
			if broken.Decision != nil || !errors.Is(broken.Err, c.kind) || broken.Head != (rollout.Head{Branch: "edge", SHA: r.branches["edge"]}) {
				t.Errorf("edge: %+v", broken)
			}
			if len(s.Records) != 1 {
				t.Errorf("%d records", len(s.Records))
			}
		})
	}
}

func TestStatusOfADivergedStage(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.push("release", 1, "X")
	s, err := r.engine(twoStages).Status(t.Context(), rollout.StatusQuery{Records: 10})
	if err != nil || s.Stages[1].Decision.Action != rollout.Diverged || names(s.Stages[1].Decision.Foreign) != "X" {
		t.Errorf("%+v, %v", s.Stages[1].Decision, err)
	}
}

// A stage names the holds that are active, its own and those of all stages.
func TestStatusNamesHolds(t *testing.T) {
	r := newRemote(t, "main", "release", "edge")
	e := r.engine(threeStages)
	for _, request := range []rollout.HoldRequest{
		{Reason: "incident"},
		{Stage: "edge", Reason: "a visit"},
		{Stage: "apps", Reason: "a database moves", Until: hour(3)},
	} {
		if _, err := e.Hold(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	for now, want := range map[float64][]string{
		2: {"", "incident, a database moves", "incident, a visit"},
		3: {"", "incident", "incident, a visit"},
	} {
		r.now = hour(now)
		s, err := e.Status(t.Context(), rollout.StatusQuery{Records: 10})
		if err != nil {
			t.Fatal(err)
		}
		for i, stage := range s.Stages {
			var reasons []string
			for _, h := range stage.Holds {
				reasons = append(reasons, h.Reason)
			}
			if got := strings.Join(reasons, ", "); got != want[i] {
				t.Errorf("%s is held at %gh for %q, want %q", stage.Stage.Name, now, got, want[i])
			}
		}
	}
}

func TestStatusBeforeInit(t *testing.T) {
	r := newRemote(t, "main")
	r.ledger, r.files = nil, nil
	s, err := r.engine(twoStages).Status(t.Context(), rollout.StatusQuery{Records: 10})
	if !errors.Is(err, rollout.ErrNoBranch) || !strings.Contains(err.Error(), "mage release:init") {
		t.Errorf("Status: %v", err)
	}
	if len(s.Stages) != 2 || s.Stages[0].Head.SHA != sha("A") || len(s.Records) != 0 {
		t.Errorf("stages %+v, records %v", s.Stages, s.Records)
	}
}

func TestTrail(t *testing.T) {
	r := soaked(t)
	e := r.engine(twoStages)
	if _, err := e.Promote(t.Context(), apps); err != nil {
		t.Fatal(err)
	}
	r.append(rollout.Draft{Message: "somebody was here\n", Files: r.files})
	for limit, want := range map[int]string{
		0: "damaged, promotion, init",
		2: "damaged, promotion",
		9: "damaged, promotion, init",
	} {
		records, err := e.Trail(t.Context(), limit)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, record := range records {
			kind := string(record.Kind)
			if record.Damaged != "" {
				kind = "damaged"
			}
			kinds = append(kinds, kind)
		}
		if got := strings.Join(kinds, ", "); got != want {
			t.Errorf("Trail(%d) = %s, want %s", limit, got, want)
		}
	}
	r.ledger = nil
	if _, err := e.Trail(t.Context(), 0); !errors.Is(err, rollout.ErrNoBranch) {
		t.Errorf("without a ledger: %v", err)
	}
}

// Without a push log the ledger alone says since when a branch stands where it
// stands, however much was written to it since.
func TestStatusLooksBackFarEnough(t *testing.T) {
	r := newRemote(t, "main", "release")
	r.pushLog = false
	r.push("main", 1, "B")
	e := r.engine(twoStages)
	for _, now := range []float64{2, 30} {
		r.now = hour(now)
		if _, err := e.Promote(t.Context(), apps); err != nil {
			t.Fatal(err)
		}
	}
	for range 70 {
		if _, err := e.Hold(t.Context(), rollout.HoldRequest{Reason: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := e.Status(t.Context(), rollout.StatusQuery{Records: 5})
	if err != nil || hours(s.Stages[0].Since) != "2h" || hours(s.Stages[1].Since) != "30h" || len(s.Records) != 5 {
		t.Errorf("since %s and %s, %d records, %v", hours(s.Stages[0].Since), hours(s.Stages[1].Since), len(s.Records), err)
	}
}

// Clusters are asked side by side, each for so long at the most, and one that does not
// answer hides nothing.
func TestStatusOfClusters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote(t, "main", "release", "edge")
		plan := rollout.Plan{Ledger: "rollout/ledger", Stages: []rollout.Stage{
			{Name: "infra", Branch: "main", Clusters: []string{"infra", "silent", "quiet"}},
			{Name: "apps", Branch: "release", Clusters: []string{"unknown"}},
		}}
		began := time.Now()
		s, err := r.engine(plan).Status(t.Context(), rollout.StatusQuery{Patience: time.Second, Glance: func(ctx context.Context, cluster string) (rollout.LiveCluster, error) {
			switch cluster {
			case "infra":
				return rollout.LiveCluster{Context: "the-hub"}, nil
			case "unknown":
				return rollout.LiveCluster{}, &rollout.Problem{Kind: rollout.ErrUsage, What: "no context"}
			}
			<-ctx.Done()
			return rollout.LiveCluster{}, ctx.Err()
		}})
		if took := time.Since(began); err != nil || took != time.Second {
			t.Fatalf("after %s: %v", took, err)
		}
		all := slices.Concat(s.Stages[0].Clusters, s.Stages[1].Clusters)
		if len(all) != 4 {
			t.Fatalf("%d clusters", len(all))
		}
		for i, want := range []struct {
			cluster, stage, context string
			asked, answered         bool
		}{{"infra", "infra", "the-hub", true, true}, {"silent", "infra", "", true, false}, {"quiet", "infra", "", true, false}, {"unknown", "apps", "", false, false}} {
			if c := all[i]; c.Cluster != want.cluster || c.Stage != want.stage || c.Live.Context != want.context || c.Asked() != want.asked || (c.Err == nil) != want.answered || c.Branch.SHA != sha("A") {
				t.Errorf("%+v, want %+v", c, want)
			}
		}
		s, err = r.engine(plan).Status(t.Context(), rollout.StatusQuery{})
		if err != nil || len(s.Stages[0].Clusters) != 3 || s.Stages[0].Clusters[0].Asked() {
			t.Errorf("where nobody asks: %+v, %v", s.Stages[0].Clusters, err)
		}
	})
}
