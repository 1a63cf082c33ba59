package report

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// The JSON of `release:status`, `release:history` and `release:explain`. Times
// are RFC 3339 in UTC, durations are in seconds, and what is not known is left
// out. Whatever somebody wrote, a subject, a name, a reason, stands there as it
// was written, but in a reason that the policy gives.
type (
	// StatusJSON is where a rollout stands.
	StatusJSON struct {
		At         time.Time   `json:"at"`
		Repository string      `json:"repository"`
		Stages     []StageJSON `json:"stages"`
		// Taints are all that operators tainted, also what no stage waits for.
		Taints []MarkJSON  `json:"taints"`
		Ledger []EntryJSON `json:"ledger"`
	}
	// StageJSON is where one stage stands.
	StageJSON struct {
		Name        string      `json:"name"`
		Branch      string      `json:"branch"`
		Clusters    []string    `json:"clusters"`
		Head        rollout.SHA `json:"head,omitempty"`
		Since       *time.Time  `json:"since,omitempty"`
		SoakSeconds float64     `json:"soakSeconds"`
		DecisionJSON
		// Holds are those that are active, of this stage or of all.
		Holds []HoldJSON `json:"holds,omitempty"`
		// GoesBack is the commit to which somebody rolls the stage back: what has all
		// its files need not soak.
		GoesBack rollout.SHA    `json:"goesBack,omitempty"`
		Pending  []RevisionJSON `json:"pending"`
		// Running is what the clusters say that they have, of those that could be
		// asked from here.
		Running []RunningJSON `json:"running"`
		Error   string        `json:"error,omitempty"`
	}
	// RunningJSON is what a cluster has.
	RunningJSON struct {
		Cluster        string            `json:"cluster"`
		Context        string            `json:"context,omitempty"`
		Has            rollout.SHA       `json:"has,omitempty"`
		Suspended      bool              `json:"suspended,omitempty"`
		Kustomizations []ApplicationJSON `json:"kustomizations"`
		// Error says why it says nothing.
		Error string `json:"error,omitempty"`
	}
	// DecisionJSON is what the policy says of a stage.
	DecisionJSON struct {
		Action   rollout.Action `json:"action,omitempty"`
		Reason   string         `json:"reason,omitempty"`
		Promotes rollout.SHA    `json:"promotes,omitempty"`
		Next     *NextJSON      `json:"next,omitempty"`
		// RetryAt is when the policy can let something out by itself.
		RetryAt *time.Time `json:"retryAt,omitempty"`
		// Blocks keep the stage as a whole where it stands.
		Blocks []BlockJSON `json:"blocks,omitempty"`
		// Taints are the pending commits that are known to be bad.
		Taints     []TaintJSON `json:"taints,omitempty"`
		Complaints []string    `json:"complaints,omitempty"`
		// Exposure is what is known of what it promotes.
		Exposure *ExposureJSON `json:"exposure,omitempty"`
		// Foreign are the commits that the stage has and its upstream has not.
		Foreign []CommitJSON `json:"foreign,omitempty"`
	}
	// BlockJSON is one thing that keeps a revision in, or a stage where it
	// stands.
	BlockJSON struct {
		Gate    rollout.Gate    `json:"gate"`
		Outcome rollout.Outcome `json:"outcome"`
		Reason  string          `json:"reason"`
		// By is who put it there, where the plan did not.
		By string `json:"by,omitempty"`
		// Commit is what it is about, if it is about one.
		Commit rollout.SHA `json:"commit,omitempty"`
		// Since is when an operator put it there.
		Since *time.Time `json:"since,omitempty"`
		// Until is when it is lifted by itself.
		Until *time.Time `json:"until,omitempty"`
	}
	// MarkJSON is an operator's word that a commit is bad.
	MarkJSON struct {
		Commit rollout.SHA `json:"commit"`
		By     string      `json:"by"`
		Reason string      `json:"reason"`
		At     *time.Time  `json:"at,omitempty"`
	}
	// HoldJSON is an operator's word that a stage takes nothing new.
	HoldJSON struct {
		// Stage is left out for all stages.
		Stage  string     `json:"stage,omitempty"`
		By     string     `json:"by"`
		Reason string     `json:"reason"`
		At     *time.Time `json:"at,omitempty"`
		Until  *time.Time `json:"until,omitempty"`
		// Suspended is the cluster because of whose suspended source it is held.
		Suspended string `json:"suspended,omitempty"`
	}
	// TaintJSON is a commit that is known to be bad, and whose word that is.
	TaintJSON struct {
		CommitJSON
		By     string `json:"by"`
		Reason string `json:"reason"`
		// Revert is left out where an operator tainted the commit.
		Revert rollout.SHA `json:"revert,omitempty"`
		// At is when an operator tainted it.
		At *time.Time `json:"at,omitempty"`
	}
	// NextJSON is the next promotion that time alone brings.
	NextJSON struct {
		Revision rollout.SHA `json:"revision"`
		At       time.Time   `json:"at"`
	}
	// RevisionJSON is a pending revision and its verdict.
	RevisionJSON struct {
		CommitJSON
		Arrival time.Time `json:"arrival"`
		// Soaked is how much of its soak is over, from 0 to 1.
		Soaked  *float64        `json:"soaked,omitempty"`
		Outcome rollout.Outcome `json:"outcome"`
		Reason  string          `json:"reason"`
		RetryAt *time.Time      `json:"retryAt,omitempty"`
		Commits int             `json:"commits"`
		// Brings are these commits, the revision itself first.
		Brings []rollout.SHA `json:"brings"`
		// In are the oldest pending revisions that contain it, and Containers
		// is how many there are.
		In         []rollout.SHA `json:"in"`
		Containers int           `json:"containers"`
		// GoesOut tells that it goes out now.
		GoesOut bool        `json:"goesOut"`
		Blocks  []BlockJSON `json:"blocks,omitempty"`
		// Unblocks is the newer revision by which it goes out that does not
		// without it.
		Unblocks rollout.SHA `json:"unblocks,omitempty"`
	}
	// CommitJSON is a commit as its author wrote it.
	CommitJSON struct {
		Revision rollout.SHA `json:"revision"`
		Subject  string      `json:"subject"`
		Author   string      `json:"author"`
	}
	// EntryJSON is one entry of the ledger.
	EntryJSON struct {
		Commit  rollout.SHA       `json:"commit"`
		Kind    rollout.EntryKind `json:"kind,omitempty"`
		Stage   string            `json:"stage,omitempty"`
		Branch  string            `json:"branch,omitempty"`
		From    rollout.SHA       `json:"from,omitempty"`
		To      rollout.SHA       `json:"to,omitempty"`
		At      *time.Time        `json:"at,omitempty"`
		By      string            `json:"by,omitempty"`
		Run     string            `json:"run,omitempty"`
		Reason  string            `json:"reason,omitempty"`
		Commits int               `json:"commits,omitempty"`
		Skipped []rollout.Gate    `json:"skipped,omitempty"`
		// Unsoaked are the commits that went out before their time.
		Unsoaked []UnsoakedJSON `json:"unsoaked,omitempty"`
		// Marked is the commit that was tainted or cleared.
		Marked rollout.SHA `json:"marked,omitempty"`
		// Until is when the hold runs out.
		Until *time.Time `json:"until,omitempty"`
		// Suspended is the cluster whose source was suspended, or resumed.
		Suspended string `json:"suspended,omitempty"`
		// Tainted are the commits that a rollback taints.
		Tainted []rollout.SHA `json:"tainted,omitempty"`
		// Backup is the branch that keeps where a reset found the stage's.
		Backup string `json:"backup,omitempty"`
		// Holds are those that were lifted, or that an override went through.
		Holds   []HoldJSON `json:"holds,omitempty"`
		Damaged string     `json:"damaged,omitempty"`
	}
	// UnsoakedJSON is a commit that went out with part of its soak left.
	UnsoakedJSON struct {
		Commit           rollout.SHA `json:"commit"`
		RemainingSeconds float64     `json:"remainingSeconds"`
	}
)

