package hostiletest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
	"github.com/monosense/k8s-ops/rollout/measure"
)

var now = time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)

// A maker makes what outputs are given.
type maker struct {
	text   string
	chance *rand.Rand
}

// newMaker is one of a text. What is no text is the same for the same seed.
func newMaker(text string, seed uint64) *maker {
	return &maker{text: text, chance: rand.New(rand.NewPCG(seed, 0))}
}

// one in so many times it is true.
func (m *maker) one(in int) bool { return m.chance.IntN(in) == 0 }

// made makes something.
func made[T any](m *maker) T {
	var v T
	m.fill(reflect.ValueOf(&v).Elem())
	return v
}

// words are the types of which the toolkit itself chooses the values.
var words = map[reflect.Type][]string{
	kind(rollout.Promote):             of(rollout.Promote, rollout.Wait, rollout.Blocked, rollout.Nothing, rollout.Diverged),
	kind(rollout.Promotable):          of(rollout.Promotable, rollout.NotFastForward, rollout.Tainted, rollout.Unhealthy, rollout.Unproven, rollout.Unobserved, rollout.Soaking, rollout.Unexercised, rollout.Held, rollout.Closed),
	kind(rollout.GateSoak):            of(rollout.GateFastForward, rollout.GateTaint, rollout.GateHealth, rollout.GateObserved, rollout.GateSoak, rollout.GateExposure, rollout.GateHold, rollout.GateWindow),
	kind(rollout.CheckPlan):           of(rollout.CheckPlan, rollout.CheckForge, rollout.CheckKey, rollout.CheckCluster),
	kind(rollout.LevelFine):           of(rollout.LevelFine, rollout.LevelUnknown, rollout.LevelWarning, rollout.LevelStops),
	kind(rollout.SeverityError):       of(rollout.SeverityError, rollout.SeverityWarning),
	kind(rollout.AlarmOverdue):        of(rollout.AlarmKinds()...),
	kind(rollout.ObjectAdded):         of(rollout.ObjectAdded, rollout.ObjectChanged, rollout.ObjectRemoved),
	kind(rollout.Reconciling):         of(rollout.Reconciling, rollout.Reconciled, rollout.Obstructed, rollout.Late, rollout.Unreached),
	kind(rollout.ProposalOpen):        of(rollout.ProposalOpen, rollout.ProposalMerged, rollout.ProposalClosed),
	kind(rollout.ExposureRequired):    of(rollout.ExposureIgnored, rollout.ExposureWarned, rollout.ExposureRequired),
	kind(rollout.WallClock):           of(rollout.WallClock, rollout.PausingClock, rollout.RestartingClock),
	kind(rollout.EvidenceSuccess):     of(rollout.EvidenceSuccess, rollout.EvidenceFailure, rollout.EvidenceError, rollout.EvidencePending),
	kind(backtest.Plan):               of(backtest.Policies()...),
	kind(measure.Reverted):            of(measure.Reverted, measure.Tainted, measure.Hotfixed),
	reflect.TypeFor[rollout.SHA]():    {strings.Repeat("1a2b3c4d", 5), strings.Repeat("5e6f7a8b", 5), strings.Repeat("9c0d1e2f", 5), ""},
	reflect.TypeFor[rollout.Prefix](): {"1a2b3c4", ""},
}

func kind(word any) reflect.Type { return reflect.TypeOf(word) }

func of[T ~string](all ...T) []string {
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = string(one)
	}
	return texts
}

// needed are what is never nil where it is shown.
var needed = map[reflect.Type]bool{reflect.TypeFor[rollout.Revision](): true, reflect.TypeFor[rollout.Entry](): true}

// repository is the plan's, which lets nothing hostile into its name.
var repository = rollout.Repository{Forge: rollout.ForgeGitHub, Host: "github.com", Owner: "octo-org", Name: "fleet"}

// plans are read from the plan alone, and have no text in them that is shown.
var plans = map[reflect.Type]bool{reflect.TypeFor[rollout.Windows](): true, reflect.TypeFor[rollout.Health](): true}

