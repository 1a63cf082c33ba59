package hostiletest

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	renderer "github.com/yuin/goldmark/renderer/html"
	goldtext "github.com/yuin/goldmark/text"
	"golang.org/x/net/html"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
	"github.com/monosense/k8s-ops/rollout/rollouttest/hostile"
)

// A drawing is what was shown, by the medium.
type drawing map[medium]string

// A medium is what something is shown on, and so what has to hold of it.
type medium string

const (
	asText     medium = "text"     // on a terminal or in a log, whose rules both hold
	asNarrow   medium = "narrow"   // a terminal that breaks what does not fit
	asColoured medium = "coloured" // a terminal with colours
	asPipe     medium = "pipe"     // to a program: it may be a spreadsheet
	asMarkdown medium = "markdown" // a job's summary
	asCells    medium = "cells"    // texts that others put on one line each
	asError    medium = "error"    // what mage says
	asCommands medium = "commands" // annotations of a workflow's run
	asJSON     medium = "JSON"
	asSARIF    medium = "SARIF"
	asXML      medium = "SVG"
	asHTML     medium = "HTML"
	asMetrics  medium = "metrics"
)

// rules say what is wrong with what a text has made of a medium, beside what a tame one
// has made of it.
var rules = map[medium]func(text string, tame, wild drawing) []string{
	asText:     func(_ string, _, wild drawing) []string { return plain(wild[asText]) },
	asNarrow:   func(_ string, _, wild drawing) []string { return plain(wild[asNarrow]) },
	asError:    func(_ string, _, wild drawing) []string { return unforged(wild[asError], '\n') },
	asColoured: coloured,
	asPipe:     func(_ string, tame, wild drawing) []string { return piped(tame[asPipe], wild[asPipe]) },
	asCells:    func(_ string, _, wild drawing) []string { return cells(wild[asCells]) },
	asMarkdown: func(_ string, tame, wild drawing) []string { return marked(tame[asMarkdown], wild[asMarkdown]) },
	asCommands: func(_ string, tame, wild drawing) []string { return commands(tame[asCommands], wild[asCommands]) },
	asJSON:     func(text string, tame, wild drawing) []string { return object(text, tame[asJSON], wild[asJSON]) },
	asSARIF:    func(text string, tame, wild drawing) []string { return sarif(text, tame[asSARIF], wild[asSARIF]) },
	asXML:      func(_ string, tame, wild drawing) []string { return picture(tame[asXML], wild[asXML]) },
	asHTML:     func(_ string, tame, wild drawing) []string { return page(tame[asHTML], wild[asHTML]) },
	asMetrics:  func(_ string, tame, wild drawing) []string { return metrics(tame[asMetrics], wild[asMetrics]) },
}

// document is an output that draws a document, and so on every page.
func document(draw func(*maker) report.Document) output {
	return func(t *testing.T, m *maker) drawing {
		d := draw(m)
		on := func(p report.Page) string { return write(t, func(w io.Writer) error { return d.Draw(w, p) }) }
		return drawing{
			asText: on(report.Page{}), asNarrow: on(report.Terminal(40)), asColoured: on(report.Terminal(40).Coloured()), asPipe: on(report.Pipe()),
			asMarkdown: write(t, d.WriteMarkdown),
		}
	}
}

// written is an output of one medium.
func written(as medium, show func(*maker, io.Writer) error) output {
	return func(t *testing.T, m *maker) drawing {
		return drawing{as: write(t, func(w io.Writer) error { return show(m, w) })}
	}
}

// said is an output of texts that are safe on one line each.
func said(texts func(*maker) []string) output {
	return func(_ *testing.T, m *maker) drawing { return drawing{asCells: strings.Join(texts(m), "\n")} }
}

