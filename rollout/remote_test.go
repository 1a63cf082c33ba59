package rollout_test

import (
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
)

var (
	twoStages = rollout.Plan{
		Repository: rollout.Repository{URL: "/srv/k8s-ops.git", Forge: rollout.ForgeGit},
		Source:     rollout.Source{Name: "fleet", Namespace: "flux-system"},
		Ledger:     "rollout/ledger",
		Stages:     []rollout.Stage{{Name: "infra", Branch: "main", Clusters: []string{"infra"}}, apps},
	}
	edge        = rollout.Stage{Name: "edge", Branch: "edge", Clusters: []string{"edge"}, Soak: 48 * time.Hour}
	threeStages = rollout.Plan{
		Repository: twoStages.Repository, Ledger: twoStages.Ledger,
		Stages: append(slices.Clone(twoStages.Stages), edge),
	}
)

// A remote is a repository behind the ports, which compares and swaps as a
// forge does, and fails when it is told to.
type remote struct {
	*world
	mu      sync.Mutex
	now     time.Time
	pushLog bool
	// ledger holds the ledger's commits, oldest first, and files its tree.
	ledger []rollout.LedgerCommit
	files  map[string][]byte
	// writes counts the transactions that were carried out, reads the
	// observations.
	writes, reads int
	// faults are what happens to the next transactions, in order.
	faults []fault
	// beforeCommit runs when a transaction arrives, before it is looked at.
	beforeCommit func()
	// unobservable makes every observation of that branch fail.
	unobservable string
	// incomparable makes every comparison with that commit fail.
	incomparable rollout.SHA
	// refuse is what a Gatekeeper says.
	refuse error
}

// A fault is what happens to one transaction.
type fault int

const (
	works fault = iota
	lostAnswer
	lostRequest
	late // the answer is lost, and it is carried out with the next transaction
	refused
	down
)

// newRemote has branches that stand at the commit A since hour 0, and a
// ledger. The clock stands at 0.
func newRemote(t *testing.T, branches ...string) *remote {
	t.Helper()
	r := &remote{world: newWorld(), now: epoch, pushLog: true}
	first := r.commit("A")
	for _, branch := range branches {
		r.move(branch, first, epoch)
	}
	draft, err := ledger.Ledger{}.Draft(rollout.Entry{Kind: rollout.EntryInit, At: epoch, Reason: "the ledger begins"}, rollout.State{})
	if err != nil {
		t.Fatal(err)
	}
	r.append(draft)
	return r
}

func (r *remote) engine(plan rollout.Plan) *rollout.Engine {
	return &rollout.Engine{Plan: plan, Remote: r, History: r, Ledger: ledger.Ledger{}}
}

// push makes a commit on top of a branch and pushes it.
func (r *remote) push(branch string, at float64, name string) rollout.SHA {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.commit(name, r.branches[branch])
	r.move(branch, c, hour(at))
	return c
}

func (r *remote) append(d rollout.Draft) rollout.SHA {
	sum := sha1.Sum([]byte(fmt.Sprint(len(r.ledger), d.Message)))
	made := rollout.SHA(hex.EncodeToString(sum[:]))
	r.ledger = append(r.ledger, rollout.LedgerCommit{SHA: made, Message: d.Message})
	r.files = d.Files
	return made
}

func (r *remote) ledgerHead() rollout.SHA {
	if len(r.ledger) == 0 {
		return ""
	}
	return r.ledger[len(r.ledger)-1].SHA
}

func (r *remote) Observe(ctx context.Context, q rollout.Query) (rollout.Observation, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads++
	if err := ctx.Err(); err != nil {
		return rollout.Observation{}, err
	}
	o := rollout.Observation{
		At: r.now, Heads: map[string]rollout.SHA{}, Ledger: r.ledgerHead(), Files: maps.Clone(r.files),
		PushLog: r.pushLog, Viewer: "viewer", Trees: map[string]rollout.SHA{},
	}
	o.Log = r.newest(max(q.Entries, 1))
	for _, branch := range q.Branches {
		if branch == r.unobservable {
			return o, &rollout.Problem{Kind: rollout.ErrUnavailable, What: "the forge is down"}
		}
		if head, ok := r.branches[branch]; ok {
			o.Heads[branch], o.Trees[branch] = head, r.commits[head].Tree
		}
	}
	return o, nil
}

