package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/monosense/k8s-ops/rollout"
)

// A Document is what there is to say, before it is drawn.
type Document struct {
	blocks []block
}

// A block is one part of a document, and knows how to draw itself.
type block interface {
	text(w *strings.Builder)
	markdown(w *strings.Builder)
}

// longestLine is how many characters of somebody else's text are shown.
const longestLine = 2000

// Heading adds a heading.
func (d *Document) Heading(format string, args ...any) {
	d.blocks = append(d.blocks, heading(fmt.Sprintf(format, args...)))
}

// Line adds a sentence, or an error with its ways out: line breaks in it are
// kept. So whatever somebody else wrote has to be made one line of before.
func (d *Document) Line(format string, args ...any) {
	d.blocks = append(d.blocks, line(fmt.Sprintf(format, args...)))
}

// Table adds a table. A table without rows is left out.
func (d *Document) Table(head []string, rows [][]string) {
	if len(rows) > 0 {
		d.blocks = append(d.blocks, table{head, rows})
	}
}

// Fact adds a label and what there is to say under it. Facts that follow each
// other stand in line.
func (d *Document) Fact(label, format string, args ...any) {
	one := fact{label, fmt.Sprintf(format, args...)}
	if n := len(d.blocks); n > 0 {
		if above, ok := d.blocks[n-1].(facts); ok {
			d.blocks[n-1] = append(above, one)
			return
		}
	}
	d.blocks = append(d.blocks, facts{one})
}

// WriteText draws the document for a terminal.
func (d Document) WriteText(w io.Writer) error {
	var b strings.Builder
	for i, block := range d.blocks {
		if _, ok := block.(heading); i > 0 && (ok || isTable(d.blocks[i-1])) {
			b.WriteString("\n")
		}
		block.text(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func isTable(b block) bool {
	_, ok := b.(table)
	return ok
}

// WriteMarkdown draws the document as GitHub shows it, in a job's summary.
func (d Document) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	for _, block := range d.blocks {
		block.markdown(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type heading string

func (h heading) text(w *strings.Builder) {
	fmt.Fprintf(w, "%s\n", rollout.Printable(string(h), longestLine))
}

func (h heading) markdown(w *strings.Builder) {
	fmt.Fprintf(w, "### %s\n\n", escape(oneLine(string(h))))
}

type line string

func (l line) text(w *strings.Builder) {
	for part := range strings.SplitSeq(string(l), "\n") {
		fmt.Fprintf(w, "  %s\n", rollout.Printable(part, longestLine))
	}
}

func (l line) markdown(w *strings.Builder) {
	var parts []string
	for part := range strings.SplitSeq(string(l), "\n") {
		parts = append(parts, escapeStart(escape(strings.TrimLeft(part, " "))))
	}
	fmt.Fprintf(w, "%s\n\n", strings.Join(parts, "<br>\n"))
}

// A fact is a label, and what there is to say under it.
type fact struct{ label, text string }

type facts []fact

// labelWidth is the least width of the labels, so that most facts of a document
// stand in line, and textWidth where the text beside them is wrapped.
const (
	labelWidth = 10
	textWidth  = 96
)

func (f facts) text(w *strings.Builder) {
	width := labelWidth
	for _, one := range f {
		width = max(width, utf8.RuneCountInString(one.label))
	}
	indent := strings.Repeat(" ", width+4)
	for _, one := range f {
		for i, part := range wrap(oneLine(one.text), textWidth-width-4) {
			if i == 0 {
				fmt.Fprintf(w, "  %-*s  %s\n", width, one.label, part)
			} else {
				fmt.Fprintf(w, "%s%s\n", indent, part)
			}
		}
	}
}

func (f facts) markdown(w *strings.Builder) {
	for _, one := range f {
		fmt.Fprintf(w, "- **%s**: %s\n", escape(one.label), escape(oneLine(one.text)))
	}
	w.WriteString("\n")
}

// wrap breaks a text into lines, between words. A word that is longer than a
// line stays whole, so that it can be copied.
func wrap(text string, width int) []string {
	var lines []string
	var line string
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, rollout.Printable(line, longestLine))
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, rollout.Printable(line, longestLine))
}

type table struct {
	head []string
	rows [][]string
}

func (t table) text(w *strings.Builder) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(oneLine(cell)))
		}
	}
	for _, row := range append([][]string{t.head}, t.rows...) {
		var b strings.Builder
		for i, cell := range row {
			cell = oneLine(cell)
			fmt.Fprintf(&b, "  %s%s", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		fmt.Fprintf(w, "  %s\n", strings.TrimRight(strings.TrimPrefix(b.String(), "  "), " "))
	}
}

func (t table) markdown(w *strings.Builder) {
	row := func(cells []string) {
		for _, cell := range cells {
			fmt.Fprintf(w, "| %s ", escape(oneLine(cell)))
		}
		w.WriteString("|\n")
	}
	row(t.head)
	w.WriteString(strings.Repeat("| --- ", len(t.head)) + "|\n")
	for _, cells := range t.rows {
		row(cells)
	}
	w.WriteString("\n")
}

// oneLine keeps a cell on its line. The ways out of an error follow it there.
func oneLine(cell string) string {
	return strings.TrimSpace(rollout.OneLine(strings.ReplaceAll(cell, "\n  → ", " → "), longestLine))
}

// escape keeps Markdown and HTML in somebody else's text from being drawn as
// such. An @ is kept from mentioning anybody. A pipe becomes an entity, since
// it ends a table's cell wherever it stands, whatever stands before it.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case strings.ContainsRune("\\`*_{}[]()#+!~$", r):
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '|':
			b.WriteString("&#124;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@':
			b.WriteString("@\u200b")
		default:
			b.WriteString(rollout.Printable(string(r), 1))
		}
	}
	return b.String()
}

// listItem is what makes a list, a rule or a heading of the line that begins
// with it.
var listItem = regexp.MustCompile(`^(\d*)([-=.])`)

// escapeStart keeps the beginning of a line from being more than text.
func escapeStart(text string) string {
	return listItem.ReplaceAllString(text, `$1\$2`)
}
