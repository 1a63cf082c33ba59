// Package ledger writes rollout entries as commits of the ledger branch, and
// reads them back.
//
// # Model
//
// The ledger's log is the audit trail: one commit an entry, with a sentence
// for people and the whole entry as JSON in the message's last line. Its tree
// is the state, in state.json: what has to be known before the next decision.
//
// # Invariants
//
// What is written reads back as it was, but for bytes that are not UTF-8:
// they become U+FFFD. Text that somebody else wrote, above
// all a reason, cannot forge an entry: it is JSON in the line that is read,
// and indented in the lines that are not. A state that is damaged, or has
// anything in it that this version does not know, is refused: it could hide a
// reason not to promote.
//
// # Concurrency
//
// A [Ledger] has no state.
//
// # Not handled
//
// Commits are not made here, nor signed; that is the forge's part. An entry
// that cannot be read is reported as damaged, not mended.
package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// StateFile is the file of the ledger's tree that holds the state.
const StateFile = "state.json"

// readmeFile tells whoever opens the branch in a browser what it is.
const readmeFile = "README.md"

const readme = `# The ledger of the staged rollout

The log of this branch is the audit trail: every promotion and override, who
ran it, from where to where, and why. ` + "`state.json`" + ` is what the next decision
has to know.

Written by the rollout alone. Read it with ` + "`mage release:history`" + `, or with
` + "`git log`" + `. Commits made by hand are shown as damaged entries.
`

// marker begins the line of a message that holds the entry.
const marker = "Rollout-Entry: "

// version is the version of the state's format. A ledger of a later version
// is refused, not guessed at.
const version = 1

// A Ledger implements [rollout.Ledger].
type Ledger struct{}

// Draft implements [rollout.Ledger].
func (Ledger) Draft(e rollout.Entry, s rollout.State) (rollout.Draft, error) {
	line, err := encode(e)
	if err != nil {
		return rollout.Draft{}, fmt.Errorf("write the entry: %w", err)
	}
	state, err := json.MarshalIndent(stateFile{Version: version, Arrivals: s.Arrivals}, "", "  ")
	if err != nil {
		return rollout.Draft{}, fmt.Errorf("write %s: %w", StateFile, err)
	}
	return rollout.Draft{
		Message: subject(e) + "\n\n" + body(e) + marker + line + "\n",
		Files:   map[string][]byte{StateFile: append(state, '\n'), readmeFile: []byte(readme)},
	}, nil
}

// subject is what git log shows of an entry.
func subject(e rollout.Entry) string {
	switch e.Kind {
	case rollout.EntryInit:
		return "init: " + rollout.Printable(e.Reason, 200)
	case rollout.EntryArrival, rollout.EntryDeparture:
		return fmt.Sprintf("%s: %s on %s", e.Kind, e.To.Short(), e.Branch)
	default:
		return fmt.Sprintf("%s: %s to %s", e.Kind, e.Stage, e.To.Short())
	}
}