func (r *remote) Movements(_ context.Context, branch string, enough func(rollout.Movement) bool) ([]rollout.Movement, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.pushLog {
		return nil, nil
	}
	rows := r.movements(branch)
	if i := slices.IndexFunc(rows, enough); i >= 0 {
		rows = rows[:i+1]
	}
	return rows, nil
}

// newest are so many entries of the ledger, newest first.
func (r *remote) newest(n int) []rollout.LedgerCommit {
	log := slices.Clone(r.ledger)
	slices.Reverse(log)
	return log[:min(n, len(log))]
}

func (r *remote) Log(_ context.Context, head rollout.Head, limit int) ([]rollout.LedgerCommit, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	log := r.newest(len(r.ledger))
	from := slices.IndexFunc(log, func(c rollout.LedgerCommit) bool { return c.SHA == head.SHA })
	if from < 0 {
		return nil, fmt.Errorf("the ledger has no %s", head.SHA)
	}
	log = log[from:]
	return log[:min(cmp.Or(limit, len(log)), len(log))], nil
}

func (r *remote) Between(_ context.Context, have, want rollout.SHA) ([]rollout.Commit, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.incomparable != "" && (have == r.incomparable || want == r.incomparable) {
		return nil, &rollout.Problem{Kind: rollout.ErrUnavailable, What: "the forge is down"}
	}
	if _, ok := r.commits[want]; !ok {
		return nil, &rollout.Problem{Kind: rollout.ErrMoved, What: "not our ref " + string(want)}
	}
	return r.between(have, want), nil
}

func (r *remote) MayMove(context.Context, rollout.Observation, rollout.SHA) error { return r.refuse }

func (r *remote) Commit(ctx context.Context, t rollout.Transaction) (rollout.SHA, error) {
	if r.beforeCommit != nil {
		r.beforeCommit()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	what := works
	if len(r.faults) > 0 {
		what, r.faults = r.faults[0], r.faults[1:]
	}
	switch what {
	case lostRequest:
		return "", fmt.Errorf("%w: connection reset", rollout.ErrUncertain)
	case refused:
		return "", &rollout.Problem{Kind: rollout.ErrRefused, What: "a hook says no"}
	case down:
		return "", &rollout.Problem{Kind: rollout.ErrUnavailable, What: "the forge is down"}
	case late:
		made := r.made(t)
		r.beforeCommit = func() {
			r.beforeCommit = nil
			r.mu.Lock()
			defer r.mu.Unlock()
			_, _ = r.carryOut(t)
		}
		return made, fmt.Errorf("%w: timeout", rollout.ErrUncertain)
	case lostAnswer:
		made, err := r.carryOut(t)
		if err != nil {
			return "", err
		}
		return made, fmt.Errorf("%w: connection reset", rollout.ErrUncertain)
	}
	return r.carryOut(t)
}

// made is the name that a transaction's ledger commit will have.
func (r *remote) made(t rollout.Transaction) rollout.SHA {
	preview := remote{ledger: slices.Clone(r.ledger)}
	return preview.append(t.Draft)
}

func (r *remote) carryOut(t rollout.Transaction) (rollout.SHA, error) {
	if r.ledgerHead() != t.Ledger.SHA {
		return "", fmt.Errorf("%w: the ledger", rollout.ErrMoved)
	}
	if t.Branch != "" {
		if r.branches[t.Branch] != t.From {
			return "", fmt.Errorf("%w: %s", rollout.ErrMoved, t.Branch)
		}
		if t.From != "" && !r.reach(t.To)[t.From] {
			panic("asked for something that is no fast-forward")
		}
		r.move(t.Branch, t.To, r.now)
	}
	r.writes++
	return r.append(t.Draft), nil
}

// entries are the ledger's entries, oldest first, without the first one.
func (r *remote) entries() []rollout.Entry {
	var all []rollout.Entry
	for _, c := range r.ledger[1:] {
		entry := ledger.Ledger{}.Record(c).Entry
		entry.State = "" // the ledger's own tests look at it
		all = append(all, entry)
	}
	return all
}

func (r *remote) recorded(t *testing.T, want ...rollout.Entry) {
	t.Helper()
	if diff := gocmp.Diff(want, r.entries()); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

// arrivals is what the ledger's tree says of a branch, as name@hour.
func (r *remote) arrivals(t *testing.T, branch string) string {
	t.Helper()
	s, err := ledger.Ledger{}.State(r.files)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, a := range s.Arrivals[branch] {
		all = append(all, name(a.Revision)+"@"+hours(a.At))
	}
	return strings.Join(all, " ")
}