func (m *maker) fill(v reflect.Value) {
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = m.moment()
	case *time.Duration:
		*at = time.Duration(m.chance.IntN(100*60)) * time.Minute
	case *error:
		*at = m.trouble()
	case *rollout.LiveRevision:
		*at = rollout.LiveRevision(m.text + "@sha1:" + string(made[rollout.SHA](m)))
	case *rollout.EntryKind:
		*at = m.entryKind()
	case *rollout.Finding:
		m.fields(v)
		at.Rule = rollout.Rules()[m.chance.IntN(len(rollout.Rules()))].ID
	case *rollout.Repository:
		*at = repository
	case *rollout.Stage:
		m.fields(v)
		at.SoakClock = rollout.WallClock // another asks for health
	case *rollout.Snapshot:
		_, *at = m.observed()
	default:
		m.fillKind(v)
	}
}

func (m *maker) fillKind(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(m.word(v.Type()))
	case reflect.Bool:
		v.SetBool(m.one(2))
	case reflect.Int, reflect.Int64:
		v.SetInt(m.chance.Int64N(5))
	case reflect.Uint8:
		v.SetUint('x')
	case reflect.Struct:
		if !plans[v.Type()] {
			m.fields(v)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), m.chance.IntN(3), 3))
		for i := range v.Len() {
			m.fill(v.Index(i))
		}
	case reflect.Map:
		m.entry(v)
	case reflect.Pointer:
		if needed[v.Type().Elem()] || !m.one(4) {
			v.Set(reflect.New(v.Type().Elem()))
			m.fill(v.Elem())
		}
	default:
		panic(fmt.Sprintf("a maker does not know how to make a %s", v.Type()))
	}
}

// word is a text, if it is anybody's and there is one, and else one of the toolkit's own.
func (m *maker) word(t reflect.Type) string {
	if t == reflect.TypeFor[string]() {
		if m.one(5) {
			return ""
		}
		return m.text
	}
	if len(words[t]) == 0 {
		panic(fmt.Sprintf("a maker does not know whether a %s is somebody's text", t))
	}
	return words[t][m.chance.IntN(len(words[t]))]
}

// fields fills what others can set.
func (m *maker) fields(v reflect.Value) {
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			m.fill(v.Field(i))
		}
	}
}

func (m *maker) entry(v reflect.Value) {
	key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	m.fill(key)
	m.fill(value)
	v.Set(reflect.MakeMap(v.Type()))
	v.SetMapIndex(key, value)
}

func (m *maker) moment() time.Time {
	if m.one(6) {
		return time.Time{}
	}
	return now.Add(time.Duration(m.chance.IntN(200*60)-100*60) * time.Minute)
}

// trouble is what an adapter says that has failed.
func (m *maker) trouble() error {
	switch m.chance.IntN(4) {
	case 0:
		return errors.New(m.text)
	case 1:
		return &rollout.Problem{Kind: rollout.ErrUnavailable, What: m.text, Ways: []string{m.text}, Cause: errors.New(m.text)}
	default:
		return nil
	}
}

// entryKind may be one that only a newer version of the toolkit knows.
func (m *maker) entryKind() rollout.EntryKind {
	kinds := []rollout.EntryKind{
		rollout.EntryInit, rollout.EntryArrival, rollout.EntryDeparture, rollout.EntryPromotion, rollout.EntryOverride, rollout.EntryHold,
		rollout.EntryResume, rollout.EntryTaint, rollout.EntryClear, rollout.EntryReset, rollout.EntryRollback, rollout.EntryKind(m.text),
	}
	return kinds[m.chance.IntN(len(kinds))]
}

// sha is a commit's.
func sha(n int) rollout.SHA { return rollout.SHA(strings.Repeat(fmt.Sprintf("%x1a2b", n), 8)) }

var apps = rollout.Stage{Name: "apps", Branch: "release", Clusters: []string{"apps"}, Soak: 24 * time.Hour}

