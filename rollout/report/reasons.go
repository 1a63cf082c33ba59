package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// reasonsShown is how many reasons are given besides those of the stage, and
// namesShown how many revisions are named with each.
const (
	reasonsShown = 10
	namesShown   = 3
)

// A reason is what is wrong with some revisions.
type reason struct {
	outcome   rollout.Outcome
	text      string
	revisions []rollout.SHA
}

// reasons says what is wrong with single revisions, and what is wrong with
// several but once.
func reasons(d *Document, decision rollout.Decision) {
	all := reasonsOf(decision)
	for i, r := range all {
		if i == reasonsShown {
			d.Fact("…", "%d more: mage release:explain", len(all)-i)
			return
		}
		d.Fact(title(r.outcome), "%s: %s", names(r.revisions, len(r.revisions)), r.text)
	}
}

// reasonsOf collects them, those of the newest revision first.
func reasonsOf(decision rollout.Decision) []*reason {
	type key struct {
		outcome rollout.Outcome
		text    string
	}
	var all []*reason
	known := map[key]*reason{}
	out := goingOut(decision)
	for _, v := range decision.Verdicts {
		if out[v.Revision.SHA] {
			continue
		}
		for _, b := range worthSaying(decision, v) {
			k := key{b.Outcome, blocked(b)}
			if known[k] == nil {
				known[k] = &reason{outcome: k.outcome, text: k.text}
				all = append(all, known[k])
			}
			known[k].revisions = append(known[k].revisions, v.Revision.SHA)
		}
	}
	return all
}

// worthSaying are the blocks of a revision that nothing else tells of: tables
// say what soaks and what is known to be bad itself, of which nobody needs to
// know more; complaints say what was never reported; and the decision's reason
// says all of a revision that is alone, if it is one thing.
func worthSaying(decision rollout.Decision, v rollout.Verdict) []rollout.Block {
	own, _ := split(v.Blocks)
	if len(decision.Verdicts) == 1 && !severalOfOne(decision) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(own), func(b rollout.Block) bool {
		switch b.Gate {
		case rollout.GateTaint:
			return b.Commit == v.Revision.SHA
		case rollout.GateSoak:
			return !severalOfOne(decision)
		default:
			return slices.Contains(decision.Complaints, b.Reason())
		}
	})
}

// names names some of many commits.
func names(some []rollout.SHA, all int) string {
	shown := some[:min(len(some), namesShown)]
	parts := make([]string, len(shown))
	for i, sha := range shown {
		parts[i] = sha.Short()
	}
	text := strings.Join(parts, ", ")
	if more := all - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
