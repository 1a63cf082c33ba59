package mutation

import (
	"errors"
	"flag"
	"testing"

	"github.com/monosense/k8s-ops/magefiles/internal/simulate"
)

var years = flag.Int("subject.years", 0, "play so many years, as the subject of an experiment")

// TestSubject is what runs with a bug built in. By itself it does nothing.
func TestSubject(t *testing.T) {
	if *years == 0 {
		t.Skip("it runs with a bug built in, started by TestBugsAreFound")
	}
	tally, err := simulate.Run(t.Context(), simulate.Options{Years: *years, Seed: 1, Workers: 1})
	t.Log(tally)
	var failed *simulate.Failure
	if errors.As(err, &failed) {
		t.Logf("%s%s", found, failed.Invariant)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// found begins the line that names the invariant.
const found = "found by invariant "
