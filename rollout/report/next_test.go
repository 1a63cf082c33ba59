package report_test

import (
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// apart has a revision that may go out, since it has the stage's tree, one that
// was forced in its place, and a merge of both.
func apart() rollout.Snapshot {
	s := line(30, 20, 1)
	s.Pending[1].Parents = []rollout.SHA{sha(1)}
	s.Pending[2].Parents = []rollout.SHA{sha(3), sha(2)}
	s.Movements[1].Forced = true
	s.Tree = sha(99)
	s.Pending[0].Tree = s.Tree
	return s
}

// What is said to go out next goes out by the passing of time alone.
func TestNext(t *testing.T) {
	unrecorded := line(3)
	unrecorded.Movements = nil
	still := line(30)
	still.Movements = nil
	unsoaked := apps
	unsoaked.Soak = 0
	for name, c := range map[string]struct {
		stage rollout.Stage
		s     rollout.Snapshot
		want  rollout.SHA
	}{
		"the first of several":             {apps, line(20, 3), sha(2)},
		"nothing pending":                  {apps, line(), ""},
		"a soak that has not begun":        {apps, unrecorded, ""},
		"no soak, and an arrival unknown":  {unsoaked, held(still, adaHolds), sha(2)},
		"held for good":                    {apps, held(line(20), bobHolds), ""},
		"held for a time, the newest":      {apps, held(line(40, 30), adaHolds), sha(3)},
		"what goes out now is not next":    {apps, line(30, 3), sha(3)},
		"bad goes out now with its revert": {unfrozen(), troubled(25), ""},
		"the window, and the newest then":  {guarded, troubled(3), sha(6)},
		"left behind by what goes out now": {apps, apart(), sha(4)},
	} {
		t.Run(name, func(t *testing.T) {
			v, ok := report.Next(rollout.Decide(c.s.At, c.stage, c.s))
			if v.Revision.SHA != c.want || ok != (c.want != "") {
				t.Errorf("next is %q, %v; want %q", v.Revision.SHA.Short(), ok, c.want.Short())
			}
		})
	}
}
