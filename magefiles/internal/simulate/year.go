package simulate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// begin is when every year begins.
var begin = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// A year is one repository and all that happens to it.
type year struct {
	ctx       context.Context
	random    *rand.Rand
	clock     *clock
	watch     *watch
	character character
	plan      rollout.Plan
	// stages are those that something is promoted into, last the last of
	// them, and first the branch that people push to.
	stages []*stage
	last   *stage
	first  *line
	ground ground
	*chronicle

	// racesAt is the one call at which others act. Default is any.
	racesAt string
	// aimed is the chance that a fault is one of the transaction. Default is
	// that of any other call.
	aimed float64

	agenda []event
	stack  []*act
	flying []*act

	word    word
	audited rollout.SHA
	// entries are the ledger's commits, and entered is the time of the newest.
	entries map[rollout.SHA]bool
	entered time.Time

	topics []topic
	// gone is what main stood at before it was last forced, taken what has
	// been reverted.
	gone    *change
	taken   map[*change]bool
	reasons int
	// excuses draws who says why something may go out unexercised. It is nil
	// where no stage asks.
	excuses *rand.Rand

	tally Tally
	steps []string
	// replay is the command that plays the year again.
	replay string
	err    error
}

// An event is something that will happen.
type event struct {
	at time.Time
	do func()
}

// newYear sets a year up: what is random in it comes from the seed alone.
func newYear(ctx context.Context, seed uint64) *year {
	random := rand.New(rand.NewPCG(seed, 0))
	c := newCharacter(random)
	// Its own, so that a seed without jumps is the year that it always was.
	jumps := rand.New(rand.NewPCG(seed, 1))
	c.wayward(jumps)
	y := &year{
		ctx: ctx, random: random, character: c, plan: newPlan(random, c),
		clock:     &clock{exact: begin, random: random, behind: c.behind, grain: c.grain},
		chronicle: newChronicle(), entries: map[rollout.SHA]bool{}, taken: map[*change]bool{}, tally: newTally(),
		word: word{taints: map[*change]bool{}, cleared: map[*change]map[*change]bool{}, clearedAt: map[*change]time.Time{}, arrivals: map[string]map[*change]time.Time{}},
	}
	y.watch = &watch{forge: y.clock, random: jumps}
	// The sixth, since none of the years that failed once has such a stage then.
	y.exposes(rand.New(rand.NewPCG(seed, 6)))
	y.first = y.line(y.plan.Stages[0].Branch)
	for i, s := range y.plan.Stages[1:] {
		y.last = &stage{Stage: s, own: y.line(s.Branch), upstream: y.line(y.plan.Stages[i].Branch), first: y.first}
		y.stages = append(y.stages, y.last)
	}
	return y
}

// on gives the year a ground to take place on.
func (y *year) on(g ground) {
	y.ground = g
	g.intercept(y.intercept)
}

// live lets some time go by, and everything happen that happens in it.
func (y *year) live(length time.Duration) error {
	y.begin()
	end := begin.Add(length)
	for y.err == nil && len(y.agenda) > 0 {
		next := y.agenda[0]
		y.agenda = y.agenda[1:]
		if next.at.After(end) || y.ctx.Err() != nil {
			break
		}
		y.clock.set(next.at)
		next.do()
	}
	if y.err == nil && y.ctx.Err() == nil {
		y.review()
	}
	return y.err
}

// begin makes the first commit, sets the rollout up, and has everybody start.
func (y *year) begin() {
	y.push(y.plain(nil), "begins with")
	y.setUp()
	for i, s := range y.plan.Stages[:len(y.plan.Stages)-1] {
		for _, cluster := range s.Clusters {
			if watched(y.stages, cluster) {
				f := &flux{y: y, line: y.line(y.plan.Stages[i].Branch), cluster: cluster}
				f.poll()
			}
		}
	}
	y.every(y.character.pushes, func() { y.pushMain() })
	y.every(y.character.pushes*3, func() {
		if y.chance(y.character.side) {
			y.branch()
		}
	})
	y.every(y.character.ticks, y.cron)
	y.every(y.character.operators, y.operate)
	if y.character.jumps > 0 {
		y.every(y.character.jumps, y.jump)
	}
}

