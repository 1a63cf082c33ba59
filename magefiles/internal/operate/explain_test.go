package operate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

func TestExplain(t *testing.T) {
	for _, test := range []struct {
		name  string
		args  operate.Explain
		kind  error
		shows string
	}{
		{name: "everything", shows: "Fix the outage"},
		{name: "one stage", args: operate.Explain{Stage: "apps"}, shows: "Fix the outage"},
		{name: "an unknown commit", args: operate.Explain{Revision: "1234567"}, kind: rollout.ErrRefused},
		{name: "no commit", args: operate.Explain{Revision: "latest"}, kind: rollout.ErrUsage},
		{name: "too few digits", args: operate.Explain{Revision: "123456"}, kind: rollout.ErrUsage},
		{name: "an unknown stage", args: operate.Explain{Stage: "nowhere"}, kind: rollout.ErrUsage},
		{name: "the first stage", args: operate.Explain{Stage: "infra"}, kind: rollout.ErrUsage},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := sit(t, "", "optional")
			var summary bytes.Buffer
			d.Summary = &summary
			if err := d.Explain(context.Background(), test.args); !errors.Is(err, test.kind) {
				t.Fatalf("ended with %v, want %v", err, test.kind)
			}
			for place, shown := range map[string]string{"terminal": d.out.String(), "summary": summary.String()} {
				if !strings.Contains(shown, test.shows) || (test.kind != nil && shown != "") {
					t.Errorf("the %s shows, in place of %q:\n%s", place, test.shows, shown)
				}
			}
		})
	}
}

// One commit, by its first digits, for a program.
func TestExplainJSON(t *testing.T) {
	d := sit(t, "", "optional")
	if err := d.Explain(context.Background(), operate.Explain{Revision: d.pending[:7], JSON: true}); err != nil {
		t.Fatal(err)
	}
	var answer report.ExplainJSON
	check(t, json.Unmarshal(d.out.Bytes(), &answer))
	if len(answer.Stages) != 1 || len(answer.Stages[0].Subjects) != 1 {
		t.Fatalf("the answer is %+v", answer)
	}
	if one := answer.Stages[0].Subjects[0]; string(one.Revision) != d.pending || one.Author != "ada" || one.Arrival == nil {
		t.Errorf("the answer is about %+v", one)
	}
}

// A forge that does not answer is an error, and not an explanation.
func TestExplainWithoutAForge(t *testing.T) {
	d := sit(t, "", "optional")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.Explain(ctx, operate.Explain{}); err == nil || d.out.Len() > 0 {
		t.Errorf("ended with %v, and shows:\n%s", err, d.out)
	}
}

func TestExplainSaysThatItCannotPrint(t *testing.T) {
	d := sit(t, "", "optional")
	full := errors.New("disk full")
	d.Out = writerFunc(func([]byte) (int, error) { return 0, full })
	for _, args := range []operate.Explain{{}, {JSON: true}} {
		if err := d.Explain(context.Background(), args); !errors.Is(err, full) {
			t.Errorf("%+v ended with %v", args, err)
		}
	}
}
