package simulate

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
	"github.com/monosense/k8s-ops/rollout/rollouttest/memory"
)

// A hub is a ground with real Git behind HTTPS, spoken to through the real
// adapters: GitHub's, or those for any Git remote.
type hub struct {
	t      *testing.T
	y      *year
	github *rollouttest.GitHub
	repo   *rollouttest.Repository
	remote rollout.Remote
	// history is asked by path or over https, as the remote is.
	history rollout.History
	ask     func(port string) memory.Fate
}

// newHub opens a stand-in for a year to take place on. A plain one is spoken to
// as any Git remote.
func newHub(t *testing.T, y *year, plain bool) *hub {
	t.Helper()
	h := &hub{t: t, y: y}
	h.github = rollouttest.New(t, rollouttest.Options{
		Clock: y.clock.Now, Repositories: []rollouttest.RepositoryOptions{{Owner: repository.Owner, Name: repository.Name}},
	})
	var err error
	h.repo, err = h.github.Repository(repository.Owner, repository.Name)
	check(t, err)
	url := h.github.CloneURL(h.repo.Slug())
	options := gitrepo.Options{URL: url, Token: rollouttest.DefaultToken, Transport: h.github.Transport(), Name: "cron", Email: "cron@example.com", Now: y.watch.Now}
	history, err := gitrepo.Open(options)
	check(t, err)
	h.history = history
	if plain {
		h.remote = gitEyes{history, y.seen}
		return h
	}
	// The clock of whoever runs it goes as it likes.
	wild := time.Unix(0, 0)
	client, err := github.New(github.Options{
		Host: h.github.Host(), Owner: repository.Owner, Name: repository.Name, Token: rollouttest.DefaultToken,
		Transport: h.github.Transport(), MaxWait: time.Millisecond,
		Now: func() time.Time { wild = wild.Add(1000 * time.Hour); return wild },
	})
	check(t, err)
	h.remote = gitHubEyes{client, y.seen}
	return h
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// gitHubEyes and gitEyes tell what the engine was told of the branches.
type gitHubEyes struct {
	*github.Client
	see func(rollout.Query, rollout.Observation)
}

func (e gitHubEyes) Observe(ctx context.Context, q rollout.Query) (rollout.Observation, error) {
	o, err := e.Client.Observe(ctx, q)
	if err == nil {
		e.see(q, o)
	}
	return o, err
}

type gitEyes struct {
	*gitrepo.Remote
	see func(rollout.Query, rollout.Observation)
}

func (e gitEyes) Observe(ctx context.Context, q rollout.Query) (rollout.Observation, error) {
	o, err := e.Remote.Observe(ctx, q)
	if err == nil {
		e.see(q, o)
	}
	return o, err
}

func (h *hub) ports() (rollout.Remote, rollout.History) { return h.remote, h.history }

// add makes a commit on a branch that nobody looks at.
func (h *hub) add(c *change, author, message string) error {
	const desk = "desk"
	made := rollouttest.Change{Message: message, Author: strings.ToLower(author), Files: map[string]string{}}
	for _, part := range c.toggles {
		file := file(part)
		if c.parts()[part] {
			made.Files[file] = fmt.Sprintf("part: %d\n", part)
		} else {
			made.Delete = append(made.Delete, file)
		}
	}
	sha, err := h.make(desk, c, made)
	c.sha = rollout.SHA(sha)
	return err
}

func (h *hub) make(desk string, c *change, made rollouttest.Change) (string, error) {
	switch len(c.parents) {
	case 0:
		return h.repo.Commit(desk, made)
	case 1:
		all, err := h.repo.ForcePush(desk, string(c.parents[0].sha), made)
		if err != nil {
			return "", err
		}
		return all[0], nil
	default:
		if err := h.repo.SetBranch(desk, string(c.parents[0].sha)); err != nil {
			return "", err
		}
		return h.repo.Merge(desk, string(c.parents[1].sha), made)
	}
}

func (h *hub) push(branch string, to *change) error { return h.repo.SetBranch(branch, string(to.sha)) }

func (h *hub) lose(branch string) {
	newest := len(h.repo.Activity())
	h.repo.DropActivity(func(row rollouttest.ActivityRow) bool {
		newest--
		return newest == 0 && row.Ref == "refs/heads/"+branch
	})
}

func (h *hub) report(of *change, context string, state rollout.EvidenceState) error {
	return h.repo.SetStatus(string(of.sha), rollouttest.CommitStatus{State: string(state), Context: context})
}

func (h *hub) head(branch string) rollout.SHA {
	sha, err := h.repo.Head(branch)
	if err != nil {
		return ""
	}
	return rollout.SHA(sha)
}

func (h *hub) moved(branch string) (time.Time, bool) {
	var at time.Time
	for _, row := range h.repo.Activity() {
		if row.Ref == "refs/heads/"+branch && row.Timestamp.After(at) {
			at = row.Timestamp
		}
	}
	return at, h.y.character.pushLog && !at.IsZero()
}

func (h *hub) ledger(after rollout.SHA) ([]rollout.LedgerCommit, error) {
	want := ledgerBranch
	if after != "" {
		want = string(after) + ".." + ledgerBranch
	}
	text, err := h.repo.Git("log", "--reverse", "-z", "--format=%H%x01%B", want)
	if err != nil {
		return nil, err
	}
	var all []rollout.LedgerCommit
	for entry := range strings.SplitSeq(strings.Trim(text, "\x00\n"), "\x00") {
		if sha, message, ok := strings.Cut(entry, "\x01"); ok {
			all = append(all, rollout.LedgerCommit{SHA: rollout.SHA(sha), Message: message})
		}
	}
	return all, nil
}

func (h *hub) state() ([]byte, error) {
	text, err := h.repo.Git("show", ledgerBranch+":state.json")
	return []byte(text), err
}

// intercept has every request asked about.
func (h *hub) intercept(ask func(port string) memory.Fate) {
	h.ask = ask
	before := func(port string, match rollouttest.Match) {
		match.Count = -1
		h.github.Before(match, func() { h.request(port) })
	}
	before("GET", rollouttest.Match{Method: "GET"})
	before("git", rollouttest.Match{Method: "POST", Path: "/repos/*"})
	before("fetch", rollouttest.Match{Method: "POST", Path: "*/git-upload-pack"})
	for _, query := range []string{"Repository", "Observe", "Heads", "Evidence", "WorkflowFiles", "Log"} {
		before(query, rollouttest.Match{Operation: query})
	}
	// What carries a transaction is called as it is in memory.
	before("Commit", rollouttest.Match{Operation: "Commit"})
	before("Commit", rollouttest.Match{Method: "POST", Path: "*/git-receive-pack"})
}

// request is the fate of a request. Whoever is killed sends no further one.
func (h *hub) request(port string) {
	if len(h.y.stack) == 0 {
		return
	}
	a := h.y.stack[len(h.y.stack)-1]
	fail := func(f rollouttest.Failure) { h.github.FailNext(rollouttest.Match{}, f) }
	if a.killed {
		a.cancel()
		fail(rollouttest.Failure{Cut: true})
		return
	}
	switch h.ask(port) {
	case memory.Served:
	case memory.Unavailable:
		fail(rollouttest.ServerError(503))
	case memory.KilledBefore:
		a.killed = true
		a.cancel()
		fail(rollouttest.Failure{Cut: true})
	case memory.KilledAfter, memory.KilledLate:
		a.killed = true
		fail(rollouttest.Failure{Cut: true, After: true})
	case memory.LostAnswer:
		fail(rollouttest.Failure{Cut: true, After: true})
	default:
		fail(rollouttest.Failure{Cut: true})
	}
}

// A kind is a kind of weeks: how the stand-in is spoken to, and which years fit.
type kind struct {
	name  string
	plain bool
	fits  func(*year) bool
	// weeks are how long a life takes.
	weeks int
	// ports are the requests that have to fail now and then.
	ports []string
}

var kinds = []kind{
	{
		name: "GitHub", weeks: 4, ports: []string{"GET", "git", "fetch", "Observe", "Evidence"},
		fits: func(y *year) bool {
			return y.character.pushLog && len(y.stages) == 2 && len(y.stages[0].Health.Required) > 0
		},
	},
	{
		name: "any Git remote", plain: true, weeks: 3, ports: []string{"fetch"},
		fits: func(y *year) bool {
			return !y.character.pushLog && len(y.stages) == 1 && len(y.stages[0].Health.Required) == 0
		},
	},
}

// Weeks on the stand-in for GitHub, with real Git, over HTTPS, through the real
// adapters: some that are always the same, and some that nobody has played yet.
func TestWeeks(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			seeds := []uint64{1, 100, 200, fresh(), fresh() + 100}
			switch {
			case *first > 0:
				seeds = []uint64{*first}
			case testing.Short() || racing:
				seeds, k.weeks = seeds[:1], 1
			}
			total := newTally()
			for _, seed := range seeds {
				total.add(k.live(t, seed))
			}
			t.Log(total)
			if len(seeds) > 1 && !t.Failed() {
				k.met(t, total)
			}
		})
	}
}

