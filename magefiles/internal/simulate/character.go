package simulate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A character is what kind of year it is: how the repository is set up, and
// how people and machines behave. Chances are of 1.
type character struct {
	pushLog bool
	// pushes and ticks are the mean times between two.
	pushes, ticks time.Duration
	// behind and grain are the forge's clock.
	behind, grain time.Duration
	// late, lost and doubled are the chances of a tick.
	late, lost, doubled float64
	// faults is the chance that something goes wrong during a call of the
	// engine, races that somebody else acts meanwhile.
	faults, races float64
	// of a push
	side, forced, revert, decoy, trailer, unlogged float64
	// broken is the chance that a revision fails on a cluster, silent that a
	// report never comes.
	broken, silent float64
	// operators is the mean time between two acts of operators.
	operators time.Duration
	// globbed has the plan name its contexts by a pattern.
	globbed bool
	// jumps is the mean time between two jumps of the clock of whoever runs
	// the engine, 0 for a clock that is right.
	jumps time.Duration
}

// newCharacter draws a character.
func newCharacter(random *rand.Rand) character {
	hours := func(from, to int) time.Duration {
		return time.Duration(from)*time.Hour + time.Duration(random.Int64N(int64(time.Duration(to-from)*time.Hour)))
	}
	chance := func(most float64) float64 { return random.Float64() * most }
	c := character{
		pushLog: random.IntN(3) > 0,
		pushes:  hours(4, 18), ticks: hours(5, 18), operators: hours(30, 120),
		grain: time.Second,
		late:  chance(0.3), lost: chance(0.2), doubled: chance(0.2),
		faults: chance(0.2), races: chance(0.2),
		side: chance(0.3), forced: chance(0.012), revert: chance(0.08), decoy: chance(0.1), trailer: chance(0.05),
		broken: chance(0.15), silent: chance(0.1),
		globbed: random.IntN(2) == 0,
	}
	if random.IntN(2) == 0 {
		c.behind = 3 * time.Second
	}
	if random.IntN(4) == 0 {
		c.grain = time.Nanosecond
	}
	if random.IntN(6) == 0 {
		c.unlogged = chance(0.05)
	}
	return c
}

// wayward draws whether the clock of whoever runs the engine jumps. It counts
// where there is no push log; and such a remote has no statuses either.
func (c *character) wayward(random *rand.Rand) {
	if !c.pushLog && random.IntN(2) == 0 {
		c.jumps = time.Duration(1+random.IntN(200)) * time.Hour
	}
}

// ledgerBranch is where the ledger is kept.
const ledgerBranch = "rollout/ledger"

// repository is what reverts name.
var repository = rollout.Repository{
	URL: "https://github.example/octo-org/fleet.git", Forge: rollout.ForgeGitHub,
	Host: "github.example", Owner: "octo-org", Name: "fleet",
}

// newPlan draws a plan of two or three stages.
func newPlan(random *rand.Rand, c character) rollout.Plan {
	plan := rollout.Plan{
		Repository: repository, Ledger: ledgerBranch,
		Stages: []rollout.Stage{{Name: "infra", Branch: "main", Clusters: []string{"infra"}}},
	}
	names := []string{"apps"}
	if random.IntN(3) == 0 {
		names = []string{"canary", "apps"}
	}
	for i, name := range names {
		stage := rollout.Stage{Name: name, Branch: "release/" + name, Clusters: []string{name}}
		stage.Soak = []time.Duration{0, time.Hour, 6 * time.Hour, 24 * time.Hour, 24 * time.Hour, 72 * time.Hour}[random.IntN(6)]
		if random.IntN(2) == 0 && c.jumps == 0 {
			health(random, c, plan.Stages[i].Clusters[0], &stage)
		}
		if random.IntN(2) == 0 {
			stage.Windows = newWindows(random)
		}
		plan.Stages = append(plan.Stages, stage)
	}
	return plan
}

// contexts are what the Flux of a cluster reports about.
func contexts(cluster string) []string {
	return []string{"flux/" + cluster + "/apps", "flux/" + cluster + "/core"}
}