// WriteStatusJSON writes a status as [StatusJSON].
func WriteStatusJSON(w io.Writer, s rollout.Status) error {
	out := StatusJSON{At: s.At.UTC().Truncate(time.Second), Repository: s.Plan.Repository.Slug(), Taints: []MarkJSON{}, Ledger: entries(s.Records)}
	for _, m := range s.Taints {
		out.Taints = append(out.Taints, MarkJSON{Commit: m.Commit, By: m.By, Reason: m.Reason, At: known(m.At)})
	}
	for _, stage := range s.Stages {
		out.Stages = append(out.Stages, stageJSON(s.At, stage))
	}
	return write(w, out)
}

// WriteHistoryJSON writes the audit trail as a list of [EntryJSON].
func WriteHistoryJSON(w io.Writer, records []rollout.Record) error {
	return write(w, entries(records))
}

func stageJSON(now time.Time, s rollout.StageStatus) StageJSON {
	out := StageJSON{
		Name: s.Stage.Name, Branch: s.Stage.Branch, Clusters: s.Stage.Clusters, Head: s.Head.SHA,
		Since: known(s.Since), SoakSeconds: s.Stage.Soak.Seconds(), Pending: []RevisionJSON{}, Running: runningJSON(s.Clusters),
	}
	if s.Err != nil {
		out.Error = s.Err.Error()
	}
	out.Holds = holdsJSON(s.Holds)
	if s.Restoration != nil {
		out.GoesBack = s.Restoration.To
	}
	if s.Decision == nil {
		return out
	}
	out.DecisionJSON = decisionJSON(*s.Decision)
	goesOut := goingOut(*s.Decision)
	for _, subject := range s.Subjects {
		one := revisionJSON(subject)
		one.GoesOut = goesOut[one.Revision]
		if share, known := soakedShare(now, s.Stage, subject.Verdict); known {
			one.Soaked = &share
		}
		out.Pending = append(out.Pending, one)
	}
	return out
}

