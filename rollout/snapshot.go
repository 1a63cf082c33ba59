package rollout

import (
	"cmp"
	"time"
)

// A Snapshot is what was true of one stage when it was observed. A decision
// is made from it and from nothing else.
type Snapshot struct {
	// At is when the observation was made, by the forge's clock where the
	// forge has one: arrivals are by that clock too, so a runner whose clock
	// is wrong cannot shorten a soak.
	At time.Time
	// Upstream is what the stage takes its revisions from, Target its own
	// branch.
	Upstream, Target Head
	// Ledger is the head of the ledger, and State what its tree says. Entered
	// is the time of its newest entry, by the clock of whoever made it.
	Ledger  Head
	State   State
	Entered time.Time
	// Pending are the commits that the upstream has and the stage has not, in
	// any order; Foreign those that the stage has and the upstream has not.
	Pending, Foreign []Commit
	// Movements are the push log of the upstream branch, newest first, back
	// to where the oldest pending commit arrived.
	Movements []Movement
	// PushLog tells whether the forge keeps a log of pushes.
	PushLog bool
	// Tree is that of the stage's head. It is empty where it is not known.
	Tree SHA
	// First is the first stage's branch: what is wrong is mended there. Default
	// is the upstream's.
	First string
	// Ahead are the commits that the first stage's branch has and the
	// upstream has not yet, in any order: they may revert what is pending.
	Ahead []Commit
	// Evidence is what was reported of the stage's head and of pending
	// commits, newest first: the newest of each context, and all of it
	// where the soak counts healthy time.
	Evidence map[SHA][]Evidence
	// Reported is the newest of the stage's earlier heads that anything was
	// reported of, if nothing was of the head. Default is the head.
	Reported SHA
	// Looks are what rendering told of revisions, of the newest that could go out
	// and of those that somebody asks about. Only a stage with a policy of
	// exposure has any.
	Looks map[SHA]Look
	// Repository is where the branches are. Reverts name its pull requests.
	Repository Repository
}

// A Head is a branch and the commit that it points at.
type Head struct {
	Branch string
	// SHA is empty where the branch does not exist.
	SHA SHA
}

// State is what the ledger's tree says: what has to be known before the next
// decision, as opposed to what happened.
type State struct {
	// Arrivals are recorded by upstream branch, for revisions that are still
	// pending and that no push log told of, in the order in which they were
	// recorded. Each is contained in those after it.
	Arrivals map[string][]Arrival
	// Holds are in the order in which they were put there. One that has run
	// out is dropped with an entry of a month later.
	Holds []Hold
	// Suspensions are over: in each, a cluster took nothing new, so that nothing
	// that came in it began to soak there before its end.
	Suspensions []Suspension
	// Taints and Cleared are operators' words on single commits, one at most
	// for each commit in both.
	Taints, Cleared []Mark
	// Restorations are those of stages that still stand where they go back from.
	Restorations []Restoration
}

// A Restoration is an operator's word that a stage goes back to what it ran before. It
// counts as long as the stage's head is From.
type Restoration struct {
	Stage string `json:"stage"`
	From  SHA    `json:"from"`
	// To is what the stage ran, and Tree all of its files.
	To   SHA       `json:"to"`
	Tree SHA       `json:"tree"`
	At   time.Time `json:"at"`
}

// A Hold is an operator's word that a stage takes nothing new.
type Hold struct {
	// Stage is empty for all stages.
	Stage string `json:"stage,omitempty"`
	// By and Reason are somebody's text.
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	// Until is when it runs out by itself; the zero time is never.
	Until time.Time `json:"until,omitzero"`
	// Suspended is the cluster whose source is suspended: it is held for as long as
	// that. It is empty for any other hold.
	Suspended string `json:"suspended,omitempty"`
}

// Holds tells whether it keeps a stage from moving at a moment.
func (h Hold) Holds(stage string, now time.Time) bool {
	return (h.Stage == "" || h.Stage == stage) && (h.Until.IsZero() || now.Before(h.Until))
}

// same tells whether another is this one.
func (h Hold) same(other Hold) bool {
	return h.Stage == other.Stage && h.By == other.By && h.At.Equal(other.At) && h.Suspended == other.Suspended
}

// A Mark is an operator's word on one commit: that it is bad, or that it is
// not.
type Mark struct {
	Commit SHA       `json:"commit"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	// Reverts are those that a clearance sets aside. A later one counts.
	Reverts []SHA `json:"reverts,omitempty"`
}

// WithArrival is the state with one more arrival on a branch, and without
// those of the branch for which pending says false: their revisions have been
// promoted, or are no longer on it.
func (s State) WithArrival(branch string, arrival Arrival, pending func(SHA) bool) State {
	others := s.Without(branch, func(sha SHA) bool { return sha != arrival.Revision && pending(sha) })
	return others.withArrivals(branch, append(others.Arrivals[branch], arrival))
}

// Without is the state without those arrivals on a branch for which pending
// says false.
func (s State) Without(branch string, pending func(SHA) bool) State {
	var kept []Arrival
	for _, a := range s.Arrivals[branch] {
		if pending(a.Revision) {
			kept = append(kept, a)
		}
	}
	return s.withArrivals(branch, kept)
}

func (s State) withArrivals(branch string, arrivals []Arrival) State {
	all := make(map[string][]Arrival, len(s.Arrivals)+1)
	for b, a := range s.Arrivals {
		all[b] = a
	}
	all[branch] = arrivals
	if len(arrivals) == 0 {
		delete(all, branch)
	}
	s.Arrivals = all
	return s
}

// first is the branch on which something is mended.
func (s Snapshot) first() string { return cmp.Or(s.First, s.Upstream.Branch) }
