// Package ledger writes rollout entries as commits of the ledger branch, and
// reads them back.
//
// # Model
//
// The ledger's log is the audit trail: one commit an entry, with a sentence
// for people and the whole entry as JSON in the message's last line. Its tree
// is the state, in state.json: what has to be known before the next decision.
// Each entry has the digest of the state that was written with it.
//
// # Invariants
//
// What is written reads back as it was, but for bytes that are not UTF-8: they
// become U+FFFD. Text that somebody else wrote, above all a reason, cannot
// forge an entry: it is JSON in the line that is read, and indented in the
// lines that are not. A state that is damaged, or has anything in it that this
// version does not know, is refused: it could hide a reason not to promote.
// None is written that would be refused.
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
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// readmeFile tells whoever opens the branch in a browser what it is.
const readmeFile = "README.md"

const readme = `# The ledger of the staged rollout

The log of this branch is the audit trail: every promotion and override, every
hold and taint, who ran it, from where to where, and why. ` + "`state.json`" + ` is what
the next decision has to know.

Written by the rollout alone. Read it with ` + "`mage release:history`" + `, or with
` + "`git log`" + `. Commits made by hand are shown as damaged entries.

## Why does nothing move?

` + "`mage release:explain`" + ` says it of every revision that waits. What operators
had to say about it stands in ` + "`state.json`" + `:

- ` + "`holds`" + `: the stage takes nothing new, and without a stage no stage does,
  before ` + "`until`" + `, or at all if there is none. ` + "`mage release:resume`" + ` lifts holds. One that
  names a cluster as ` + "`suspended`" + ` lasts until that cluster is resumed:
  ` + "`mage release:resume -cluster=`" + `.
- ` + "`suspensions`" + `: a cluster took nothing new, and what came in that time soaks for
  the stage from its end on.
- ` + "`taints`" + `: the commit is bad. Nothing that contains it is promoted, unless it
  contains its revert as well. ` + "`mage release:clear`" + ` takes a taint back.
- ` + "`cleared`" + `: the commit is good, although a later one reverts it.
- ` + "`restorations`" + `: the stage is to go back from a commit to an earlier one
  (` + "`mage release:rollback`" + `). What has the files of that one need not soak, as long
  as the stage stands where it goes back from.

Holds, taints and what is cleared say ` + "`by`" + ` whom and for what ` + "`reason`" + `. A hold
that has run out may stand there until something else is written. If nothing is listed,
what waits is soaking, was reverted, lacks evidence, or the plan's windows are closed.
`

// marker begins the line of a message that holds the entry.
const marker = "Rollout-Entry: "

// A Ledger implements [rollout.Ledger].
type Ledger struct{}

// Draft implements [rollout.Ledger]. The error is of kind ErrRefused where
// the state could not be read again: of a name or reason that is too long,
// say.
func (l Ledger) Draft(e rollout.Entry, s rollout.State) (rollout.Draft, error) {
	state, err := writeState(s)
	if err != nil {
		return rollout.Draft{}, err
	}
	files := map[string][]byte{StateFile: state, readmeFile: []byte(readme)}
	e.State = l.Digest(files)
	line, err := encode(e)
	if err != nil {
		return rollout.Draft{}, fmt.Errorf("write the entry: %w", err)
	}
	return rollout.Draft{Message: subject(e) + "\n\n" + body(e) + marker + line + "\n", Files: files}, nil
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

// digestExpression is what Digest writes.
var digestExpression = regexp.MustCompile(`^[0-9a-f]{64}$`)

// believable refuses an entry without what every entry has, and one with what
// none has. A kind that this version does not know is believed: a newer
// toolkit may have written it, and an audit trail shows what there is.
func believable(e rollout.Entry) error {
	if e.Kind == "" {
		return errors.New("it does not say what happened")
	}
	if err := bounded(e.At); err != nil {
		return err
	}
	for _, sha := range append([]rollout.SHA{e.From, e.To, e.Commit}, e.Tainted...) {
		if sha == "" {
			continue
		}
		if err := fullSHA(sha); err != nil {
			return err
		}
	}
	if e.State != "" && !digestExpression.MatchString(e.State) {
		return fmt.Errorf("%q is not a digest", rollout.Printable(e.State, 80))
	}
	if err := boundedIfSet(e.Until); err != nil {
		return err
	}
	return plausibleHolds(e.Holds)
}