func runningJSON(clusters []rollout.LiveStanding) []RunningJSON {
	out := []RunningJSON{}
	for _, c := range clusters {
		if !c.Asked() {
			continue
		}
		live := liveJSON(c)
		out = append(out, RunningJSON{Cluster: live.Cluster, Context: live.Context, Has: live.Has, Suspended: live.Suspended, Kustomizations: live.Kustomizations, Error: live.Error})
	}
	return out
}

func revisionJSON(s rollout.Subject) RevisionJSON {
	v := s.Verdict
	out := RevisionJSON{
		CommitJSON: commitJSON(v.Revision.Commit), Arrival: v.Revision.Arrival.UTC().Truncate(time.Second), Outcome: v.Outcome,
		Reason: v.Reason(), RetryAt: known(v.RetryAt), Commits: len(v.Revision.Brings),
		In: append([]rollout.SHA{}, s.In...), Containers: s.Containers, Blocks: blocksJSON(v.Blocks), Unblocks: v.Unblocks,
	}
	for _, c := range v.Revision.Brings {
		out.Brings = append(out.Brings, c.SHA)
	}
	return out
}

func decisionJSON(d rollout.Decision) DecisionJSON {
	out := DecisionJSON{
		Action: d.Action, Reason: d.Reason, RetryAt: known(d.RetryAt),
		Blocks: blocksJSON(d.Blocks), Complaints: d.Complaints, Exposure: exposureJSON(d.Exposure),
	}
	if d.Revision != nil {
		out.Promotes = d.Revision.SHA
	}
	if v, ok := Next(d); ok {
		out.Next = &NextJSON{v.Revision.SHA, v.RetryAt.UTC().Truncate(time.Second)}
	}
	for _, t := range d.Taints {
		out.Taints = append(out.Taints, TaintJSON{CommitJSON: commitJSON(t.Commit), By: t.By, Reason: t.Reason, Revert: t.Revert, At: known(t.At)})
	}
	for _, c := range d.Foreign {
		out.Foreign = append(out.Foreign, commitJSON(c))
	}
	return out
}

func blocksJSON(blocks []rollout.Block) []BlockJSON {
	var out []BlockJSON
	for _, b := range blocks {
		out = append(out, BlockJSON{Gate: b.Gate, Outcome: b.Outcome, Reason: b.Reason(), By: b.By, Commit: b.Commit, Since: known(b.Since), Until: known(b.Until)})
	}
	return out
}

func holdsJSON(holds []rollout.Hold) []HoldJSON {
	var out []HoldJSON
	for _, h := range holds {
		out = append(out, HoldJSON{Stage: h.Stage, By: h.By, Reason: h.Reason, At: known(h.At), Until: known(h.Until), Suspended: h.Suspended})
	}
	return out
}

func commitJSON(c rollout.Commit) CommitJSON {
	return CommitJSON{Revision: c.SHA, Subject: c.Subject(), Author: c.Author}
}

func entries(records []rollout.Record) []EntryJSON {
	out := make([]EntryJSON, len(records))
	for i, r := range records {
		out[i] = EntryJSON{
			Commit: r.Commit, Kind: r.Kind, Stage: r.Stage, Branch: r.Branch, From: r.From, To: r.To, At: known(r.At),
			By: r.By, Run: r.Run, Reason: r.Reason, Commits: r.Commits, Skipped: r.Skipped,
			Marked: r.Entry.Commit, Until: known(r.Until), Suspended: r.Suspended, Backup: r.Backup, Tainted: r.Tainted, Holds: holdsJSON(r.Holds), Damaged: r.Damaged,
		}
		for _, u := range r.Unsoaked {
			out[i].Unsoaked = append(out[i].Unsoaked, UnsoakedJSON{u.Commit, u.Remaining.Round(time.Second).Seconds()})
		}
	}
	return out
}

// known is a moment, or nothing where there is none to tell.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

func write(w io.Writer, value any) error {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // nobody puts it into a page
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		return err
	}
	_, err := io.WriteString(w, seen(b.String()))
	return err
}

// seen escapes what JSON leaves as it is, and a terminal or a workflow's runner obeys
// ([rollout.Printable]): JSON is also printed. All of it can stand in strings only, but
// for the breaks of lines.
func seen(object string) string {
	object = strings.ReplaceAll(object, "##[", `#\u0023[`)
	return rollout.EscapeJSON(object, func(r rune) bool { return r != '\n' && rollout.Unseen(r) })
}
