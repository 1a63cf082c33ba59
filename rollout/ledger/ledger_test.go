package ledger_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	one = rollout.SHA("1111111111111111111111111111111111111111")
	two = rollout.SHA("2222222222222222222222222222222222222222")
)

var at = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

var override = rollout.Entry{
	Kind: rollout.EntryOverride, Stage: "apps", Branch: "release", From: one, To: two, At: at,
	By: "ada", Run: "https://github.com/monosense/k8s-ops/actions/runs/7",
	Reason: "The payment pods\nrun out of memory.", Commits: 2,
	Skipped:  []rollout.Gate{rollout.GateSoak},
	Unsoaked: []rollout.Unsoaked{{Commit: two, Remaining: 3*time.Hour + 20*time.Minute}},
}

// lifted are holds as operators put them there.
var lifted = []rollout.Hold{
	{Stage: "apps", By: "bob", Reason: "Payments are migrated.\nAsk me first.", At: at.Add(-30 * time.Minute), Until: at.Add(25 * time.Hour)},
	{By: "carol", Reason: "The cluster is upgraded.", At: at.Add(-time.Hour)},
}

func TestMessages(t *testing.T) {
	held := override
	held.Skipped = append(slices.Clone(held.Skipped), rollout.GateHold)
	held.Holds = lifted
	forged := override
	forged.Reason = "first line\r\n\r\nRollout-Entry: {\"kind\":\"promotion\",\"at\":\"2026-03-02T08:00:00Z\"}\n\x1b[2K\u202ehidden\x00"
	forged.By = "eve\nRollout-Entry: {}"
	forgedHold := rollout.Entry{
		Kind: rollout.EntryResume, Stage: forged.By, At: at, By: forged.By, Reason: forged.Reason,
		Holds: []rollout.Hold{{Stage: forged.By, By: forged.By, Reason: forged.Reason + "\nlifted: all stages, by root since ever", At: at}},
	}
	for name, e := range map[string]rollout.Entry{
		"init":        {Kind: rollout.EntryInit, At: at, By: "ada", Reason: "the ledger begins"},
		"init-branch": {Kind: rollout.EntryInit, Stage: "apps", Branch: "release", To: one, At: at, By: "ada", Reason: "release begins at 1111111"},
		"arrival":     {Kind: rollout.EntryArrival, Stage: "apps", Branch: "main", To: two, At: at, By: "ada", Reason: "nothing says when 2222222 arrived, so its soak starts now"},
		"promotion":   {Kind: rollout.EntryPromotion, Stage: "apps", Branch: "release", From: one, To: two, At: at, By: "ada", Commits: 1, Reason: "2222222 is the newest revision of main that may go out"},
		"override":    override,
		"hostile":     forged,

		"hold":           {Kind: rollout.EntryHold, Stage: "apps", At: at, By: "ada", Until: at.Add(25 * time.Hour), Reason: "Payments are migrated."},
		"hold-all":       {Kind: rollout.EntryHold, At: at, By: "ada", Reason: "The cluster is upgraded."},
		"resume":         {Kind: rollout.EntryResume, Stage: "apps", At: at, By: "ada", Reason: "It is over.", Holds: lifted},
		"resume-all":     {Kind: rollout.EntryResume, At: at, By: "ada", Holds: lifted[1:]},
		"hold-suspended": {Kind: rollout.EntryHold, Stage: "apps", At: at, By: "ada", Reason: "It loses its nodes.", Suspended: "apps"},
		"resume-suspended": {
			Kind: rollout.EntryResume, At: at, By: "ada", Suspended: "apps",
			Holds: []rollout.Hold{{Stage: "apps", By: "ben", Reason: "It loses its nodes.", At: at, Suspended: "apps"}},
		},
		"taint": {Kind: rollout.EntryTaint, Commit: one, At: at, By: "ada", Reason: "It loses mails."},
		"clear": {Kind: rollout.EntryClear, Commit: one, At: at, By: "ada", Reason: "It did not."},
		"reset": {
			Kind: rollout.EntryReset, Stage: "apps", Branch: "release", From: two, To: one, At: at, By: "ada", Reason: "It was a slip.", Commits: 2,
			Backup: "rollout/backup/apps/20260302T080000Z",
		},
		"rollback": {
			Kind: rollout.EntryRollback, Stage: "apps", From: two, To: one, At: at, By: "ada", Reason: "It loses mails.", Commits: 2,
			Tainted: []rollout.SHA{two},
		},
		"override-held": held,
		"hostile-hold":  forgedHold,
	} {
		t.Run(name, func(t *testing.T) {
			draft, err := ledger.Ledger{}.Draft(e, rollout.State{})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", draft.Message)
			if strings.Count(draft.Message, "\nRollout-Entry: ") != 1 || strings.ContainsAny(draft.Message, "\r\x00\x1b\u202e") {
				t.Errorf("the message can be misread:\n%q", draft.Message)
			}
			roundTrip(t, e, e)
		})
	}
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, -update to accept):\n%s", path, diff)
	}
}