func write(t *testing.T, show func(io.Writer) error) string {
	t.Helper()
	var b strings.Builder
	if err := show(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// unforged is that nothing in a text is obeyed by a terminal or by a workflow's runner.
func unforged(text string, but ...rune) []string {
	var wrong []string
	if unseen := hostile.Unseen(text, but...); unseen != "" {
		wrong = append(wrong, "there is "+unseen)
	}
	for _, line := range hostile.Orders(text) {
		wrong = append(wrong, fmt.Sprintf("it gives the order %q", line))
	}
	return wrong
}

// plain is also that no line is somebody's own.
func plain(text string) []string {
	wrong := unforged(text, '\n')
	for _, line := range hostile.Lines(text) {
		wrong = append(wrong, fmt.Sprintf("it forges the line %q", line))
	}
	return wrong
}

// cells are on one line each: the line breaks are the test's own.
func cells(text string) []string { return unforged(text, '\n') }

// coloured is that the colours are the page's own: without them it is the same text.
func coloured(_ string, _, wild drawing) []string {
	if _, text := hostile.Colours(wild[asColoured]); trailing.ReplaceAllString(text, "") != trailing.ReplaceAllString(wild[asNarrow], "") {
		return []string{"with colours it says something else"}
	}
	return nil
}

// trailing are blanks that nobody sees: those with a colour are left at the end of a line.
var trailing = regexp.MustCompile(`(?m) +$`)

// piped is that tables have their own cells and no others, of which no program works
// anything out.
func piped(tame, wild string) []string {
	wrong := unforged(wild, '\n', '\t')
	if want, got := tabs(tame), tabs(wild); !slices.Equal(want, got) {
		wrong = append(wrong, fmt.Sprintf("its rows have %v tabs, want %v", got, want))
	}
	for line := range strings.Lines(wild) {
		for cell := range strings.SplitSeq(strings.TrimSuffix(line, "\n"), "\t") {
			if strings.Contains(line, "\t") && worksOut(cell) {
				wrong = append(wrong, fmt.Sprintf("a spreadsheet works out %q", cell))
			}
		}
	}
	return wrong
}

func tabs(text string) []int {
	var all []int
	for line := range strings.Lines(text) {
		if n := strings.Count(line, "\t"); n > 0 {
			all = append(all, n)
		}
	}
	return all
}

// worksOut tells whether a spreadsheet takes a cell for a formula: a number is none,
// and what stands for one neither.
func worksOut(cell string) bool {
	_, err := strconv.ParseFloat(cell, 64)
	first, size := utf8.DecodeRuneInString(cell)
	return err != nil && strings.ContainsRune("=+-@＝＋－＠", first) && len(cell) > size
}

var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote), goldmark.WithRendererOptions(renderer.WithUnsafe()))

// mention is a name that GitHub tells of a mention.
var mention = regexp.MustCompile(`@[A-Za-z0-9]`)

// marked is that Markdown is drawn with the same elements, and mentions nobody.
func marked(tame, wild string) []string {
	var wrong []string
	if unseen := hostile.Unseen(wild, '\n', '\u200b'); unseen != "" {
		wrong = append(wrong, "there is "+unseen)
	}
	for _, raw := range rawHTML(wild) {
		wrong = append(wrong, fmt.Sprintf("it has the HTML %q", raw))
	}
	want, _ := elements(rendered(tame), isAddress)
	got, texts := elements(rendered(wild), isAddress)
	if diff := cmp.Diff(want, got); diff != "" {
		wrong = append(wrong, "it is drawn with other elements:\n"+diff)
	}
	for _, text := range texts {
		if mention.MatchString(text) {
			wrong = append(wrong, fmt.Sprintf("it mentions somebody: %q", text))
		}
	}
	return wrong
}

func rendered(source string) string {
	var b strings.Builder
	_ = markdown.Convert([]byte(source), &b) // to memory
	return b.String()
}

// rawHTML is the HTML in a Markdown text, but for the breaks of lines.
func rawHTML(source string) []string {
	var all []string
	_ = ast.Walk(markdown.Parser().Parse(goldtext.NewReader([]byte(source))), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		var text string
		switch n := n.(type) {
		case *ast.RawHTML:
			text = string(n.Segments.Value([]byte(source)))
		case *ast.HTMLBlock:
			text = string(n.Lines().Value([]byte(source)))
		}
		if entering && text != "" && text != "<br>" {
			all = append(all, text)
		}
		return ast.WalkContinue, nil
	})
	return all
}

// elements are a page's, with the names of their attributes, but for those to be passed
// over, and its texts but for those of code.
func elements(page string, passed func(*html.Node) bool) (all, texts []string) {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return []string{err.Error()}, nil
	}
	for n := range root.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data != "code":
			texts = append(texts, n.Data)
		case n.Type == html.CommentNode:
			all = append(all, "a comment")
		case n.Type == html.ElementNode && n.Data != "br" && !passed(n):
			all = append(all, described(n))
		}
	}
	return all, texts
}

// described is an element, and where it leads.
func described(n *html.Node) string {
	text := n.Data
	for _, a := range n.Attr {
		text += " " + a.Key
		if slices.Contains([]string{"href", "src", "style", "action"}, a.Key) || strings.HasPrefix(a.Key, "on") {
			text += "=" + a.Val
		}
	}
	return text
}

// isAddress tells of a link that says where it leads, on the web. GitHub makes one of an
// address wherever it stands.
func isAddress(n *html.Node) bool {
	if n.Data != "a" || len(n.Attr) != 1 || n.FirstChild == nil || n.FirstChild != n.LastChild {
		return false
	}
	leads, err := url.PathUnescape(n.Attr[0].Val)
	says := n.FirstChild.Data
	return err == nil && (strings.HasPrefix(leads, "https://") || strings.HasPrefix(leads, "http://")) &&
		(leads == says || leads == "http://"+says)
}

// isNone tells of no element that it is to be passed over.
func isNone(*html.Node) bool { return false }

