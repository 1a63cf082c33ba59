package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// A Document is what there is to say, before it is drawn.
type Document struct {
	blocks []block
	// zone is where whoever reads it is. Default is UTC.
	zone *time.Location
}

// A block is one part of a document, and knows how to draw itself.
type block interface {
	text(w *strings.Builder, p Page)
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
		d.blocks = append(d.blocks, table{head: head, rows: rows})
	}
}

// LongTable adds a table of which people are shown the beginning and the end, if it
// is long.
func (d *Document) LongTable(head []string, rows [][]string) {
	if len(rows) > 0 {
		d.blocks = append(d.blocks, table{head: head, rows: rows, long: true})
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

// Command adds a command to copy: it is never broken into lines.
func (d *Document) Command(text string) {
	d.blocks = append(d.blocks, command(text))
}

// moment is a moment that somebody waits for, also by the clock on their wall.
func (d *Document) moment(t time.Time) string {
	text := rollout.FormatTime(t)
	if d.zone == nil {
		return text
	}
	there := t.In(d.zone)
	if _, offset := there.Zone(); offset == 0 {
		return text
	}
	return text + there.Format(" (Mon 15:04 MST)")
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

func (h heading) text(w *strings.Builder, p Page) {
	fmt.Fprintf(w, "%s\n", p.draw(strong, rollout.Printable(string(h), longestLine)))
}

func (h heading) markdown(w *strings.Builder) {
	fmt.Fprintf(w, "### %s\n\n", escape(oneLine(string(h))))
}

type line string

func (l line) text(w *strings.Builder, p Page) {
	for part := range strings.SplitSeq(string(l), "\n") {
		part = rollout.Printable(part, longestLine)
		if p.columns == 0 {
			fmt.Fprintf(w, "  %s\n", part)
			continue
		}
		before := len(part) - len(strings.TrimLeft(part, " "))
		for _, one := range wrap(part, p.columns-2-before) {
			fmt.Fprintf(w, "  %s%s\n", part[:before], one)
		}
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
// stand in line.
const labelWidth = 10

func (f facts) text(w *strings.Builder, p Page) {
	columns := labelWidth
	for _, one := range f {
		columns = max(columns, width(one.label))
	}
	indent := strings.Repeat(" ", columns+4)
	for _, one := range f {
		label := p.draw(toneOf(one.label), padded(one.label, columns))
		for i, part := range wrap(oneLine(one.text), p.room(columns+4)) {
			if i == 0 {
				fmt.Fprintf(w, "  %s  %s\n", label, part)
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
func wrap(text string, columns int) []string {
	var lines []string
	var line string
	taken := 0
	for word := range strings.FieldsSeq(text) {
		wide := width(word)
		if line != "" && taken+1+wide > columns {
			lines = append(lines, rollout.Printable(line, longestLine))
			line, taken = "", 0
		}
		if line != "" {
			line, taken = line+" ", taken+1
		}
		line, taken = line+word, taken+wide
	}
	return append(lines, rollout.Printable(line, longestLine))
}

// A command is drawn so that it can be copied.
type command string

func (c command) text(w *strings.Builder, _ Page) {
	fmt.Fprintf(w, "  → %s\n", rollout.OneLine(string(c), longestLine))
}

// markdown puts it between fences that are longer than any in it.
func (c command) markdown(w *strings.Builder) {
	text := rollout.OneLine(string(c), longestLine)
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	fmt.Fprintf(w, "%ssh\n%s\n%s\n\n", fence, text, fence)
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