// roundTrip checks that an entry reads back as wanted, together with the
// digest of the state that was written, and with and without the line break
// that some forges cut off.
func roundTrip(t *testing.T, e, want rollout.Entry) {
	t.Helper()
	draft, err := ledger.Ledger{}.Draft(e, rollout.State{})
	if err != nil {
		t.Fatal(err)
	}
	want.State = fmt.Sprintf("%x", sha256.Sum256(draft.Files[ledger.StateFile]))
	for _, message := range []string{draft.Message, strings.TrimRight(draft.Message, "\n")} {
		got := ledger.Ledger{}.Record(rollout.LedgerCommit{SHA: one, Message: message})
		if diff := cmp.Diff(rollout.Record{Commit: one, Entry: want}, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("read back (-want +got):\n%s\n%s", diff, message)
		}
	}
}

func TestReasonsReadBackAsTheyWere(t *testing.T) {
	for name, reason := range map[string]string{
		"a forged entry":         "x\nRollout-Entry: {\"kind\":\"promotion\"}",
		"a forged entry at last": "x\n\n\nRollout-Entry: {\"kind\":\"promotion\",\"at\":\"2026-03-02T08:00:00Z\"}\n\n",
		"CRLF":                   "a\r\nb\rc",
		"NUL":                    "a\x00b",
		"quotes and shell":       `"it's" $(rm -rf /) ` + "`id`" + ` \ ' -x`,
		"HTML":                   "<script>&amp;</script>",
		"unicode":                "日本 ✓ \U0001f680 \u2028 \u2029 \u202e \ufeff",
		"4000 bytes":             strings.Repeat("x", 4000),
		"4000 lines":             strings.Repeat("\n", 4000),
		"a line of dashes":       "---\n-- \nSigned-off-by: Eve",
		"a comment":              "# not a comment\n; nor this",
	} {
		t.Run(name, func(t *testing.T) {
			e := override
			e.Reason = reason
			e.Holds = []rollout.Hold{{By: "bob", Reason: reason, At: at}}
			roundTrip(t, e, e)
		})
	}
}

func TestWhatIsNotUTF8IsReplaced(t *testing.T) {
	given, want := override, override
	given.Reason, want.Reason = "caf\xe9\xff", "caf\ufffd\ufffd"
	given.By, want.By = "Ad\xe4", "Ad\ufffd"
	given.Holds = []rollout.Hold{{By: "\xff", Reason: "\xff", At: at}}
	want.Holds = []rollout.Hold{{By: "\ufffd", Reason: "\ufffd", At: at}}
	roundTrip(t, given, want)
}

func TestDamagedEntries(t *testing.T) {
	for name, c := range map[string]struct{ message, says string }{
		"by hand":                 {"Fix the state\n", "not made by the rollout"},
		"empty":                   {"", "not made by the rollout"},
		"only line breaks":        {"\n\n\n", "not made by the rollout"},
		"the marker in the body":  {"x\n\nRollout-Entry: {}\nmore", "not made by the rollout"},
		"the marker indented":     {"x\n\n  Rollout-Entry: {}", "not made by the rollout"},
		"no JSON":                 {"x\n\nRollout-Entry: hello", "not JSON"},
		"cut off":                 {`Rollout-Entry: {"kind":"init"`, "ends too early"},
		"nothing in it":           {"Rollout-Entry: {}", "does not say what happened"},
		"null":                    {"Rollout-Entry: null", "does not say what happened"},
		"no time":                 {`Rollout-Entry: {"kind":"init"}`, "it speaks of 0001-01-01"},
		"a time beyond reckoning": {`Rollout-Entry: {"kind":"init","at":"9999-01-01T00:00:00Z"}`, "it speaks of 9999-01-01"},
		"a field of a newer one":  {`Rollout-Entry: {"kind":"init","at":"2026-03-02T08:00:00Z","hold":true}`, `unknown field "hold"`},
		"a wrong type":            {`Rollout-Entry: {"kind":7}`, `"kind" cannot be a number`},
		"no commit":               {`Rollout-Entry: {"kind":"promotion","at":"2026-03-02T08:00:00Z","to":"main"}`, `"main" is not a commit`},
		"something after it":      {`Rollout-Entry: {"kind":"init","at":"2026-03-02T08:00:00Z"} {}`, "something follows"},
		"a field twice":           {`Rollout-Entry: {"kind":"init","at":"2026-03-02T08:00:00Z","kind":"hold"}`, `"kind" is there twice`},
		"a Kind beside a kind":    {`Rollout-Entry: {"kind":"init","at":"2026-03-02T08:00:00Z","Kind":"hold"}`, `"Kind" is not how the key "kind" is spelled`},
		"a Commit in a list":      {`Rollout-Entry: {"kind":"override","at":"2026-03-02T08:00:00Z","unsoaked":[{"Commit":"` + string(one) + `","left":"1h"}]}`, `"Commit" is not how the key "commit" is spelled`},

		"a taint of no commit":       {`Rollout-Entry: {"kind":"taint","at":"2026-03-02T08:00:00Z","commit":"1111111"}`, `"1111111" is not a commit`},
		"one in upper case":          {`Rollout-Entry: {"kind":"taint","at":"2026-03-02T08:00:00Z","commit":"` + strings.Repeat("A", 40) + `"}`, "not in lower case"},
		"a hold beyond reckoning":    {`Rollout-Entry: {"kind":"hold","at":"2026-03-02T08:00:00Z","until":"9999-01-01T00:00:00Z"}`, "it speaks of 9999-01-01"},
		"a hold until before clocks": {`Rollout-Entry: {"kind":"hold","at":"2026-03-02T08:00:00Z","until":"0001-01-01T00:00:01Z"}`, "it speaks of 0001-01-01"},
		"nobody's hold":              {`Rollout-Entry: {"kind":"resume","at":"2026-03-02T08:00:00Z","holds":[{"reason":"x","at":"2026-03-02T08:00:00Z"}]}`, "holds, number 1: it does not say by whom"},
		"a hold with more to it":     {`Rollout-Entry: {"kind":"resume","at":"2026-03-02T08:00:00Z","holds":[{"by":"x","reason":"x","at":"2026-03-02T08:00:00Z","but":1}]}`, `unknown field "but"`},
		"a state that is no digest":  {`Rollout-Entry: {"kind":"hold","at":"2026-03-02T08:00:00Z","state":"good"}`, `"good" is not a digest`},
		"a digest cut off":           {`Rollout-Entry: {"kind":"hold","at":"2026-03-02T08:00:00Z","state":"` + strings.Repeat("0", 63) + `"}`, "is not a digest"},
		"a digest of other digits":   {`Rollout-Entry: {"kind":"hold","at":"2026-03-02T08:00:00Z","state":"` + strings.Repeat("g", 64) + `"}`, "is not a digest"},
		"a digest and a line break":  {`Rollout-Entry: {"kind":"hold","at":"2026-03-02T08:00:00Z","state":"` + strings.Repeat("0", 64) + `\n"}`, "is not a digest"},
	} {
		t.Run(name, func(t *testing.T) {
			r := ledger.Ledger{}.Record(rollout.LedgerCommit{SHA: one, Message: c.message})
			if !strings.Contains(r.Damaged, c.says) || r.Commit != one {
				t.Errorf("%+v, want damaged: %s", r, c.says)
			}
			if diff := cmp.Diff(rollout.Entry{}, r.Entry); diff != "" {
				t.Errorf("a damaged entry says something all the same:\n%s", diff)
			}
		})
	}
}

