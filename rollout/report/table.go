package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cli/go-gh/v2/pkg/tableprinter"
)

// rowsShown is how many rows of a long table are shown: its beginning and its end.
const rowsShown = 20

// A table says something of several things. Columns with some names are drawn in
// their own way.
type table struct {
	head []string
	rows [][]string
	long bool
}

// The columns that are drawn in a way of their own.
const (
	// A soaked cell is how much of a soak is over, in percent.
	soakedColumn = "SOAKED"
	// A state begins with the word that gives it its tone.
	stateColumn = "STATE"
)

func (t table) text(w *strings.Builder, p Page) {
	switch {
	case p.tabs:
		t.tabs(w)
	case p.columns > 0 && t.width(p)+2 > p.columns:
		t.list(w, p)
	default:
		t.grid(w, p)
	}
}

// tabs writes all rows, for programs.
func (t table) tabs(w *strings.Builder) {
	out := tableprinter.New(w, false, 0)
	for _, row := range slices.Concat([][]string{t.head}, t.rows) {
		for _, cell := range row {
			out.AddField(literal(oneLine(cell)))
		}
		out.EndRow()
	}
}

// formula is what a spreadsheet takes for the beginning of one, also in its wide forms
// (https://owasp.org/www-community/attacks/CSV_Injection).
const formula = "=+-@＝＋－＠"

// literal keeps a spreadsheet, into which somebody pastes a table or reads it, from
// working a cell out: an apostrophe before it says that it is text. A number is one
// anyway, and so is a sign alone.
func literal(cell string) string {
	first, size := utf8.DecodeRuneInString(cell)
	if !strings.ContainsRune(formula, first) || len(cell) == size {
		return cell
	}
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	return "'" + cell
}

// shown are the rows that people are shown.
func (t table) shown() [][]string {
	if !t.long || len(t.rows) <= rowsShown {
		return t.rows
	}
	left := len(t.rows) - rowsShown
	gap := make([]string, len(t.head))
	gap[0], gap[1] = "…", fmt.Sprintf("and %d more", left)
	return slices.Concat(t.rows[:rowsShown/2], [][]string{gap}, t.rows[rowsShown/2+left:])
}

// gap stands between the columns.
const gap = 2

// grid writes rows below each other.
func (t table) grid(w *strings.Builder, p Page) {
	var lines strings.Builder
	out := tableprinter.New(&lines, true, t.width(p))
	for i, row := range slices.Concat([][]string{t.head}, t.shown()) {
		for column, cell := range row {
			colour := func(text string) string { return p.draw(t.tone(i, column, cell), text) }
			out.AddField(t.cell(p, column, cell), tableprinter.WithTruncate(nil), tableprinter.WithColor(colour))
		}
		out.EndRow()
	}
	_ = out.Render() // to memory
	for line := range strings.Lines(lines.String()) {
		fmt.Fprintf(w, "  %s\n", strings.TrimRight(line, " \n"))
	}
}

// list writes each row as a paragraph, below what all of them are: what it is about,
// and then the rest.
func (t table) list(w *strings.Builder, p Page) {
	fmt.Fprintf(w, "  %s\n", p.draw(faint, t.head[0]))
	first := 0
	for _, row := range t.shown() {
		first = max(first, width(oneLine(row[0])))
	}
	indent := strings.Repeat(" ", first+2*gap)
	for _, row := range t.shown() {
		name := p.draw(t.toneOfRow(row), padded(oneLine(row[0]), first+gap))
		fmt.Fprintf(w, "  %s%s\n", name, p.draw(strong, oneLine(row[1])))
		for _, line := range fill(t.rest(p, row), p.room(len(indent))) {
			fmt.Fprintf(w, "%s%s\n", indent, line)
		}
	}
}

// rest names what a row says besides the first two cells.
func (t table) rest(p Page, row []string) []string {
	var parts []string
	for column := 2; column < len(row); column++ {
		if cell := t.cell(p, column, row[column]); cell != "" {
			parts = append(parts, strings.ToLower(t.head[column])+" "+cell)
		}
	}
	return parts
}

// fill sets parts behind each other, as many as a line takes. Only a part that is
// longer than a line is broken.
func fill(parts []string, columns int) []string {
	var lines []string
	for i, part := range parts {
		if i < len(parts)-1 {
			part += ";"
		}
		last := len(lines) - 1
		if last >= 0 && width(lines[last])+1+width(part) <= columns {
			lines[last] += " " + part
			continue
		}
		lines = append(lines, wrap(part, columns)...)
	}
	return lines
}

// width is how wide the rows are below each other.
func (t table) width(p Page) int {
	widths := make([]int, len(t.head))
	for i, cell := range t.head {
		widths[i] = width(cell)
	}
	for _, row := range t.shown() {
		for column, cell := range row {
			widths[column] = max(widths[column], width(t.cell(p, column, cell)))
		}
	}
	all := gap * (len(widths) - 1)
	for _, one := range widths {
		all += one
	}
	return all
}

// cell is what stands in a cell.
func (t table) cell(p Page, column int, text string) string {
	text = oneLine(text)
	if !p.spoken && t.head[column] == soakedColumn {
		return bar(text)
	}
	return text
}

// barWidth is how many characters a bar has.
const barWidth = 10

// bar draws so many percent, which it repeats.
func bar(percent string) string {
	n, err := strconv.Atoi(strings.TrimSuffix(percent, "%"))
	if err != nil {
		return percent
	}
	full := min(max(n, 0), 100) * barWidth / 100
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full) + " " + percent
}

// tone is that of a cell, the head's being row 0.
func (t table) tone(row, column int, text string) Tone {
	switch {
	case row == 0:
		return faint
	case t.head[column] == stateColumn:
		return toneOf(text)
	default:
		return usual
	}
}

// toneOfRow is that of the row's state, if it has one.
func (t table) toneOfRow(row []string) Tone {
	if column := slices.Index(t.head, stateColumn); column >= 0 {
		return toneOf(row[column])
	}
	return usual
}

func (t table) markdown(w *strings.Builder) {
	row := func(cells []string) {
		for column, cell := range cells {
			fmt.Fprintf(w, "| %s ", escape(t.cell(Page{}, column, cell)))
		}
		w.WriteString("|\n")
	}
	row(t.head)
	w.WriteString(strings.Repeat("| --- ", len(t.head)) + "|\n")
	for _, cells := range t.shown() {
		row(cells)
	}
	w.WriteString("\n")
}

// percent is a share, rounded down: what is not over is never a hundred.
func percent(share float64) string {
	return fmt.Sprintf("%d%%", int(share*100))
}