// body is the entry for people. Lines that hold somebody's words are
// indented, so that none of them can begin with the marker.
func body(e rollout.Entry) string {
	var b strings.Builder
	if e.From != "" {
		fmt.Fprintf(&b, "%s: %s → %s, %s\n", e.Branch, e.From, e.To, commits(e.Commits))
	}
	if e.By != "" {
		fmt.Fprintf(&b, "by %s\n", rollout.Printable(e.By, 200))
	}
	if e.Run != "" {
		fmt.Fprintf(&b, "in %s\n", rollout.Printable(e.Run, 400))
	}
	for _, u := range e.Unsoaked {
		fmt.Fprintf(&b, "un-soaked: %s, %s left\n", u.Commit, rollout.FormatDuration(u.Remaining))
	}
	if e.Kind != rollout.EntryInit && e.Reason != "" {
		for line := range strings.Lines(e.Reason) {
			fmt.Fprintf(&b, "    %s\n", rollout.Printable(strings.TrimRight(line, "\r\n"), 2000))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return b.String() + "\n"
}

func commits(n int) string {
	if n == 1 {
		return "1 commit"
	}
	return fmt.Sprintf("%d commits", n)
}

// Record implements [rollout.Ledger].
func (Ledger) Record(c rollout.LedgerCommit) rollout.Record {
	r := rollout.Record{Commit: c.SHA}
	lines := strings.Split(strings.TrimRight(c.Message, "\n"), "\n")
	text, ok := strings.CutPrefix(lines[len(lines)-1], marker)
	if !ok {
		r.Damaged = "the commit was not made by the rollout"
		return r
	}
	entry, err := decode(text)
	if err == nil {
		err = believable(entry)
	}
	if err != nil {
		r.Damaged = fmt.Sprintf("the entry cannot be read: %s", err)
		return r
	}
	r.Entry = entry
	return r
}

// believable refuses an entry without what every entry has.
func believable(e rollout.Entry) error {
	if e.Kind == "" {
		return errors.New("it does not say what happened")
	}
	if err := bounded(e.At); err != nil {
		return err
	}
	for _, sha := range []rollout.SHA{e.From, e.To} {
		if _, err := rollout.ParseSHA(string(sha)); sha != "" && err != nil {
			return err
		}
	}
	return nil
}

// stateFile is the state as it is written.
type stateFile struct {
	Version  int                          `json:"version"`
	Arrivals map[string][]rollout.Arrival `json:"arrivals,omitempty"`
}

// State implements [rollout.Ledger].
func (Ledger) State(files map[string][]byte) (rollout.State, error) {
	data, ok := files[StateFile]
	if !ok {
		return rollout.State{}, damaged(errors.New("the file is missing"))
	}
	var header struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &header); err != nil {
		return rollout.State{}, damaged(plain(err))
	}
	if header.Version != version {
		return rollout.State{}, damaged(fmt.Errorf("it has version %d, and this toolkit knows version %d", header.Version, version))
	}
	var file stateFile
	if err := strictly(data, &file); err != nil {
		return rollout.State{}, damaged(err)
	}
	for branch, arrivals := range file.Arrivals {
		for _, a := range arrivals {
			if err := plausible(a); err != nil {
				return rollout.State{}, damaged(fmt.Errorf("an arrival on %s: %w", branch, err))
			}
		}
	}
	return rollout.State{Arrivals: file.Arrivals}, nil
}

// plausible refuses an arrival that would make a soak begin in the year 1.
func plausible(a rollout.Arrival) error {
	if _, err := rollout.ParseSHA(string(a.Revision)); err != nil {
		return err
	}
	return bounded(a.At)
}

// bounded refuses times that nothing can have happened at: what was never
// set, and years with which nobody can reckon.
func bounded(t time.Time) error {
	if t.Before(time.Unix(0, 0)) || t.Year() > 3000 {
		return fmt.Errorf("it speaks of %s", t.UTC().Format(time.DateTime))
	}
	return nil
}

func damaged(err error) error {
	return &rollout.Problem{
		Kind:  rollout.ErrLedger,
		What:  "the ledger's " + StateFile + " cannot be relied on, so nothing is promoted",
		Cause: err,
		Ways: []string{
			"if somebody changed it by hand, put back what it was: git log -p on the ledger's branch shows it",
			"if a newer toolkit wrote it, run that one",
		},
	}
}

// strictly reads one JSON value with no unknown field and nothing after it.
func strictly(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return plain(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows after its end")
	}
	return nil
}

// plain says what is wrong without words from Go.
func plain(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax):
		return errors.New("it is not JSON, or ends too early")
	case errors.As(err, &kind):
		return fmt.Errorf("%q cannot be a %s", kind.Field[strings.LastIndex(kind.Field, ".")+1:], kind.Value)
	default:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
}
