package wire

import (
	"errors"
	"fmt"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

// What an error quotes keeps to its lines, and gives no orders; the ways out stay on
// lines of their own.
func TestErrorsGiveNoOrders(t *testing.T) {
	err := fmt.Errorf("promote apps: %w", &rollout.Problem{
		Kind: rollout.ErrUnavailable, What: "the cluster says \x1b[2J\u009b2J", Cause: errors.New("a\n::error::forged ##[group]\u202e"), Ways: []string{"try again"},
	})
	const want = `promote apps: the cluster says \x1b[2J\x9b2J: a` + "\n" + `\x3a:error::forged #\x23[group]\u202e` + "\n  → try again"
	if got := Exit(err).Error(); got != want {
		t.Errorf("it says\n%q, want\n%q", got, want)
	}
}
