package report

import (
	"encoding/json"
	"io"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// The JSON of `release:status` and `release:history`. Times are RFC 3339 in
// UTC, durations are in seconds, and what is not known is left out.
type (
	// StatusJSON is where a rollout stands.
	StatusJSON struct {
		At         time.Time   `json:"at"`
		Repository string      `json:"repository"`
		Stages     []StageJSON `json:"stages"`
		Ledger     []EntryJSON `json:"ledger"`
	}
	// StageJSON is where one stage stands.
	StageJSON struct {
		Name        string         `json:"name"`
		Branch      string         `json:"branch"`
		Clusters    []string       `json:"clusters"`
		Head        rollout.SHA    `json:"head,omitempty"`
		Since       *time.Time     `json:"since,omitempty"`
		SoakSeconds float64        `json:"soakSeconds"`
		Action      rollout.Action `json:"action,omitempty"`
		Reason      string         `json:"reason,omitempty"`
		Promotes    rollout.SHA    `json:"promotes,omitempty"`
		Next        *NextJSON      `json:"next,omitempty"`
		Pending     []RevisionJSON `json:"pending"`
		Foreign     []CommitJSON   `json:"foreign,omitempty"`
		Error       string         `json:"error,omitempty"`
	}
	// NextJSON is the next promotion that time alone brings.
	NextJSON struct {
		Revision rollout.SHA `json:"revision"`
		At       time.Time   `json:"at"`
	}
	// RevisionJSON is a pending revision and its verdict.
	RevisionJSON struct {
		CommitJSON
		Arrival time.Time       `json:"arrival"`
		Outcome rollout.Outcome `json:"outcome"`
		Reason  string          `json:"reason"`
		RetryAt *time.Time      `json:"retryAt,omitempty"`
		Commits int             `json:"commits"`
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
		Damaged  string         `json:"damaged,omitempty"`
	}
	// UnsoakedJSON is a commit that went out with part of its soak left.
	UnsoakedJSON struct {
		Commit           rollout.SHA `json:"commit"`
		RemainingSeconds float64     `json:"remainingSeconds"`
	}
)

// WriteStatusJSON writes a status as [StatusJSON].
func WriteStatusJSON(w io.Writer, s rollout.Status) error {
	out := StatusJSON{At: s.At.UTC().Truncate(time.Second), Repository: s.Plan.Repository.Slug(), Ledger: entries(s.Records)}
	for _, stage := range s.Stages {
		out.Stages = append(out.Stages, stageJSON(stage))
	}
	return write(w, out)
}

// WriteHistoryJSON writes the audit trail as a list of [EntryJSON].
func WriteHistoryJSON(w io.Writer, records []rollout.Record) error {
	return write(w, entries(records))
}

func stageJSON(s rollout.StageStatus) StageJSON {
	out := StageJSON{
		Name: s.Stage.Name, Branch: s.Stage.Branch, Clusters: s.Stage.Clusters, Head: s.Head.SHA,
		Since: known(s.Since), SoakSeconds: s.Stage.Soak.Seconds(), Pending: []RevisionJSON{},
	}
	if s.Err != nil {
		out.Error = s.Err.Error()
	}
	if s.Decision == nil {
		return out
	}
	out.Action, out.Reason = s.Decision.Action, s.Decision.Reason
	if s.Decision.Revision != nil {
		out.Promotes = s.Decision.Revision.SHA
	}
	if v, ok := Next(*s.Decision); ok {
		out.Next = &NextJSON{v.Revision.SHA, v.RetryAt.UTC().Truncate(time.Second)}
	}
	for _, v := range s.Decision.Verdicts {
		out.Pending = append(out.Pending, RevisionJSON{
			CommitJSON: commitJSON(v.Revision.Commit), Arrival: v.Revision.Arrival.UTC().Truncate(time.Second), Outcome: v.Outcome,
			Reason: v.Reason, RetryAt: known(v.RetryAt), Commits: len(v.Revision.Brings),
		})
	}
	for _, c := range s.Decision.Foreign {
		out.Foreign = append(out.Foreign, commitJSON(c))
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
			By: r.By, Run: r.Run, Reason: r.Reason, Commits: r.Commits, Skipped: r.Skipped, Damaged: r.Damaged,
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
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // nobody puts it into a page
	e.SetIndent("", "  ")
	return e.Encode(value)
}
