package simulate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/rollouttest/memory"
)

// level is the first stage, counted from 0, whose clusters render a part of the
// tree: those of every later stage do, too. So the stage of that level is the one
// on which it has soaked for nothing.
func level(part int) int {
	switch part % 7 {
	case 3:
		return 1
	case 5:
		return 2
	default:
		return 0
	}
}

// exposes draws what the stages make of changes that soak for nothing. It has a
// random source of its own, so that a seed without such a stage is the year that
// it always was.
func (y *year) exposes(random *rand.Rand) {
	if random.IntN(3) > 0 {
		return
	}
	for i := range y.plan.Stages[1:] {
		policy := rollout.ExposureIgnored
		switch random.IntN(4) {
		case 0:
			policy = rollout.ExposureWarned
		case 1, 2:
			policy = rollout.ExposureRequired
		}
		y.plan.Stages[i+1].Exposure = policy
		if policy != rollout.ExposureIgnored {
			y.excuses = random
		}
	}
}

// excused is a message in which somebody may say why what a commit changes can go
// out unexercised; or seems to.
func (y *year) excused(c *change, body string) string {
	if y.excuses == nil || strings.Contains(body, "```") || strings.Contains(body, "~~~") {
		return body
	}
	switch unexercised := slices.ContainsFunc(c.toggles, func(part int) bool { return level(part) > 0 }); {
	case unexercised && y.excuses.IntN(4) > 0, y.excuses.IntN(20) == 0:
		c.excuse = true
		return body + "\nRollout-Unexercised: infra has nothing like it\n"
	case y.excuses.IntN(8) == 0:
		return body + []string{"\n> Rollout-Unexercised: quoted\n", "\nRollout-Unexercised:\n", "\nRollout-Unexercised no colon\n"}[y.excuses.IntN(3)]
	default:
		return body
	}
}

// parts are what is in the tree of a change.
func (c *change) parts() map[int]bool {
	if c.content == nil {
		c.content = map[int]bool{}
		if len(c.parents) > 0 {
			for part := range c.parents[0].parts() {
				c.content[part] = true
			}
		}
		for _, part := range c.toggles {
			if c.content[part] {
				delete(c.content, part)
			} else {
				c.content[part] = true
			}
		}
	}
	return c.content
}

// differing are the parts in which two trees differ, in order.
func differing(a, b *change) []int {
	var found []int
	for part := range a.parts() {
		if !b.parts()[part] {
			found = append(found, part)
		}
	}
	for part := range b.parts() {
		if !a.parts()[part] {
			found = append(found, part)
		}
	}
	slices.Sort(found)
	return found
}

// A renderer is what the engine is given to see with.
type renderer struct{ y *year }

// ask has something go wrong, as at every other call.
func (r renderer) ask(port string) error {
	switch fate := r.y.intercept(port); fate {
	case memory.Served:
		return nil
	case memory.KilledBefore, memory.KilledAfter, memory.KilledLate:
		panic(memory.Killed{Port: port})
	default:
		return &rollout.Problem{Kind: rollout.ErrUnavailable, What: fmt.Sprintf("nobody answers %s: %s", port, fate)}
	}
}

// Expose implements [rollout.Exposer].
func (r renderer) Expose(_ context.Context, from, to rollout.SHA) (rollout.Exposure, error) {
	if err := r.ask("Expose"); err != nil {
		return rollout.Exposure{}, err
	}
	e := rollout.Exposure{From: from, To: to}
	changed := differing(r.y.changes[from], r.y.changes[to])
	var earlier []string
	for i, stage := range r.y.plan.Stages {
		one := rollout.StageExposure{Stage: stage.Name}
		for _, part := range changed {
			if level(part) > i {
				continue
			}
			f := rollout.ExposedFile{Name: file(part), Clusters: stage.Clusters}
			if level(part) < i {
				f.Exercised = earlier
			}
			one.Files = append(one.Files, f)
		}
		if i > 0 {
			e.Stages = append(e.Stages, one)
		}
		earlier = append(earlier, stage.Clusters...)
	}
	return e, nil
}

// Changes implements [rollout.Exposer].
func (r renderer) Changes(_ context.Context, commits []rollout.Commit) (map[rollout.SHA][][]string, error) {
	if err := r.ask("Changes"); err != nil {
		return nil, err
	}
	all := map[rollout.SHA][][]string{}
	for _, commit := range commits {
		for _, parent := range commit.Parents {
			var names []string
			for _, part := range differing(r.y.changes[parent], r.y.changes[commit.SHA]) {
				names = append(names, file(part))
			}
			all[commit.SHA] = append(all[commit.SHA], names)
		}
	}
	return all, nil
}

// file is what a part of the tree is called.
func file(part int) string { return fmt.Sprintf("clusters/base/%d.yaml", part) }

// order is where the stage stands in the plan.
func (p *picture) order() int {
	return slices.IndexFunc(p.y.plan.Stages, func(s rollout.Stage) bool { return s.Name == p.stage.Name })
}

// unexercised: something that the stage alone renders is not as the stage has it,
// and not everybody who changed it says why.
func (p *picture) unexercised(c *candidate) bool {
	if p.stage.Exposure != rollout.ExposureRequired || c.tree == p.target.tree {
		return false
	}
	if !c.weighed {
		c.weighed = true
		c.silent = slices.ContainsFunc(differing(p.target, c.change), func(part int) bool {
			return level(part) == p.order() && !p.allSayWhy(c, part)
		})
	}
	return c.silent
}

// allSayWhy: some commit that waits changes the part, and each that does says why,
// or was merged by one that does.
func (p *picture) allSayWhy(c *candidate, part int) bool {
	some, all := false, true
	for _, x := range p.pending {
		if p.in(c, x) && x.touches(part) {
			some = true
			all = all && (x.excuse || slices.ContainsFunc(p.pending, func(m *change) bool { return p.in(c, m) && p.speaksFor(m, x) }))
		}
	}
	return some && all
}

// touches: it is in none of its parents as it is in the change; or, in a merge
// that says why, not as it is in the first.
func (x *change) touches(part int) bool {
	for i, parent := range x.parents {
		if parent.parts()[part] == x.parts()[part] {
			return false
		}
		if i == 0 && x.excuse {
			return true
		}
	}
	return len(x.parents) > 0
}

// speaksFor: a merge that says why brought a commit to what it merges into.
func (p *picture) speaksFor(m, x *change) bool {
	if !m.excuse || len(m.parents) < 2 || !p.contains(m, x) {
		return false
	}
	_, waits := p.place[m.parents[0]]
	return !waits || !p.contains(m.parents[0], x)
}

// exposure is what the gate says of a candidate. The engine looks at those alone
// that nothing else keeps in, so of others it may not know.
func (p *picture) exposure(c *candidate) reading {
	switch {
	case !p.unexercised(c):
		return open
	case p.otherGates(c, p.at).all(none) != open:
		return doubtful
	default:
		return shut
	}
}
