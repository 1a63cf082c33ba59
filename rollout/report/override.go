package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// OverridePreview shows what an override would take out before its time, and
// which gates it would go through.
func OverridePreview(r rollout.Receipt) Document {
	var d Document
	decision := r.Decision
	if decision.Action == rollout.Nothing {
		promoted(&d, r)
		return d
	}
	d.Heading("%s: would override to %s%s", decision.Stage.Name, decision.Revision.SHA.Short(), through(decision))
	gates(&d, "Skips", decision)
	d.Line("%s would move %s → %s, with %s, %s.", decision.Stage.Branch, r.Snapshot.Target.SHA.Short(),
		decision.Revision.SHA.Short(), Count(len(decision.GoesOut), "commit"), howMany(len(decision.Unsoaked), len(decision.GoesOut)))
	unsoaked(&d, r)
	exposed(&d, decision.Exposure)
	return d
}

// Override says what an override did.
func Override(r rollout.Receipt) Document {
	var d Document
	decision := r.Decision
	if decision.Action == rollout.Nothing {
		promoted(&d, r)
		return d
	}
	d.Heading("%s: overridden to %s%s", decision.Stage.Name, decision.Revision.SHA.Short(), through(decision))
	d.Line("%s moved %s → %s, recorded as %s.", decision.Stage.Branch, r.Snapshot.Target.SHA.Short(), decision.Revision.SHA.Short(), r.Commit.Short())
	d.Line("By %s: %s", oneLine(r.Entry.By), oneLine(r.Entry.Reason))
	gates(&d, "Skipped", decision)
	unsoaked(&d, r)
	exposed(&d, decision.Exposure)
	return d
}

// through names the gates besides the soak that an override goes through: the
// soak is what overrides are for.
func through(decision rollout.Decision) string {
	var names []string
	for _, gate := range decision.Skipped {
		if gate != rollout.GateSoak {
			names = append(names, string(gate))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", through " + strings.ToUpper(strings.Join(names, ", "))
}

// gates says of each gate besides the soak why it is closed. Of the soak the
// list of commits says more.
func gates(d *Document, verb string, decision rollout.Decision) {
	for _, b := range blocksOf(decision) {
		if b.Gate != rollout.GateSoak {
			d.Fact(fmt.Sprintf("%s %s", verb, b.Gate), "%s", b.Reason())
		}
	}
}

// blocksOf are those of the verdict on what is promoted. A commit that nobody
// saw as the upstream's head has no verdict of its own; then they are the
// stage's.
func blocksOf(decision rollout.Decision) []rollout.Block {
	for _, v := range decision.Verdicts {
		if v.Revision.SHA == decision.Revision.SHA {
			return v.Blocks
		}
	}
	return decision.Blocks
}

// howMany of the commits that go out have not soaked.
func howMany(unsoaked, all int) string {
	switch {
	case unsoaked == 0 && all == 1:
		return "which has no soak left"
	case unsoaked == 0:
		return "none of which has any soak left"
	case all == 1:
		return "which has not soaked"
	case unsoaked == all:
		return "none of which has soaked"
	case unsoaked == 1:
		return "1 of which has not soaked"
	default:
		return fmt.Sprintf("%d of which have not soaked", unsoaked)
	}
}

// unsoaked lists every commit that goes out un-soaked: all of them, since
// somebody is about to answer for them. Where there is none it lists what goes
// out.
func unsoaked(d *Document, r rollout.Receipt) {
	if len(r.Decision.Unsoaked) == 0 {
		goesOut(d, r.Decision.GoesOut)
		return
	}
	commits, ages := map[rollout.SHA]rollout.Commit{}, map[rollout.SHA]time.Duration{}
	for _, c := range r.Decision.GoesOut {
		commits[c.SHA] = c
	}
	for _, v := range r.Decision.Verdicts {
		for _, c := range v.Revision.Brings {
			ages[c.SHA] = max(0, r.Snapshot.At.Sub(v.Revision.Arrival))
		}
	}
	var rows [][]string
	for _, u := range r.Decision.Unsoaked {
		c := commits[u.Commit]
		rows = append(rows, []string{
			c.SHA.Short(), rollout.Printable(c.Subject(), subjectShown), rollout.Printable(c.Author, authorShown),
			rollout.FormatDuration(ages[u.Commit]), rollout.FormatDuration(u.Remaining),
		})
	}
	d.Table([]string{"UN-SOAKED", "SUBJECT", "AUTHOR", "AGE", "SOAK LEFT"}, rows)
}