// live plays the weeks of the first year from a seed on that fits.
func (k kind) live(t *testing.T, seed uint64) Tally {
	for !k.fits(newYear(t.Context(), seed)) {
		seed++
	}
	y := newYear(t.Context(), seed)
	y.character.faults, y.character.races, y.character.ticks = 0.25, 0.15, 10*time.Hour
	y.aimed = 0.5
	// Both tell whole seconds, and are right to one.
	y.character.behind, y.clock.behind, y.clock.grain = 0, 0, time.Second
	if y.character.jumps > 0 {
		y.character.jumps = 20 * time.Hour
	}
	if k.plain {
		// One observation is several requests there. Which of them what
		// somebody else does comes before, nobody could tell.
		y.racesAt = "Commit"
	}
	y.replay = fmt.Sprintf("go test -run='TestWeeks/%s' ./magefiles/internal/simulate -seed=%d", strings.ReplaceAll(k.name, " ", "_"), seed)
	y.on(newHub(t, y, k.plain))
	if err := y.live(time.Duration(k.weeks) * 7 * 24 * time.Hour); err != nil {
		t.Error(err)
	}
	return y.tally
}

// met checks that whatever can happen to a transaction did, and that no kind of
// request was spared.
func (k kind) met(t *testing.T, total Tally) {
	for what, fates := range map[string][]memory.Fate{
		"fails before its effect":                {memory.Unavailable, memory.LostRequest, memory.Late},
		"has its effect, and its answer is lost": {memory.LostAnswer},
		"is never sent: its sender is killed":    {memory.KilledBefore},
		"is the last that its sender does":       {memory.KilledAfter, memory.KilledLate},
	} {
		if total.faults("Commit", fates) == 0 {
			t.Errorf("it never happened that a transaction %s: %v", what, total.Faults)
		}
	}
	for _, port := range k.ports {
		if total.faults(port, faults) == 0 {
			t.Errorf("no request of %s ever failed: %v", port, total.Faults)
		}
	}
	if k.plain && total.Jumps == 0 {
		t.Error("no clock ever jumped")
	}
}

// faults is how often a call met one of some fates.
func (t Tally) faults(port string, fates []memory.Fate) (n int) {
	for _, fate := range fates {
		n += t.Faults[port+", "+fate.String()]
	}
	return n
}
