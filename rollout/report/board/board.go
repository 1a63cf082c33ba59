package board

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
)

// A Board is what there is to draw.
type Board struct {
	Status rollout.Status
	// Records are the whole audit trail, newest first.
	Records []rollout.Record
	// Measures are those of the stages that something is promoted into.
	Measures []measure.Stage
}

var (
	//go:embed board.html
	pageText string
	//go:embed board.css
	style string
	//go:embed board.js
	script string

	page = template.Must(template.New("board").Parse(pageText))
)

// A view is what the template fills in.
type view struct {
	Policy     string
	Style      template.CSS
	Script     template.JS
	Repository string
	Address    string
	At         string
	Lanes      []lane
	Measures   []measured
	Taints     []mark
	Trail      trail
}

// Write writes the page.
func Write(w io.Writer, b Board) error {
	v := view{
		// Both are files of this package.
		Style: template.CSS(style), Script: template.JS(script), //nolint:gosec // see above
		Policy:     "default-src 'none'; base-uri 'none'; form-action 'none'; style-src " + digest(style) + "; script-src " + digest(script),
		Repository: rollout.Printable(b.Status.Plan.Repository.Slug(), 200),
		Address:    b.Status.Plan.Repository.Page(),
		At:         rollout.FormatTime(b.Status.At),
		Trail:      newTrail(b.Records),
	}
	for _, s := range b.Status.Stages {
		v.Lanes = append(v.Lanes, newLane(b.Status.At, s))
	}
	for _, m := range b.Status.Taints {
		v.Taints = append(v.Taints, newMark(m))
	}
	for _, m := range b.Measures {
		v.Measures = append(v.Measures, newMeasured(m))
	}
	if err := page.Execute(w, v); err != nil {
		return fmt.Errorf("draw the board: %w", err)
	}
	return nil
}

// digest allows one text by a content security policy
// (https://www.w3.org/TR/CSP3/#framework-directive-source-list).
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// A mark is a commit that an operator tainted.
type mark struct{ Commit, By, Since, Reason string }

func newMark(m rollout.Mark) mark {
	return mark{m.Commit.Short(), rollout.Printable(m.By, 60), rollout.FormatTime(m.At), rollout.OneLine(m.Reason, 300)}
}