// observed is a stage of which people have said all that they can: in commits, reverts
// and trailers, in commit statuses, and to the ledger.
func (m *maker) observed() (rollout.Stage, rollout.Snapshot) {
	s := rollout.Snapshot{
		At: now, PushLog: true, Upstream: rollout.Head{Branch: "main", SHA: sha(5)}, Target: rollout.Head{Branch: "release", SHA: sha(1)},
		Evidence: map[rollout.SHA][]rollout.Evidence{},
	}
	stage := apps
	glob, _ := rollout.ParseGlob("**")
	if m.one(4) {
		stage.Windows.Deny = []rollout.Window{{Schedule: once{}, Text: m.text, Reason: m.text, Where: "clusters/rollout.yaml:14"}}
	}
	if m.one(2) {
		stage.Health.Required = []rollout.Requirement{{Cluster: "infra", Contexts: glob, Where: "clusters/rollout.yaml:12"}}
	}
	// What stands before a trailer or a revert can hide it, as a fence does: so part of a
	// subject is all that does.
	subject := "Upgrade " + rollout.Commit{Message: m.text}.Subject()
	messages := []string{
		m.text, subject + "\n\nRollout-Soak: " + subject + "\n", subject + "\n\n" + m.text,
		"Revert \"" + subject + "\"\n\nThis reverts commit " + string(sha(3)) + ".\n\n" + m.text,
	}
	for i, message := range messages {
		at := now.Add(-time.Duration(m.chance.IntN(40*60)) * time.Minute)
		c := rollout.Commit{SHA: sha(i + 2), Parents: []rollout.SHA{sha(i + 1)}, Author: m.text, Message: message}
		s.Pending = append(s.Pending, c)
		s.Movements = append([]rollout.Movement{{Before: sha(i + 1), After: c.SHA, At: at}}, s.Movements...)
		report := made[rollout.Evidence](m)
		report.At = at.Add(time.Minute)
		s.Evidence[c.SHA] = []rollout.Evidence{report}
	}
	m.said(&s)
	return stage, s
}

// once is a window that is there for two hours.
type once struct{}

func (once) Next(after time.Time) (rollout.Span, bool) {
	s := rollout.Span{From: now.Add(-time.Hour), To: now.Add(time.Hour)}
	return s, after.Before(s.To)
}

// said is what operators say, and what somebody did to the branch.
func (m *maker) said(s *rollout.Snapshot) {
	if m.one(3) {
		s.State.Holds = []rollout.Hold{{Stage: "apps", By: m.text, Reason: m.text, At: now.Add(-time.Hour), Suspended: m.text}, {By: m.text, Reason: m.text, At: now, Until: now.Add(time.Hour)}}
	}
	if m.one(2) {
		s.State.Taints = []rollout.Mark{{Commit: sha(4), By: m.text, Reason: m.text, At: now}}
	}
	if m.one(4) {
		s.Target.SHA = sha(9)
		s.Foreign = []rollout.Commit{{SHA: sha(9), Parents: []rollout.SHA{sha(1)}, Author: m.text, Message: m.text}}
	}
}

// decided is what the policy makes of it.
func (m *maker) decided() rollout.Receipt {
	stage, s := m.observed()
	return rollout.Receipt{Decision: rollout.Decide(s.At, stage, s), Snapshot: s, Commit: sha(14), Entry: &rollout.Entry{Kind: rollout.EntryPromotion, By: m.text, Reason: m.text}}
}

// overridden is what an override makes of it, if there may be one.
func (m *maker) overridden() rollout.Receipt {
	r := m.decided()
	d, err := rollout.DecideOverride(now, r.Decision.Stage, r.Snapshot, rollout.OverrideRequest{ThroughHold: true, Reason: m.text})
	if err != nil {
		return made[rollout.Receipt](m)
	}
	r.Decision = d
	return r
}

// explained is what is said of it.
func (m *maker) explained() []rollout.Explanation {
	r := m.decided()
	return []rollout.Explanation{{Stage: r.Decision.Stage, At: now, Decision: r.Decision, Subjects: rollout.Subjects(r.Decision.Stage, r.Snapshot)}}
}

// stands is a status of it, with what chance has beside it.
func (m *maker) stands() rollout.Status {
	r, s := m.decided(), made[rollout.Status](m)
	s.At = now
	s.Stages = append(s.Stages, rollout.StageStatus{
		Stage: r.Decision.Stage, Head: r.Snapshot.Target, Decision: &r.Decision, Subjects: rollout.Subjects(r.Decision.Stage, r.Snapshot),
		Clusters: made[[]rollout.LiveStanding](m), Holds: r.Snapshot.State.Holds, Since: now.Add(-time.Hour),
	})
	return s
}
