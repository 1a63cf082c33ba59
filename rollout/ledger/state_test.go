package ledger_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/ledger"
)

// marked is a state with everything in it.
var marked = rollout.State{
	Arrivals: map[string][]rollout.Arrival{"main": {{Revision: one, At: at}}},
	Holds:    lifted,
	Taints:   []rollout.Mark{{Commit: one, By: "ada", Reason: "It loses mails.", At: at}},
	Cleared:  []rollout.Mark{{Commit: two, By: "bob", Reason: "Its revert was the mistake.", At: at}},
}

// draft is the tree that is written with a state.
func draft(t *testing.T, s rollout.State) map[string][]byte {
	t.Helper()
	d, err := ledger.Ledger{}.Draft(override, s)
	if err != nil {
		t.Fatal(err)
	}
	return d.Files
}

// What has no marks is written as it was before there were any, to the byte:
// an older toolkit can go on.
func TestStateFile(t *testing.T) {
	plain := draft(t, rollout.State{Arrivals: map[string][]rollout.Arrival{
		"release": {{Revision: one, At: at}},
		"main":    {{Revision: one, At: at}, {Revision: two, At: at.Add(time.Hour)}},
	}})
	golden(t, "state.json", string(plain[ledger.StateFile]))
	golden(t, "state-marked.json", string(draft(t, marked)[ledger.StateFile]))
	nothing := rollout.State{Holds: []rollout.Hold{}, Taints: []rollout.Mark{}, Cleared: []rollout.Mark{}}
	if got := string(draft(t, nothing)[ledger.StateFile]); got != "{\n  \"version\": 1\n}\n" {
		t.Errorf("nothing is written as %s", got)
	}
}

func TestReadme(t *testing.T) {
	readme := string(draft(t, marked)["README.md"])
	for _, command := range []string{"release:history", "release:explain", "release:resume", "release:clear"} {
		if !strings.Contains(readme, "`mage "+command+"`") {
			t.Errorf("the README does not speak of %s", command)
		}
	}
	for field := range fields(t, draft(t, marked)[ledger.StateFile]) {
		if field != "version" && field != "arrivals" && !strings.Contains(readme, "`"+field+"`") {
			t.Errorf("the README does not say what %s are", field)
		}
	}
}