// jump has the clock of whoever runs the engine jump.
func (y *year) jump() {
	y.watch.jump()
	y.tally.Jumps++
	y.note("the clock is wrong by %s", y.watch.wrong)
}

// cron is a schedule as a forge keeps it: a tick can come late, not at all,
// and twice.
func (y *year) cron() {
	switch {
	case y.chance(y.character.lost):
		return
	case y.chance(y.character.late):
		y.later(y.within(3), y.tick)
	default:
		y.tick()
	}
	if y.chance(y.character.doubled) {
		y.later(time.Duration(y.random.IntN(5))*time.Second, y.tick)
	}
}

// patience is how many commits may wait before somebody sees to it that they
// go out.
const patience = 60

// tick has every stage promoted, and looks again what there is left to do.
func (y *year) tick() {
	for _, s := range y.stages {
		y.promote(s)
		if y.random.IntN(8) == 0 {
			y.preview(s)
		}
		if len(missing(s.upstream.head, s.own.has)) > patience {
			y.relieve(s)
		}
	}
}

// every has something happen again and again, at random.
func (y *year) every(mean time.Duration, do func()) {
	wait := time.Duration(y.random.ExpFloat64() * float64(mean)).Truncate(time.Second)
	y.later(wait, func() {
		y.every(mean, do)
		do()
	})
}

// later has something happen after a while.
func (y *year) later(wait time.Duration, do func()) {
	at := y.clock.now().Add(wait)
	i, _ := slices.BinarySearchFunc(y.agenda, at, func(e event, t time.Time) int {
		if e.at.After(t) {
			return 1
		}
		return -1
	})
	y.agenda = slices.Insert(y.agenda, i, event{at, do})
}

func (y *year) chance(of float64) bool { return y.random.Float64() < of }

// diverge sees to stages that have what their upstream has lost: somebody
// merges it back after a while.
func (y *year) diverge() {
	for _, s := range y.stages {
		if s.own.head == nil || s.upstream.has(s.own.head) {
			continue
		}
		y.later(y.within(30), func() {
			if s.upstream.has(s.own.head) || s.upstream != y.first {
				return
			}
			lost := topic{head: s.own.head}
			for _, c := range missing(s.own.head, y.first.has) {
				lost.toggles = append(lost.toggles, c.toggles...)
			}
			y.push(y.merge(y.first.head, lost), "merges back what "+s.Name+" has")
			y.tally.Divergences++
		})
	}
}

// stepsKept is how many steps a failure shows.
const stepsKept = 40

// note keeps a step, for whoever looks at a failure.
func (y *year) note(format string, args ...any) {
	if len(y.steps) == stepsKept {
		y.steps = y.steps[1:]
	}
	y.steps = append(y.steps, y.clock.now().Format("01-02 15:04:05 ")+fmt.Sprintf(format, args...))
}

// fail notes that an invariant does not hold. The first failure counts.
func (y *year) fail(inv invariant, format string, args ...any) {
	if y.err == nil {
		y.err = &Failure{
			Replay: y.replay, Invariant: string(inv), Text: fmt.Sprintf(format, args...),
			Character: y.character.String(), Stages: y.describeStages(), Steps: slices.Clone(y.steps),
		}
	}
}

func (y *year) describeStages() []string {
	var all []string
	for _, s := range y.stages {
		all = append(all, fmt.Sprintf("%s: soak %s %s, health %v settles in %s, observed %t, exposure %s, allowed %v, denied %v", s.Name, s.Soak, s.SoakClock,
			s.Health.Required, s.Health.Settle, s.Observed, s.Exposure, texts(s.Windows.Allow), texts(s.Windows.Deny)))
	}
	return all
}

func texts(windows []rollout.Window) []string {
	var all []string
	for _, w := range windows {
		all = append(all, w.Text)
	}
	return all
}