// page is that HTML has the same elements, with the same attributes.
func page(tame, wild string) []string {
	var wrong []string
	if unseen := hostile.Unseen(wild, '\n'); unseen != "" {
		wrong = append(wrong, "there is "+unseen)
	}
	want, _ := elements(tame, isNone)
	got, _ := elements(wild, isNone)
	if diff := cmp.Diff(want, got); diff != "" {
		wrong = append(wrong, "it has other elements:\n"+diff)
	}
	return wrong
}

// picture is that XML is well formed, with the same elements.
func picture(tame, wild string) []string {
	wrong := unforged(wild, '\n')
	want, _ := tags(tame)
	got, err := tags(wild)
	if err != nil {
		wrong = append(wrong, "it is not well formed: "+err.Error())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		wrong = append(wrong, "it has other elements:\n"+diff)
	}
	return wrong
}

func tags(picture string) (all []string, err error) {
	for d := xml.NewDecoder(strings.NewReader(picture)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if start, ok := token.(xml.StartElement); ok {
			text := start.Name.Local
			for _, a := range start.Attr {
				text += " " + a.Name.Local
			}
			all = append(all, text)
		}
	}
}

// command is an annotation, as the toolkit gives it.
var command = regexp.MustCompile(`^::(error|warning) file=[^:,\n]*(,line=\d+)?,title=[a-z-]+::`)

// breaks is how often the runner breaks a line of an annotation.
func breaks(text string) int {
	orders := strings.Join(hostile.Orders(text), "")
	return strings.Count(orders, "%0A") + strings.Count(orders, "%0D")
}

// commands are those of a clean run, with the same number of lines, also within them.
func commands(tame, wild string) []string {
	var wrong []string
	if unseen := hostile.Unseen(wild, '\n'); unseen != "" {
		wrong = append(wrong, "there is "+unseen)
	}
	if want, got := strings.Count(tame, "\n"), strings.Count(wild, "\n"); want != got {
		wrong = append(wrong, fmt.Sprintf("it has %d lines, want %d", got, want))
	}
	if want, got := breaks(tame), breaks(wild); want != got {
		wrong = append(wrong, fmt.Sprintf("its annotations have %d breaks, want %d", got, want))
	}
	for i, line := range hostile.Orders(wild) {
		if !command.MatchString(line) || i >= len(hostile.Orders(tame)) {
			wrong = append(wrong, fmt.Sprintf("it gives the order %q", line))
		}
	}
	return wrong
}

// object is that JSON has the same shape, and the text in it where the tame one was.
func object(text, tame, wild string) []string {
	wrong := unforged(wild, '\n')
	var want, got any
	if err := errors.Join(json.Unmarshal([]byte(tame), &want), json.Unmarshal([]byte(wild), &got)); err != nil {
		return append(wrong, err.Error())
	}
	return append(wrong, differs("", string([]rune(text)), want, got)...)
}

// differs says where two objects do, but for the text.
func differs(at, text string, tame, wild any) []string {
	var wrong []string
	switch tame := tame.(type) {
	case map[string]any:
		other, _ := wild.(map[string]any)
		if len(other) != len(tame) {
			return []string{fmt.Sprintf("%s has the fields %v, want %v", at, other, tame)}
		}
		for key := range tame {
			wrong = append(wrong, differs(at+"."+key, text, tame[key], other[key])...)
		}
	case []any:
		other, _ := wild.([]any)
		if len(other) != len(tame) {
			return []string{fmt.Sprintf("%s has %d elements, want %d", at, len(other), len(tame))}
		}
		for i := range tame {
			wrong = append(wrong, differs(fmt.Sprintf("%s[%d]", at, i), text, tame[i], other[i])...)
		}
	case string:
		if strings.HasSuffix(at, ".subject") {
			text = rollout.Commit{Message: text}.Subject()
		}
		if tame == hostile.Tame().Text && wild != text {
			wrong = append(wrong, fmt.Sprintf("%s is %q, want %q", at, wild, text))
		}
	}
	return wrong
}

// sarif is that a log has no links, and the same shape; of its texts, controls are left
// out.
func sarif(text, tame, wild string) []string {
	wrong := slices.DeleteFunc(object(text, tame, wild), func(one string) bool { return strings.Contains(one, ", want \"") })
	for _, message := range sarifText.FindAllString(wild, -1) {
		if strings.Contains(message, "](") {
			wrong = append(wrong, "it has the link "+message)
		}
	}
	return wrong
}

// sarifText is a message, in which SARIF knows links.
var sarifText = regexp.MustCompile(`"text": "(\\.|[^"\\])*"`)

// value is that of a label.
var value = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// metrics are the same samples, of other names.
func metrics(tame, wild string) []string {
	if diff := cmp.Diff(value.ReplaceAllString(tame, `""`), value.ReplaceAllString(wild, `""`)); diff != "" {
		return []string{"it has other samples:\n" + diff}
	}
	return nil
}
