package rollout_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

// tell makes a snapshot of a story, one event a line, with the hour first:
//
//	0   push A          a commit A on top of main, pushed
//	1   push B C        two commits, pushed together
//	2   push D<A,C      a merge; D<A alone is a branch off A
//	3   push A          a commit that exists is pushed again, forced if need be
//	3   lost B          a push that the log has lost
//	4   note C          the ledger recorded that main stood at C
//	5   release A       release stands at A
//	6   delete          main is deleted
//	9   look            when the snapshot is taken: the last line
//
// "nolog" in place of an hour says that the forge keeps no log of pushes.
func tell(t *testing.T, story string) rollout.Snapshot {
	t.Helper()
	s := storyteller{world: newWorld(), log: true}
	for line := range strings.Lines(strings.TrimSpace(story)) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[0] == "nolog" {
			s.log = false
			continue
		}
		at, err := strconv.ParseFloat(words[0], 64)
		if err != nil || len(words) < 2 {
			t.Fatalf("a story has no line %q", line)
		}
		s.tell(t, at, words[1], words[2:])
	}
	return s.seen
}

type storyteller struct {
	*world
	log   bool
	notes []rollout.Arrival
	seen  rollout.Snapshot
}

func (s *storyteller) tell(t *testing.T, at float64, verb string, args []string) {
	t.Helper()
	switch verb {
	case "push":
		s.move("main", s.make(args), hour(at))
	case "lost":
		s.branches["main"] = s.make(args)
	case "delete":
		s.move("main", "", hour(at))
	case "release":
		s.branches["release"] = sha(args[0])
	case "note":
		s.notes = append(s.notes, rollout.Arrival{Revision: sha(args[0]), At: hour(at)})
	case "look":
		s.seen = s.snapshot(hour(at))
		s.seen.State.Arrivals = map[string][]rollout.Arrival{"main": s.notes}
		if s.seen.PushLog = s.log; !s.log {
			s.seen.Movements = nil
		}
	default:
		t.Fatalf("a story has no word %q", verb)
	}
}

// make makes those commits that there are not yet, and returns the last.
func (s *storyteller) make(args []string) rollout.SHA {
	last := s.branches["main"]
	for _, arg := range args {
		name, parents, explicit := strings.Cut(arg, "<")
		if _, ok := s.commits[sha(name)]; ok {
			last = sha(name)
			continue
		}
		var on []rollout.SHA
		switch {
		case explicit:
			for parent := range strings.SplitSeq(parents, ",") {
				on = append(on, sha(parent))
			}
		case last != "":
			on = []rollout.SHA{last}
		}
		last = s.commit(name, on...)
	}
	if last == "" {
		panic(fmt.Sprintf("%q makes nothing", args))
	}
	return last
}
