package scripttest

import (
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

func ran(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 2, "ran EVENT CONCLUSION")
	ts.Check(in(ts).repo.Ran(rollout.PromoteWorkflow, args[0], rollouttest.Conclusion(args[1])))
}
