package board

import (
	"encoding/json"
	"html/template"
	"slices"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// A trail is the audit trail: as data for the script, and its newest entries for
// whoever runs none.
type trail struct {
	Data   template.JS
	Newest []report.Entry
	Kinds  []string
	Stages []string
	Count  int
	// Left is how many of the oldest entries are left out.
	Left int
}

// mostBytes is how large the data of a trail may be: a page is to open at once, on a
// telephone, too.
const mostBytes = 1_700_000

// newestShown is how many entries whoever runs no script sees.
const newestShown = 50

// encoded is the data of a trail. Of ten thousand entries much is the same: a word
// that comes again is a number, and so is a moment.
type encoded struct {
	// Words are those that rows have by their place here.
	Words []string `json:"words"`
	// Rows are when, in minutes since 1970, and null where nothing says so; what,
	// stage, by and kind as places; moved and why.
	Rows [][7]any `json:"rows"`

	places map[string]int
}

// place is a word's, which gets one if it has none.
func (e *encoded) place(word string) int {
	place, known := e.places[word]
	if !known {
		place = len(e.Words)
		e.places[word], e.Words = place, append(e.Words, word)
	}
	return place
}

func (e *encoded) row(r rollout.Record, told report.Entry) [7]any {
	var when any
	if r.Damaged == "" {
		when = r.At.Unix() / 60
	}
	return [7]any{when, e.place(told.What), e.place(told.Stage), e.place(told.By), e.place(told.Kind), told.Moved, told.Why}
}

func newTrail(records []rollout.Record) trail {
	t := trail{Count: len(records)}
	data := encoded{Words: []string{}, Rows: [][7]any{}, places: map[string]int{}}
	size := 0
	for _, r := range records {
		e := report.Told(r)
		words := len(data.Words)
		row := data.row(r, e)
		for _, part := range append([]any{row}, anys(data.Words[words:])...) {
			size += len(encode(part)) + 1
		}
		if size > mostBytes {
			break
		}
		data.Rows = append(data.Rows, row)
		t.note(e)
	}
	t.Left = len(records) - len(data.Rows)
	slices.Sort(t.Kinds)
	slices.Sort(t.Stages)
	t.Data = encode(data)
	return t
}

// encode is JSON that no text in it can end the element of: <, > and & are escaped.
func encode(value any) template.JS {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings and numbers have no error
	}
	return template.JS(data) //nolint:gosec // see above
}

func anys(words []string) []any {
	all := make([]any, len(words))
	for i, word := range words {
		all[i] = word
	}
	return all
}

// note keeps an entry's kind and stage for the filters, and the newest entries.
func (t *trail) note(e report.Entry) {
	if len(t.Newest) < newestShown {
		t.Newest = append(t.Newest, e)
	}
	if !slices.Contains(t.Kinds, e.Kind) {
		t.Kinds = append(t.Kinds, e.Kind)
	}
	if e.Stage != "" && !slices.Contains(t.Stages, e.Stage) {
		t.Stages = append(t.Stages, e.Stage)
	}
}
