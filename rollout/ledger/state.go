package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/monosense/k8s-ops/rollout"
)

// StateFile is the file of the ledger's tree that holds the state.
const StateFile = "state.json"

// version is the version of the state's format. A ledger of a later version
// is refused, not guessed at. Holds and marks came later than version 1 and
// did not change it: an older toolkit refuses fields that it does not know, as
// it should, and goes on reading a state that has none of them.
const version = 1

// What is more than this was not put there by operators.
const (
	// mostWords is how many holds, taints and cleared commits there can be,
	// of each.
	mostWords = 10_000
	// longestText is how many bytes a name or a reason can have. The engine
	// takes no longer reason.
	longestText = 4000
)

// stateFile is the state as it is written.
type stateFile struct {
	Version      int                          `json:"version"`
	Arrivals     map[string][]rollout.Arrival `json:"arrivals,omitempty"`
	Holds        []rollout.Hold               `json:"holds,omitempty"`
	Suspensions  []rollout.Suspension         `json:"suspensions,omitempty"`
	Taints       []rollout.Mark               `json:"taints,omitempty"`
	Cleared      []rollout.Mark               `json:"cleared,omitempty"`
	Restorations []rollout.Restoration        `json:"restorations,omitempty"`
}

// Digest implements [rollout.Ledger]: the SHA-256 of the state as it is
// written, in hexadecimal. The README may change from version to version.
func (Ledger) Digest(files map[string][]byte) string {
	sum := sha256.Sum256(files[StateFile])
	return hex.EncodeToString(sum[:])
}

// writeState writes what can be read again, or nothing: one reason that is
// too long would stop all promotions.
func writeState(s rollout.State) ([]byte, error) {
	if err := plausible(s); err != nil {
		return nil, &rollout.Problem{
			Kind:  rollout.ErrRefused,
			What:  "the ledger's " + StateFile + " could not be read again, so it is not written",
			Cause: err,
			Ways: []string{
				"if a name is missing or too long, set another one: git config user.name",
				"if a reason is too long, shorten it",
				"if there is too much of something, lift the holds that nobody needs any more",
			},
		}
	}
	text, err := json.MarshalIndent(stateFile{version, s.Arrivals, s.Holds, s.Suspensions, s.Taints, s.Cleared, s.Restorations}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", StateFile, err)
	}
	return []byte(rollout.EscapeJSON(string(text), hidden) + "\n"), nil
}