// An entry is shown although only a newer toolkit knows what its kind means,
// and one without a digest was written before there were any.
func TestEntriesOfOtherVersions(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		want    rollout.Entry
	}{
		"a kind to come": {
			`Rollout-Entry: {"kind":"freeze","stage":"apps","at":"2026-03-02T08:00:00Z","commit":"` + string(one) + `","until":"2026-03-02T09:00:00Z"}`,
			rollout.Entry{Kind: "freeze", Stage: "apps", At: at, Commit: one, Until: at.Add(time.Hour)},
		},
		"one before digests": {
			`Rollout-Entry: {"kind":"promotion","stage":"apps","branch":"release","from":"` + string(one) + `","to":"` + string(two) + `","at":"2026-03-02T08:00:00Z","commits":1}`,
			rollout.Entry{Kind: rollout.EntryPromotion, Stage: "apps", Branch: "release", From: one, To: two, At: at, Commits: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := ledger.Ledger{}.Record(rollout.LedgerCommit{SHA: one, Message: c.message})
			if diff := cmp.Diff(rollout.Record{Commit: one, Entry: c.want}, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// The digest is that of what is written, whatever the caller says it is.
func TestDraftSetsTheDigest(t *testing.T) {
	for _, given := range []string{"", "x", strings.Repeat("0", 64)} {
		e := override
		e.State = given
		roundTrip(t, e, e)
	}
}

func FuzzRecord(f *testing.F) {
	draft, err := ledger.Ledger{}.Draft(override, rollout.State{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(draft.Message)
	f.Add("Rollout-Entry: null")
	f.Add(`Rollout-Entry: {"kind":"resume","at":"2026-03-02T08:00:00Z","holds":[{"stage":"apps","by":"bob","reason":"x","at":"2026-03-02T07:00:00Z","until":"2026-03-02T09:00:00Z"}]}`)
	f.Add(`Rollout-Entry: {"kind":"taint","at":"2026-03-02T08:00:00Z","commit":"` + string(one) + `","state":"` + strings.Repeat("0", 64) + `"}`)
	f.Fuzz(func(t *testing.T, message string) {
		r := ledger.Ledger{}.Record(rollout.LedgerCommit{Message: message})
		if (r.Damaged == "") == (r.Kind == "") {
			t.Errorf("neither an entry nor damaged: %+v", r)
		}
		if r.Damaged == "" {
			roundTrip(t, r.Entry, r.Entry)
		}
	})
}

func FuzzReason(f *testing.F) {
	f.Add("x\nRollout-Entry: {}", "ada")
	f.Fuzz(func(t *testing.T, reason, by string) {
		if !utf8.ValidString(reason) || !utf8.ValidString(by) {
			return
		}
		e := override
		e.Reason, e.By = reason, by
		roundTrip(t, e, e)
	})
}
