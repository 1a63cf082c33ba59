package operate_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// A reset goes on when the branch's name has been typed, and then comes as far as
// the rule that release:init made against it.
func TestResetAsksForTheName(t *testing.T) {
	const ruled = "a rule keeps everybody from rewinding release"
	for _, test := range []struct {
		name, answers string
		args          operate.Repair
		kind          error
		says          string
		asks          bool
	}{
		{name: "the name", answers: "release\n", kind: rollout.ErrRefused, says: ruled, asks: true},
		{name: "another name", answers: "main\n", kind: rollout.ErrRefused, says: "that is not its name, so nothing was changed", asks: true},
		{name: "yes", answers: "yes\n", kind: rollout.ErrRefused, says: "that is not its name", asks: true},
		{name: "gone", answers: "rel", kind: rollout.ErrRefused, says: "nobody answered", asks: true},
		{name: "nobody there", kind: rollout.ErrUsage, says: "nobody is there to type it"},
		{name: "given", args: operate.Repair{Yes: "release"}, kind: rollout.ErrRefused, says: ruled},
		{name: "given, and wrong", answers: "release\n", args: operate.Repair{Yes: "apps"}, kind: rollout.ErrUsage, says: "-yes=apps is not the branch of apps"},
		{name: "shown alone", args: operate.Repair{DryRun: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := sit(t, test.answers, "optional")
			foreign, err := d.repo.Commit("release", rollouttest.Change{Message: "Straight to apps"})
			check(t, err)
			test.args.How, test.args.Reason = "reset", "a slip"
			err = d.Repair(context.Background(), test.args)
			if !errors.Is(err, test.kind) || test.says != "" && !strings.Contains(err.Error(), test.says) {
				t.Errorf("ended with %v, want %v: %s", err, test.kind, test.says)
			}
			if asked := strings.Contains(d.out.String(), "Type the branch's name, release"); asked != test.asks {
				t.Errorf("asked: %t, want %t", asked, test.asks)
			}
			head, err := d.repo.Head("release")
			check(t, err)
			if head != foreign {
				t.Errorf("release stands at %s", head)
			}
		})
	}
}
