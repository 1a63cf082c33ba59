package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// root is the repository's, seen from this package.
const root = "../../.."

// A page is one Markdown file.
type page struct {
	// path is relative to the repository's root.
	path string
	text string
	// prose is the text without what stands in fenced blocks.
	prose  string
	blocks []block
}

// A block is what stands between two fences.
type block struct {
	// info is what follows the opening fence: "sh", "yaml plan".
	info string
	text string
	line int
}

func (p page) at(line int) string { return fmt.Sprintf("%s:%d", p.path, line) }

// readPage reads one page.
func readPage(t *testing.T, path string) page {
	t.Helper()
	text := readFile(t, path)
	p := page{path: path, text: text}
	var prose strings.Builder
	var open *block
	indent := ""
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimLeft(line, " ")
		switch info, fence := strings.CutPrefix(trimmed, "```"); {
		case fence && open == nil:
			open = &block{info: strings.TrimSpace(info), line: i + 2}
			indent = line[:len(line)-len(trimmed)]
		case fence:
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		default:
			prose.WriteString(line + "\n")
		}
	}
	if open != nil {
		t.Fatalf("%s: the block is never closed", p.at(open.line))
	}
	p.prose = prose.String()
	return p
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pages are README.md and everything below docs/.
func pages(t *testing.T) []page {
	t.Helper()
	all := []page{readPage(t, "README.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err == nil {
			all = append(all, readPage(t, filepath.ToSlash(relative)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var headingLine = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)

// headings are the texts of all headings, in order.
func (p page) headings() []string {
	var found []string
	for _, match := range headingLine.FindAllStringSubmatch(p.prose, -1) {
		found = append(found, match[1])
	}
	return found
}

// section is what stands under a heading, up to the next one of its level or
// above. A line in a block is no heading, whatever it begins with.
func (p page) section(t *testing.T, heading string) string {
	t.Helper()
	level := strings.Index(heading, " ")
	var section strings.Builder
	inside, fenced := false, false
	for line := range strings.Lines(p.text) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "```") {
			fenced = !fenced
		}
		isHeading := !fenced && headingLine.MatchString(line)
		switch {
		case isHeading && strings.TrimSpace(line) == heading:
			inside = true
		case isHeading && strings.Index(line, " ") <= level:
			inside = false
		case inside:
			section.WriteString(line)
		}
	}
	if section.Len() == 0 {
		t.Fatalf("%s has nothing under %q", p.path, heading)
	}
	return section.String()
}

// anchors are the fragments by which GitHub lets the headings be linked: in
// lower case, without punctuation, with a number where one comes again.
func (p page) anchors() map[string]bool {
	found := map[string]bool{}
	seen := map[string]int{}
	for _, heading := range p.headings() {
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, heading)
		if n := seen[slug]; n > 0 {
			found[fmt.Sprintf("%s-%d", slug, n)] = true
		} else {
			found[slug] = true
		}
		seen[slug]++
	}
	return found
}

// firstCells are the first cells of a section's table rows, without backticks.
func firstCells(section string) []string {
	var cells []string
	for line := range strings.Lines(section) {
		rest, isRow := strings.CutPrefix(line, "| ")
		if !isRow {
			continue
		}
		cell, _, _ := strings.Cut(rest, " |")
		cells = append(cells, strings.ReplaceAll(cell, "`", ""))
	}
	return cells
}

// readmeBlock is the README's first block of a kind that contains a text.
func readmeBlock(t *testing.T, info, text string) string {
	t.Helper()
	for _, b := range readPage(t, "README.md").blocks {
		if b.info == info && strings.Contains(b.text, text) {
			return b.text
		}
	}
	t.Fatalf("README.md has no block of %q with %q", info, text)
	return ""
}
