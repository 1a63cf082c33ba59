package rollout

import (
	"context"
	"time"
)

// A Remote reads the heads and the ledger of a forge, and moves them.
// Adapters: rollout/github over GitHub's API, rollout/gitrepo over any Git
// remote. Both pass the contract tests of rollout/rollouttest/contract.
type Remote interface {
	// Observe reads, as one consistent picture, where the branches and the
	// ledger stand. A branch that does not exist is no error.
	Observe(ctx context.Context, q Query) (Observation, error)
	// Movements reads the push log of a branch, newest first, until enough
	// says so of a row, which is still part of the answer. A forge without a
	// push log answers with none.
	Movements(ctx context.Context, branch string, enough func(Movement) bool) ([]Movement, error)
	// Log reads the newest commits of the ledger, newest first. A limit of 0
	// means all.
	Log(ctx context.Context, ledger Head, limit int) ([]LedgerCommit, error)
	// Commit carries out a transaction as a whole or not at all, and returns
	// the ledger's new head. ErrMoved: a head was not where the transaction
	// says, and nothing was changed. ErrUncertain: it may have been carried
	// out; the SHA is then that of the ledger commit, if it was made.
	Commit(ctx context.Context, t Transaction) (SHA, error)
}

// History tells what one commit has that another has not.
type History interface {
	// Between lists the commits that want reaches and have does not, in any
	// order. An empty have stands for no history at all.
	Between(ctx context.Context, have, want SHA) ([]Commit, error)
}

// A Gatekeeper is a Remote that can tell beforehand that it will not let
// this token move a branch. Optional.
type Gatekeeper interface {
	// MayMove returns an error of kind ErrNotPermitted where a branch cannot
	// be pointed at a commit, and what can be done about it.
	MayMove(ctx context.Context, o Observation, to SHA) error
}

// A Witness is a Remote that knows what was reported of commits. Optional: a
// stage that asks for health cannot take anything without one.
type Witness interface {
	// Evidence reads the newest status of each context of some commits.
	// Commits of which nothing was reported are left out.
	Evidence(ctx context.Context, commits []SHA) (map[SHA][]Evidence, error)
	// EvidenceLog reads every status of some commits, newest first.
	EvidenceLog(ctx context.Context, commits []SHA) (map[SHA][]Evidence, error)
}

// Ledger turns entries and state into what a commit holds, and back. Its
// implementation is rollout/ledger.
type Ledger interface {
	// Draft writes an entry and the state after it.
	Draft(e Entry, s State) (Draft, error)
	// State reads the tree of the ledger's head. An error is of kind
	// ErrLedger: a state that cannot be read could hide what forbids a
	// promotion.
	State(files map[string][]byte) (State, error)
	// Digest is what [Entry.State] is of an entry that was written together
	// with these files.
	Digest(files map[string][]byte) string
	// Record reads one commit's message.
	Record(c LedgerCommit) Record
}

// A Query says what to observe.
type Query struct {
	// Branches are named without refs/heads/.
	Branches []string
	// Ledger is the ledger's branch.
	Ledger string
	// Entries is how many of the ledger's newest commits to read, 100 at most.
	// Default is its head alone.
	Entries int
}

// everything asks for the branch of each stage, and for the ledger.
func (p Plan) everything() Query {
	q := Query{Ledger: p.Ledger}
	for _, stage := range p.Stages {
		q.Branches = append(q.Branches, stage.Branch)
	}
	return q
}

// An Observation is where the branches stood at one moment.
type Observation struct {
	// At is the forge's clock where it has one, and the local one elsewhere.
	At time.Time
	// Heads has an entry for every branch that exists.
	Heads map[string]SHA
	// Trees are those of the heads. One that is not known is left out.
	Trees map[string]SHA
	// Ledger is the ledger's head, empty where there is none, and Files its tree.
	Ledger SHA
	Files  map[string][]byte
	// Log are the newest commits of the ledger, newest first: the head and, where
	// they were asked for, more.
	Log []LedgerCommit
	// PushLog tells whether Movements has something to say.
	PushLog bool
	// Viewer is who the forge takes the caller for.
	Viewer string
}

// A Transaction moves up to one branch and gives the ledger one entry.
type Transaction struct {
	// Branch moves From what was observed To a commit that contains it, or to
	// any with a Backup. An
	// empty From creates the branch; an empty Branch leaves all branches
	// alone.
	Branch   string
	From, To SHA
	// Backup is a branch that begins to exist where Branch stood. Only with one
	// may To be a commit that does not contain From: nothing is rewound without
	// a name under which it is found again.
	Backup string
	// Ledger is the ledger's head as observed; an empty SHA creates it.
	Ledger Head
	Draft  Draft
}

// Workflows starts a workflow of the forge and follows its run.
type Workflows interface {
	// Dispatch starts a workflow on the default branch. The run's ID is 0
	// where the forge does not tell it.
	Dispatch(ctx context.Context, workflow string, inputs map[string]string) (runID int64, err error)
	// FindRun looks among the newest runs of a workflow for one whose name
	// contains a text that only it has. An ID of 0 means that there is none
	// yet.
	FindRun(ctx context.Context, workflow, text string) (Run, error)
	// Run reads a run and its jobs.
	Run(ctx context.Context, id int64) (Run, error)
}

// A Run is a workflow run as it stands.
type Run struct {
	ID   int64
	Name string
	URL  string
	// Status is queued, pending (for its concurrency group), waiting (for a
	// protection rule), in_progress or completed.
	Status string
	// Conclusion is success, failure, cancelled, … once it is completed.
	Conclusion string
	Jobs       []Job
}

// A Job is one job of a run.
type Job struct {
	Name, Status, Conclusion string
	// Step is the one that is under way, or that failed.
	Step string
}

// Runs tells of a workflow's runs. Optional: where nothing runs workflows there are
// none.
type Runs interface {
	// Going are the runs of a workflow that have not ended, the newest first, with
	// their jobs; of many, the newest few.
	Going(ctx context.Context, workflow string) ([]Run, error)
}

// Settings finds out what a forge has been set up with, for `release:init`.
type Settings interface {
	// Environment is the deployment environment in which a push waits.
	Environment(ctx context.Context, e Environment) (Change, error)
	// Protection is the rule that nobody deletes or rewinds the branches.
	Protection(ctx context.Context, p Protection) (Change, error)
}

// An Environment is what a push waits in.
type Environment struct {
	Name string
	Wait time.Duration
}

// Protection is what must not happen to branches.
type Protection struct {
	Name     string
	Branches []string
	// Strict also keeps everybody from updating them but the bypass actors.
	Strict bool
	// App is the ID of the GitHub App that may bypass a strict protection.
	// Default is the repository's deploy keys.
	App int64
}

// A Change is one thing that `release:init` sees to.
type Change struct {
	// What it is about, and how it was found.
	What, Found string
	// Intent is what there is to do, and Apply does it. Both are empty where
	// it is as it should be, or can't be had.
	Intent string
	Apply  func(context.Context) error
	// Instead is what happens without it, where the plan of the account or
	// the token does not allow it.
	Instead string
	// Required says that the rollout is impossible without it.
	Required bool
}
