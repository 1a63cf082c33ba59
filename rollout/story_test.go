package rollout_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

var mention = regexp.MustCompile(`@@?[A-Z][0-9]?`)

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
//	6   say C text      C's message, given before it is pushed: \n is a line
//	                    break, @A the SHA of A, @@A its first seven digits
//	6   tree C A        C has A's tree, given before it is pushed
//	6   report A x good x is a context: good, bad or pending
//	6   taint A         ada taints A; clear A C clears it, although C reverts it
//	6   restore B A     apps goes back from B, where release stands, to A
//	6   hold 8          ada holds the stage until hour 8; hold alone for good
//	6   change A x      A changes the file x, given at any time: apps renders it,
//	                    and infra what lies below base/
//	6   meet A x        with A infra begins to render x, too
//	6   break A         with A apps cannot be rendered
//	9   look            when the snapshot is taken: the last line
//
// "nolog" in place of an hour says that the forge keeps no log of pushes.
func tell(t *testing.T, story string) rollout.Snapshot {
	t.Helper()
	s := newStoryteller()
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

func newStoryteller() storyteller {
	w := newWorld()
	return storyteller{world: w, log: true, evidence: map[rollout.SHA][]rollout.Evidence{}, rendered: newRenderer(w)}
}

type storyteller struct {
	*world
	log   bool
	notes []rollout.Arrival
	// state and evidence are handed to the snapshot as they are.
	state    rollout.State
	evidence map[rollout.SHA][]rollout.Evidence
	seen     rollout.Snapshot
	rendered *renderer
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
	case "say":
		text := strings.ReplaceAll(strings.Join(args[1:], " "), `\n`, "\n")
		s.messages[sha(args[0])] = mention.ReplaceAllStringFunc(text, func(m string) string {
			if of, short := strings.CutPrefix(m, "@@"); short {
				return sha(of).Short()
			}
			return string(sha(m[1:]))
		})
	case "tree":
		s.trees[sha(args[0])] = sha("tree" + args[1])
	case "report":
		states := map[string]rollout.EvidenceState{"good": rollout.EvidenceSuccess, "bad": rollout.EvidenceFailure, "pending": rollout.EvidencePending}
		e := rollout.Evidence{Context: args[1], State: states[args[2]], At: hour(at)}
		s.evidence[sha(args[0])] = append([]rollout.Evidence{e}, s.evidence[sha(args[0])]...)
	case "taint":
		s.state.Taints = append(s.state.Taints, rollout.Mark{Commit: sha(args[0]), By: "ada", Reason: "it breaks", At: hour(at)})
	case "clear":
		m := rollout.Mark{Commit: sha(args[0]), By: "ada", Reason: "it does not", At: hour(at)}
		for _, revert := range args[1:] {
			m.Reverts = append(m.Reverts, sha(revert))
		}
		s.state.Cleared = append(s.state.Cleared, m)
	case "restore":
		s.state.Restorations = append(s.state.Restorations, rollout.Restoration{
			Stage: "apps", From: sha(args[0]), To: sha(args[1]), Tree: s.commits[sha(args[1])].Tree, At: hour(at),
		})
	case "hold":
		h := rollout.Hold{By: "ada", Reason: "a freeze", At: hour(at)}
		if len(args) > 0 {
			until, err := strconv.ParseFloat(args[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			h.Until = hour(until)
		}
		s.state.Holds = append(s.state.Holds, h)
	case "change":
		s.rendered.files[sha(args[0])] = append(s.rendered.files[sha(args[0])], args[1:]...)
	case "meet":
		s.rendered.meets[sha(args[0])] = append(s.rendered.meets[sha(args[0])], args[1:]...)
	case "break":
		s.rendered.broken[sha(args[0])] = true
	case "look":
		s.seen = s.snapshot(hour(at))
		s.seen.State, s.seen.Evidence = s.state, s.evidence
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