// health has a stage ask for what the upstream's cluster reports.
func health(random *rand.Rand, c character, cluster string, stage *rollout.Stage) {
	stage.Health.Settle = []time.Duration{0, 10 * time.Minute, time.Hour}[random.IntN(3)]
	stage.Observed = random.IntN(2) == 0
	patterns := contexts(cluster)
	if c.globbed {
		patterns = []string{"flux/" + cluster + "/*"}
	} else if stage.Soak > 0 {
		stage.SoakClock = []rollout.SoakClock{rollout.WallClock, rollout.PausingClock, rollout.RestartingClock, rollout.RestartingClock}[random.IntN(4)]
	}
	for _, pattern := range patterns {
		glob, err := rollout.ParseGlob(pattern)
		if err != nil {
			panic(err) // a constant
		}
		stage.Health.Required = append(stage.Health.Required, rollout.Requirement{Cluster: cluster, Contexts: glob})
	}
}

// newWindows draws times at which a stage may take something. They never stay
// closed for longer than two weeks.
func newWindows(random *rand.Rand) rollout.Windows {
	var w rollout.Windows
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"}
	zone, err := time.LoadLocation(zones[random.IntN(len(zones))])
	if err != nil {
		zone = time.UTC
	}
	add := func(to *[]rollout.Window, s rollout.Schedule) {
		*to = append(*to, rollout.Window{Schedule: s, Text: fmt.Sprint(s), Where: fmt.Sprintf("plan:%d", len(*to)+1)})
	}
	if random.IntN(2) == 0 {
		from := 6 + random.IntN(6)
		add(&w.Allow, weekly{zone: zone, days: 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<5, from: from, to: from + 2 + random.IntN(8)})
	}
	if random.IntN(3) == 0 {
		add(&w.Allow, weekly{zone: zone, days: 1 << 6, from: 10, to: 12})
	}
	if random.IntN(2) == 0 {
		add(&w.Deny, weekly{zone: zone, days: 1 << 5, from: 12, to: 24})
	}
	if random.IntN(3) > 0 {
		from := begin.AddDate(0, 0, 20+random.IntN(320))
		add(&w.Deny, once{from, from.Add(time.Duration(1+random.IntN(12*24)) * time.Hour)})
	}
	return w
}

// weekly is a span on some days of every week, by the clock on the wall.
type weekly struct {
	zone *time.Location
	// days has a bit for each day, Sunday's the lowest.
	days     int
	from, to int
}

// Next implements [rollout.Schedule].
func (w weekly) Next(after time.Time) (rollout.Span, bool) {
	local := after.In(w.zone)
	for day := -1; ; day++ {
		from := time.Date(local.Year(), local.Month(), local.Day()+day, w.from, 0, 0, 0, w.zone)
		to := time.Date(local.Year(), local.Month(), local.Day()+day, w.to, 0, 0, 0, w.zone)
		if w.days&(1<<from.Weekday()) != 0 && to.After(after) {
			return rollout.Span{From: from, To: to}, true
		}
	}
}

// open tells by the clock on the wall whether it is open.
func (w weekly) open(t time.Time) bool {
	local := t.In(w.zone)
	return w.days&(1<<local.Weekday()) != 0 && local.Hour() >= w.from && local.Hour() < w.to
}

func (w weekly) String() string {
	return fmt.Sprintf("%07b %d:00 to %d:00 %s", w.days, w.from, w.to, w.zone)
}

// once is a span that comes a single time.
type once struct{ from, to time.Time }

// Next implements [rollout.Schedule].
func (o once) Next(after time.Time) (rollout.Span, bool) {
	return rollout.Span{From: o.from, To: o.to}, o.to.After(after)
}

func (o once) open(t time.Time) bool { return !t.Before(o.from) && t.Before(o.to) }

func (o once) String() string {
	return o.from.Format(time.DateTime) + " to " + o.to.Format(time.DateTime)
}

// String is the character for people who look at a failure.
func (c character) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "push log %t, a push in %s, a tick in %s, an operator in %s", c.pushLog,
		c.pushes.Round(time.Minute), c.ticks.Round(time.Minute), c.operators.Round(time.Minute))
	if c.jumps > 0 {
		fmt.Fprintf(&b, ", a jump of the clock in %s", c.jumps.Round(time.Minute))
	}
	fmt.Fprintf(&b, "; faults %.2f, races %.2f, side %.2f, forced %.3f, revert %.2f, unlogged %.2f, broken %.2f, silent %.2f, globbed %t",
		c.faults, c.races, c.side, c.forced, c.revert, c.unlogged, c.broken, c.silent, c.globbed)
	return b.String()
}
