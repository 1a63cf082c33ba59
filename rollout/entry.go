package rollout

import "time"

// An Entry is one line of the audit trail: who did what, from where to where,
// why, and which gates were skipped.
type Entry struct {
	Kind  EntryKind `json:"kind"`
	Stage string    `json:"stage,omitempty"`
	// Branch moved From one revision To another. From is empty where the
	// branch was created; both are where only the ledger gained an entry.
	Branch string    `json:"branch,omitempty"`
	From   SHA       `json:"from,omitempty"`
	To     SHA       `json:"to,omitempty"`
	At     time.Time `json:"at"`
	// By is who ran it, as the forge or Git's configuration names them.
	By string `json:"by,omitempty"`
	// Run is the address of the workflow run that did it.
	Run string `json:"run,omitempty"`
	// Reason is what the operator gave, or a sentence that none was given.
	// It is hostile text.
	Reason string `json:"reason,omitempty"`
	// Commits is how many commits went out.
	Commits int `json:"commits,omitempty"`
	// Skipped are the gates that an override went through.
	Skipped []Gate `json:"skipped,omitempty"`
	// Unsoaked are the commits that went out before their soak was over.
	Unsoaked []Unsoaked `json:"unsoaked,omitempty"`
	// Commit is what was tainted or cleared.
	Commit SHA `json:"commit,omitempty"`
	// Reverts are those that a clearance sets aside.
	Reverts []SHA `json:"reverts,omitempty"`
	// Until is when a hold runs out by itself.
	Until time.Time `json:"until,omitzero"`
	// Suspended is the cluster whose source was suspended, or resumed.
	Suspended string `json:"suspended,omitempty"`
	// Backup is the branch that keeps where a reset found the stage's branch.
	Backup string `json:"backup,omitempty"`
	// Tainted are the commits that a rollback taints.
	Tainted []SHA `json:"tainted,omitempty"`
	// Holds are those that were lifted, or that an override went through.
	Holds []Hold `json:"holds,omitempty"`
	// State is the digest of the state that was written with the entry, by
	// which a state that was changed without one is found out. [Ledger] sets
	// it.
	State string `json:"state,omitempty"`
}

// EntryKind says what happened.
type EntryKind string

// The kinds of entries.
const (
	EntryInit      EntryKind = "init"
	EntryArrival   EntryKind = "arrival"
	EntryDeparture EntryKind = "departure"
	EntryPromotion EntryKind = "promotion"
	EntryOverride  EntryKind = "override"
	EntryHold      EntryKind = "hold"
	EntryResume    EntryKind = "resume"
	EntryTaint     EntryKind = "taint"
	EntryClear     EntryKind = "clear"
	EntryReset     EntryKind = "reset"
	EntryRollback  EntryKind = "rollback"
)

// A Gate is something that a revision has to pass before it is promoted.
type Gate string

// The gates of a promotion, in the order in which a verdict names them.
const (
	// GateFastForward: it contains the stage's head. Nothing goes through it
	// otherwise, an override included.
	GateFastForward Gate = "fast-forward"
	// GateTaint: it contains nothing that is known to be bad. An override does
	// not go through it either.
	GateTaint Gate = "taint"
	// GateHealth: what has to be reported of it was.
	GateHealth Gate = "health"
	// GateObserved: a cluster has run it.
	GateObserved Gate = "observed"
	// GateSoak: the least time between arrival and promotion.
	GateSoak Gate = "soak"
	// GateExposure: what it changes on the stage changed on a cluster before, too.
	GateExposure Gate = "exposure"
	// GateHold: nobody holds the stage.
	GateHold Gate = "hold"
	// GateWindow: the plan's windows are open.
	GateWindow Gate = "window"
)

// Unsoaked is a commit that an override took out before its soak was over.
type Unsoaked struct {
	Commit    SHA
	Remaining time.Duration
}

// NoReason is what an override records that was given no reason.
const NoReason = "no reason given"

// A Record is an entry as it stands in the ledger.
type Record struct {
	// Commit is the ledger's own commit.
	Commit SHA
	Entry
	// Damaged says why the commit could not be read as an entry. It is empty
	// for an entry that could.
	Damaged string
}

// A Draft is a ledger commit that has not been made yet.
type Draft struct {
	// Message is the whole commit message.
	Message string
	// Files are the whole tree, by name.
	Files map[string][]byte
}

// A LedgerCommit is a commit of the ledger as a [Remote] reads it.
type LedgerCommit struct {
	SHA     SHA
	Message string
}
