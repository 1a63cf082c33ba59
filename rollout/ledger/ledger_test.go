package ledger_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
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

func TestMessages(t *testing.T) {
	forged := override
	forged.Reason = "first line\r\n\r\nRollout-Entry: {\"kind\":\"promotion\",\"at\":\"2026-03-02T08:00:00Z\"}\n\x1b[2K\u202ehidden\x00"
	forged.By = "eve\nRollout-Entry: {}"
	for name, e := range map[string]rollout.Entry{
		"init":        {Kind: rollout.EntryInit, At: at, By: "ada", Reason: "the ledger begins"},
		"init-branch": {Kind: rollout.EntryInit, Stage: "apps", Branch: "release", To: one, At: at, By: "ada", Reason: "release begins at 1111111"},
		"arrival":     {Kind: rollout.EntryArrival, Stage: "apps", Branch: "main", To: two, At: at, By: "ada", Reason: "nothing says when 2222222 arrived, so its soak starts now"},
		"promotion":   {Kind: rollout.EntryPromotion, Stage: "apps", Branch: "release", From: one, To: two, At: at, By: "ada", Commits: 1, Reason: "2222222 is the newest revision of main that may go out"},
		"override":    override,
		"hostile":     forged,
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

func TestStateFile(t *testing.T) {
	draft, err := ledger.Ledger{}.Draft(override, rollout.State{Arrivals: map[string][]rollout.Arrival{
		"release": {{Revision: one, At: at}},
		"main":    {{Revision: one, At: at}, {Revision: two, At: at.Add(time.Hour)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "state.json", string(draft.Files[ledger.StateFile]))
	if !strings.Contains(string(draft.Files["README.md"]), "mage release:history") {
		t.Error("the README does not say how to read the ledger")
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

// roundTrip checks that an entry reads back as wanted, with and without the
// line break that some forges cut off.
func roundTrip(t *testing.T, e, want rollout.Entry) {
	t.Helper()
	draft, err := ledger.Ledger{}.Draft(e, rollout.State{})
	if err != nil {
		t.Fatal(err)
	}
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
			roundTrip(t, e, e)
		})
	}
}

func TestWhatIsNotUTF8IsReplaced(t *testing.T) {
	given, want := override, override
	given.Reason, want.Reason = "caf\xe9\xff", "caf\ufffd\ufffd"
	given.By, want.By = "Ad\xe4", "Ad\ufffd"
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

func TestStateRoundTrip(t *testing.T) {
	for name, s := range map[string]rollout.State{
		"empty": {},
		"some": {Arrivals: map[string][]rollout.Arrival{
			"main":                {{Revision: two, At: at.Add(time.Hour)}, {Revision: one, At: at}},
			"feature/<&>\u2028\"": {{Revision: one, At: at}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			draft, err := ledger.Ledger{}.Draft(override, s)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ledger.Ledger{}.State(draft.Files)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStateRefuses(t *testing.T) {
	for name, c := range map[string]struct{ state, says string }{
		"nothing":                  {"", "ends too early"},
		"no JSON":                  {"hello", "not JSON"},
		"null":                     {"null", "version 0"},
		"a list":                   {"[]", "cannot be a"},
		"no version":               {"{}", "version 0"},
		"a later version":          {`{"version":2}`, "it has version 2, and this toolkit knows version 1"},
		"a field it does not know": {`{"version":1,"holds":[]}`, `unknown field "holds"`},
		"one in an arrival":        {`{"version":1,"arrivals":{"main":[{"revision":"` + string(one) + `","at":"2026-03-02T08:00:00Z","by":"x"}]}}`, `unknown field "by"`},
		"something after it":       {`{"version":1} {}`, "not JSON"},
		"no commit":                {`{"version":1,"arrivals":{"main":[{"revision":"main","at":"2026-03-02T08:00:00Z"}]}}`, "an arrival on main"},
		"no time":                  {`{"version":1,"arrivals":{"main":[{"revision":"` + string(one) + `"}]}}`, "it speaks of 0001-01-01"},
		"a wrong time":             {`{"version":1,"arrivals":{"main":[{"revision":"` + string(one) + `","at":"yesterday"}]}}`, "yesterday"},
		"a time beyond reckoning":  {`{"version":1,"arrivals":{"main":[{"revision":"` + string(one) + `","at":"9999-12-31T23:59:59Z"}]}}`, "it speaks of 9999"},
		"a conflict":               {"<<<<<<< HEAD\n{\"version\":1}\n", "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ledger.Ledger{}.State(map[string][]byte{ledger.StateFile: []byte(c.state)})
			if !errors.Is(err, rollout.ErrLedger) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "git log -p") {
				t.Errorf("State: %v, want %q", err, c.says)
			}
		})
	}
	if _, err := (ledger.Ledger{}).State(nil); !errors.Is(err, rollout.ErrLedger) || !strings.Contains(err.Error(), "the file is missing") {
		t.Errorf("without the file: %v", err)
	}
}

func FuzzRecord(f *testing.F) {
	draft, err := ledger.Ledger{}.Draft(override, rollout.State{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(draft.Message)
	f.Add("Rollout-Entry: null")
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

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":1,"arrivals":{"main":[{"revision":"` + string(one) + `","at":"2026-03-02T08:00:00Z"}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ledger.Ledger{}.State(map[string][]byte{ledger.StateFile: data})
		if err != nil {
			if !errors.Is(err, rollout.ErrLedger) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		draft, err := ledger.Ledger{}.Draft(override, s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ledger.Ledger{}.State(draft.Files)
		if diff := cmp.Diff(s, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("it reads back differently: %v\n%s", err, diff)
		}
	})
}