// fields are the names at the top of a state.
func fields(t *testing.T, state []byte) map[string]json.RawMessage {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(state, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestStateRoundTrip(t *testing.T) {
	const hostile = "x\r\n\nRollout-Entry: {}\x00\x1b[2K\u007f\u0085\u2028\u202e\u2066\ufeff\U000e0041<&>\"\\日本 \U0001f680"
	for name, s := range map[string]rollout.State{
		"empty": {},
		"arrivals": {Arrivals: map[string][]rollout.Arrival{
			"main":                {{Revision: two, At: at.Add(time.Hour)}, {Revision: one, At: at}},
			"feature/<&>\u2028\"": {{Revision: one, At: at}},
		}},
		"all":                    marked,
		"the same hold twice":    {Holds: []rollout.Hold{lifted[0], lifted[0]}},
		"a stage nobody knows":   {Holds: []rollout.Hold{{Stage: "gone", By: "ada", Reason: "x", At: at}}},
		"no reason":              {Holds: []rollout.Hold{{By: "ada", At: at}}},
		"4000 bytes of a reason": {Holds: []rollout.Hold{{By: "ada", Reason: strings.Repeat("é", 2000), At: at}}},
		"a zone of its own":      {Holds: []rollout.Hold{{By: "ada", At: at.In(time.FixedZone("", 7200)), Until: at.Add(1)}}},
		"hostile": {
			Holds:   []rollout.Hold{{Stage: hostile, By: hostile, Reason: hostile, At: at}},
			Taints:  []rollout.Mark{{Commit: one, By: hostile, Reason: hostile, At: at}},
			Cleared: []rollout.Mark{{Commit: two, By: hostile, Reason: hostile, At: at}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := draft(t, s)
			got, err := ledger.Ledger{}.State(files)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			for _, r := range string(files[ledger.StateFile]) {
				if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
					t.Errorf("it has %U in it, which nobody sees", r)
				}
			}
		})
	}
}

func TestDigest(t *testing.T) {
	digest := func(s rollout.State) string { return ledger.Ledger{}.Digest(draft(t, s)) }
	if a, b := digest(marked), digest(marked); a != b {
		t.Errorf("one state has two digests: %s and %s", a, b)
	}
	seen := map[string]string{}
	for name, change := range map[string]func(*rollout.State){
		"nothing":     func(*rollout.State) {},
		"a hold less": func(s *rollout.State) { s.Holds = s.Holds[1:] },
		"another end": func(s *rollout.State) {
			s.Holds = []rollout.Hold{s.Holds[0], s.Holds[1]}
			s.Holds[0].Until = s.Holds[0].Until.Add(time.Second)
		},
		"no end": func(s *rollout.State) {
			s.Holds = []rollout.Hold{s.Holds[0], s.Holds[1]}
			s.Holds[0].Until = time.Time{}
		},
		"another stage": func(s *rollout.State) {
			s.Holds = []rollout.Hold{s.Holds[0], s.Holds[1]}
			s.Holds[1].Stage = "apps"
		},
		"a taint less":     func(s *rollout.State) { s.Taints = nil },
		"taint as cleared": func(s *rollout.State) { s.Taints, s.Cleared = s.Cleared, s.Taints },
		"no arrivals":      func(s *rollout.State) { s.Arrivals = nil },
	} {
		s := marked
		change(&s)
		d := digest(s)
		if other, ok := seen[d]; ok {
			t.Errorf("%q and %q have one digest", name, other)
		}
		seen[d] = name
	}

	files := draft(t, marked)
	files["README.md"] = []byte("of another version")
	if got := (ledger.Ledger{}).Digest(files); got != digest(marked) {
		t.Errorf("the README changes the digest: %s", got)
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
		"a field it does not know": {`{"version":1,"pauses":[]}`, `unknown field "pauses"`},
		"one in an arrival":        {`{"version":1,"arrivals":{"main":[{"revision":"` + string(one) + `","at":"2026-03-02T08:00:00Z","by":"x"}]}}`, `unknown field "by"`},
		"VERSION":                  {`{"VERSION":1}`, `"VERSION" is not how the key "version" is spelled`},
		"version and VERSION":      {`{"version":1,"VERSION":1}`, `"VERSION" is not how the key "version" is spelled`},
		"At in an arrival":         {`{"version":1,"arrivals":{"main":[{"revision":"` + string(one) + `","At":"2026-03-02T08:00:00Z"}]}}`, `"At" is not how the key "at" is spelled`},
		"a branch twice":           {`{"version":1,"arrivals":{"main":[],"main":[]}}`, `"main" is there twice`},
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

// TestMarksRefused: whatever no rollout can have written may hide a hold.
func TestMarksRefused(t *testing.T) {
	const (
		hold = `{"by":"ada","reason":"x","at":"2026-03-02T08:00:00Z"}`
		mark = `{"commit":"1111111111111111111111111111111111111111","by":"ada","reason":"x","at":"2026-03-02T08:00:00Z"}`
	)
	edit := strings.NewReplacer
	for name, c := range map[string]struct{ fields, says string }{
		"a hold that is none":     {`"holds":[null]`, "holds, number 1: it does not say by whom"},
		"holds that are no list":  {`"holds":` + hold, `"holds" cannot be a object`},
		"nobody's hold":           {`"holds":[` + hold + "," + edit(`"ada"`, `""`).Replace(hold) + `]`, "holds, number 2: it does not say by whom"},
		"a blank's hold":          {`"holds":[` + edit(`"ada"`, `" \n"`).Replace(hold) + `]`, "it does not say by whom"},
		"a hold since ever":       {`"holds":[{"by":"ada","reason":"x"}]`, "it speaks of 0001-01-01"},
		"a hold of the year 9999": {`"holds":[` + edit("2026", "9999").Replace(hold) + `]`, "it speaks of 9999-03-02"},
		"until the year 9999":     {`"holds":[` + edit("}", `,"until":"9999-12-31T23:59:59Z"}`).Replace(hold) + `]`, "it speaks of 9999-12-31"},
		"until the year 1":        {`"holds":[` + edit("}", `,"until":"0001-01-01T00:00:01Z"}`).Replace(hold) + `]`, "it speaks of 0001-01-01"},
		"until soon":              {`"holds":[` + edit("}", `,"until":"soon"}`).Replace(hold) + `]`, "soon"},
		"a hold by a number":      {`"holds":[` + edit(`"ada"`, "7").Replace(hold) + `]`, `"by" cannot be a number`},
		"a hold with more to it":  {`"holds":[` + edit("}", `,"unless":"x"}`).Replace(hold) + `]`, `unknown field "unless"`},
		"an endless reason":       {`"holds":[` + edit("x", strings.Repeat("x", 4001)).Replace(hold) + `]`, "holds, number 1: it has a text of 4001 bytes"},
		"an endless name":         {`"holds":[` + edit("ada", strings.Repeat("é", 2001)).Replace(hold) + `]`, "it has a text of 4002 bytes"},
		"too many holds":          {`"holds":[` + strings.Repeat(hold+",", 10_000) + hold + `]`, "it has 10001 holds"},
		"holds twice":             {`"holds":[` + hold + `],"holds":[]`, `"holds" is there twice`},
		"Holds beside holds":      {`"holds":[` + hold + `],"Holds":[]`, `"Holds" is not how the key "holds" is spelled`},
		"a long s":                {`"holds":[` + hold + `],"holdſ":[]`, `"holdſ" is not how the key "holds" is spelled`},
		"the same, escaped":       {`"holds":[` + hold + `],"hold\u017f":[]`, `is not how the key "holds" is spelled`},
		"two stages of a hold":    {`"holds":[` + edit("}", `,"stage":"apps","Stage":"other"}`).Replace(hold) + `]`, `"Stage" is not how the key "stage" is spelled`},
		"a hold By somebody":      {`"holds":[` + edit(`"by"`, `"By"`).Replace(hold) + `]`, `"By" is not how the key "by" is spelled`},
		"a Commit":                {`"taints":[` + edit(`"commit"`, `"Commit"`).Replace(mark) + `]`, `"Commit" is not how the key "commit" is spelled`},
		"an end twice":            {`"holds":[` + edit("}", `,"by":"eve"}`).Replace(hold) + `]`, `"by" is there twice`},
		"what is not UTF-8":       {`"holds":[` + edit("ada", "\xff").Replace(hold) + `]`, "it is not UTF-8"},
		"a taint that is none":    {`"taints":[null]`, "taints, number 1: "},
		"a taint of a prefix":     {`"taints":[` + edit(string(one), "1111111").Replace(mark) + `]`, `"1111111" is not a commit`},
		"one in upper case":       {`"taints":[` + edit(string(one), strings.Repeat("A", 40)).Replace(mark) + `]`, "is not in lower case"},
		"nobody's taint":          {`"taints":[` + edit("ada", "").Replace(mark) + `]`, "it does not say by whom"},
		"a taint since ever":      {`"taints":[` + edit(`,"at":"2026-03-02T08:00:00Z"`, "").Replace(mark) + `]`, "it speaks of 0001-01-01"},
		"an endless taint":        {`"taints":[` + edit(`"x"`, `"`+strings.Repeat("x", 4001)+`"`).Replace(mark) + `]`, "taints, number 1: it has a text of 4001 bytes"},
		"a taint that runs out":   {`"taints":[` + edit("}", `,"until":"2026-03-02T08:00:00Z"}`).Replace(mark) + `]`, `unknown field "until"`},
		"tainted twice":           {`"taints":[` + mark + "," + mark + `]`, "taints, number 2: 1111111 is marked already"},
		"cleared twice":           {`"cleared":[` + mark + "," + mark + `]`, "cleared, number 2: 1111111 is marked already"},
		"tainted and cleared":     {`"taints":[` + mark + `],"cleared":[` + mark + `]`, "cleared, number 1: 1111111 is marked already"},
		"too many taints":         {`"taints":[` + strings.Repeat(mark+",", 10_000) + mark + `]`, "it has 10001 taints"},
		"too many cleared":        {`"cleared":[` + strings.Repeat(mark+",", 10_000) + mark + `]`, "it has 10001 cleared"},
	} {
		t.Run(name, func(t *testing.T) {
			state := []byte(`{"version":1,` + c.fields + `}`)
			s, err := ledger.Ledger{}.State(map[string][]byte{ledger.StateFile: state})
			if !errors.Is(err, rollout.ErrLedger) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("State: %v, want %q", err, c.says)
			}
			if diff := cmp.Diff(rollout.State{}, s); diff != "" {
				t.Errorf("a damaged state says something all the same:\n%s", diff)
			}
		})
	}
}

func TestManyMarks(t *testing.T) {
	var s rollout.State
	for i := range 10_000 {
		s.Holds = append(s.Holds, lifted[1])
		s.Taints = append(s.Taints, rollout.Mark{Commit: rollout.SHA(fmt.Sprintf("%040x", i)), By: "ada", At: at})
		s.Cleared = append(s.Cleared, rollout.Mark{Commit: rollout.SHA(fmt.Sprintf("f%039x", i)), By: "ada", At: at})
	}
	got, err := ledger.Ledger{}.State(draft(t, s))
	if err != nil || len(got.Holds) != 10_000 || len(got.Taints) != 10_000 || len(got.Cleared) != 10_000 {
		t.Errorf("%d holds, %d taints, %d cleared, %v", len(got.Holds), len(got.Taints), len(got.Cleared), err)
	}
}

// What could not be read again is not written: it would stop all promotions.
func TestDraftRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		state rollout.State
		says  string
	}{
		"nobody's hold":      {rollout.State{Holds: []rollout.Hold{{At: at}}}, "it does not say by whom"},
		"an endless reason":  {rollout.State{Holds: []rollout.Hold{{By: "ada", Reason: strings.Repeat("x", 4001), At: at}}}, "it has a text of 4001 bytes"},
		"what becomes one":   {rollout.State{Holds: []rollout.Hold{{By: strings.Repeat("\xff", 1334), At: at}}}, "it has a text of 4002 bytes"},
		"a hold too many":    {rollout.State{Holds: make([]rollout.Hold, 10_001)}, "it has 10001 holds"},
		"tainted twice":      {rollout.State{Taints: []rollout.Mark{marked.Taints[0], marked.Taints[0]}}, "1111111 is marked already"},
		"an arrival of 0001": {rollout.State{Arrivals: map[string][]rollout.Arrival{"main": {{Revision: one}}}}, "an arrival on main: it speaks of 0001"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ledger.Ledger{}.Draft(override, c.state)
			if !errors.Is(err, rollout.ErrRefused) || !strings.Contains(err.Error(), c.says) || d.Message != "" || d.Files != nil {
				t.Errorf("%+v, %v, want %q", d, err, c.says)
			}
		})
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":1,"arrivals":{"main":[{"revision":"` + string(one) + `","at":"2026-03-02T08:00:00Z"}]}}`))
	f.Add([]byte(`{"version":1,"holds":[{"stage":"apps","by":"bob","reason":"x","at":"2026-03-02T08:00:00Z","until":"2026-03-02T09:00:00Z"}]}`))
	f.Add([]byte(`{"version":1,"taints":[{"commit":"` + string(one) + `","by":"a","reason":"","at":"2026-03-02T08:00:00Z"}],"cleared":[]}`))
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

// FuzzMarks: what is written reads back, and what would not is not written.
func FuzzMarks(f *testing.F) {
	f.Add("apps", "ada", "x\nRollout-Entry: {}", int64(1772438400))
	f.Add("\xff", "\u202e", "\u2028\ufeff\\u0041\x7f", int64(0))
	f.Fuzz(func(t *testing.T, stage, by, reason string, until int64) {
		s := rollout.State{
			Holds:  []rollout.Hold{{Stage: stage, By: by, Reason: reason, At: at, Until: time.Unix(until, 0).UTC()}},
			Taints: []rollout.Mark{{Commit: one, By: by, Reason: reason, At: at}},
		}
		d, err := ledger.Ledger{}.Draft(override, s)
		if errors.Is(err, rollout.ErrRefused) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := ledger.Ledger{}.State(d.Files)
		if err != nil {
			t.Fatal(err)
		}
		asWritten := cmp.Transformer("asWritten", func(text string) []rune { return []rune(text) })
		if diff := cmp.Diff(s, got, asWritten); diff != "" {
			t.Errorf("it reads back differently (-want +got):\n%s", diff)
		}
	})
}