// hidden tells whether people who look at a change of the state would not see
// a character, or see others elsewhere because of it. JSON escapes those below
// a space by itself.
func hidden(r rune) bool {
	return r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// State implements [rollout.Ledger].
func (Ledger) State(files map[string][]byte) (rollout.State, error) {
	s, err := readState(files)
	if err == nil {
		err = plausible(s)
	}
	if err != nil {
		return rollout.State{}, damaged(err)
	}
	return s, nil
}

func readState(files map[string][]byte) (rollout.State, error) {
	data, ok := files[StateFile]
	if !ok {
		return rollout.State{}, errors.New("the file is missing")
	}
	if !utf8.Valid(data) {
		return rollout.State{}, errors.New("it is not UTF-8")
	}
	var header struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &header); err != nil {
		return rollout.State{}, plain(err)
	}
	if header.Version != version {
		return rollout.State{}, fmt.Errorf("it has version %d, and this toolkit knows version %d", header.Version, version)
	}
	var file stateFile
	if err := strictly(data, &file); err != nil {
		return rollout.State{}, err
	}
	return rollout.State{
		Arrivals: file.Arrivals, Holds: file.Holds, Suspensions: file.Suspensions,
		Taints: file.Taints, Cleared: file.Cleared, Restorations: file.Restorations,
	}, nil
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

// plausible refuses a state that the rollout cannot have written.
func plausible(s rollout.State) error {
	for branch, arrivals := range s.Arrivals {
		for _, a := range arrivals {
			if err := plausibleArrival(a); err != nil {
				return fmt.Errorf("an arrival on %s: %w", rollout.Printable(branch, 100), err)
			}
		}
	}
	if err := plausibleHolds(s.Holds); err != nil {
		return err
	}
	if err := plausibleSuspensions(s.Suspensions); err != nil {
		return err
	}
	if err := plausibleRestorations(s.Restorations); err != nil {
		return err
	}
	marked := map[rollout.SHA]bool{}
	if err := plausibleMarks("taints", s.Taints, marked); err != nil {
		return err
	}
	return plausibleMarks("cleared", s.Cleared, marked)
}

// plausibleArrival refuses an arrival that would make a soak begin in the
// year 1.
func plausibleArrival(a rollout.Arrival) error {
	if err := fullSHA(a.Revision); err != nil {
		return err
	}
	return bounded(a.At)
}

// plausibleHolds asks nothing of the stages: one that the plan no longer has
// is no damage.
func plausibleHolds(holds []rollout.Hold) error {
	if err := believableNumber("holds", len(holds)); err != nil {
		return err
	}
	for i, h := range holds {
		err := signed(h.By, h.Reason, h.At)
		if err == nil {
			err = boundedIfSet(h.Until)
		}
		if err != nil {
			return fmt.Errorf("holds, number %d: %w", i+1, err)
		}
	}
	return nil
}

func plausibleSuspensions(suspensions []rollout.Suspension) error {
	if err := believableNumber("suspensions", len(suspensions)); err != nil {
		return err
	}
	for i, s := range suspensions {
		err := bounded(s.From)
		if err == nil {
			err = bounded(s.To)
		}
		if err == nil && (s.Stage == "" || s.Cluster == "" || s.To.Before(s.From)) {
			err = errors.New("it has no stage, no cluster, or no length")
		}
		if err != nil {
			return fmt.Errorf("suspensions, number %d: %w", i+1, err)
		}
	}
	return nil
}

// plausibleRestorations refuses what would let something out without a tree, and more
// than one of a stage: which of them counts, nobody could say.
func plausibleRestorations(restorations []rollout.Restoration) error {
	of := map[string]bool{}
	for i, r := range restorations {
		err := bounded(r.At)
		for _, sha := range []rollout.SHA{r.From, r.To, r.Tree} {
			if err == nil {
				err = fullSHA(sha)
			}
		}
		if err == nil && (r.Stage == "" || of[r.Stage]) {
			err = errors.New("it has no stage, or one that has another already")
		}
		if err != nil {
			return fmt.Errorf("restorations, number %d: %w", i+1, err)
		}
		of[r.Stage] = true
	}
	return nil
}

// plausibleMarks refuses a second word on a commit that has been marked:
// which of the two is true, nobody could say.
func plausibleMarks(list string, marks []rollout.Mark, marked map[rollout.SHA]bool) error {
	if err := believableNumber(list, len(marks)); err != nil {
		return err
	}
	for i, m := range marks {
		err := fullSHA(m.Commit)
		if err == nil {
			err = signed(m.By, m.Reason, m.At)
		}
		for _, revert := range m.Reverts {
			if err == nil {
				err = fullSHA(revert)
			}
		}
		if err == nil && marked[m.Commit] {
			err = fmt.Errorf("%s is marked already", m.Commit.Short())
		}
		if err != nil {
			return fmt.Errorf("%s, number %d: %w", list, i+1, err)
		}
		marked[m.Commit] = true
	}
	return nil
}

func believableNumber(list string, n int) error {
	if n > mostWords {
		return fmt.Errorf("it has %d %s, and more than %d are not believed", n, list, mostWords)
	}
	return nil
}

// signed refuses an operator's word of which is not known whose it is or
// since when.
func signed(by, reason string, at time.Time) error {
	if strings.TrimSpace(by) == "" {
		return errors.New("it does not say by whom")
	}
	for _, text := range []string{by, reason} {
		// What is not UTF-8 is longer once it is written.
		if n := len(string([]rune(text))); n > longestText {
			return fmt.Errorf("it has a text of %d bytes, and more than %d are not believed", n, longestText)
		}
	}
	return bounded(at)
}

// fullSHA refuses a commit that is not written as Git writes it: a mark on it
// would be a mark on nothing.
func fullSHA(sha rollout.SHA) error {
	parsed, err := rollout.ParseSHA(string(sha))
	if err == nil && parsed != sha {
		err = fmt.Errorf("%q is not in lower case", sha)
	}
	return err
}

// bounded refuses times that nothing can have happened at: what was never
// set, and years with which nobody can reckon.
func bounded(t time.Time) error {
	if t.Before(time.Unix(0, 0)) || t.Year() > 3000 {
		return fmt.Errorf("it speaks of %s", t.UTC().Format(time.DateTime))
	}
	return nil
}

// boundedIfSet is bounded for a time that need not be set.
func boundedIfSet(t time.Time) error {
	if t.IsZero() {
		return nil
	}
	return bounded(t)
}
