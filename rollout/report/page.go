package report

import (
	"io"
	"strings"

	"github.com/cli/go-gh/v2/pkg/text"
)

// A Page is what a document is drawn on as text. The zero value is a log, for people
// who read it later, in a window of any width: no colour, and tables as wide as they
// need to be.
type Page struct {
	// columns is how wide it is, zero where lines may have any length.
	columns int
	// tabs stand between the cells of a table, which has all of its rows.
	tabs bool
	// spoken pages have nothing that is only to be looked at.
	spoken bool
	// ink is nil for one colour.
	ink func(t Tone, text string) string
}

// textColumns is where text is wrapped that could have any length: longer lines
// are hard to read.
const textColumns = 96

// Pipe is for programs: the cells of a table have one tab between them, and none
// of its rows is left out.
func Pipe() Page { return Page{tabs: true, spoken: true} }

// Terminal is so many columns wide. What does not fit is not cut: a table that is
// too wide becomes a list.
func Terminal(columns int) Page { return Page{columns: columns} }

// Coloured says with colours, too, what words say.
func (p Page) Coloured() Page {
	p.ink = crayon
	return p
}

// Spoken leaves out the bars, which a screen reader reads character by character.
func (p Page) Spoken() Page {
	p.spoken = true
	return p
}

// draw draws a text in a tone.
func (p Page) draw(t Tone, text string) string {
	if p.ink == nil || text == "" {
		return text
	}
	return p.ink(t, text)
}

// room is how many columns are left for text beside so many that are taken.
func (p Page) room(taken int) int {
	room := textColumns
	if p.columns > 0 {
		room = min(room, p.columns)
	}
	return max(room-taken, leastRoom)
}

// leastRoom keeps text readable on a terminal that is narrower than anything that
// stands beside it.
const leastRoom = 20

// Draw draws the document on a page.
func (d Document) Draw(w io.Writer, p Page) error {
	var b strings.Builder
	for i, block := range d.blocks {
		if _, ok := block.(heading); i > 0 && (ok || isTable(d.blocks[i-1])) {
			b.WriteString("\n")
		}
		block.text(&b, p)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func isTable(b block) bool {
	_, ok := b.(table)
	return ok
}

// WriteText draws the document for a log.
func (d Document) WriteText(w io.Writer) error { return d.Draw(w, Page{}) }

// width is how many columns of a terminal a text takes.
func width(s string) int { return text.DisplayWidth(s) }

// padded is a text with spaces after it, up to a width.
func padded(s string, columns int) string { return text.PadRight(columns, s) }
