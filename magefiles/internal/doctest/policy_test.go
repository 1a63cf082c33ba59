package doctest

import (
	"encoding/xml"
	"fmt"
	"go/ast"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const policyPage = "docs/policy.md"

// The gates stand on the page in the order in which a verdict names them.
func TestPolicyPageHasEveryGate(t *testing.T) {
	section := readPage(t, policyPage).section(t, "## Which gate comes first, and what an override goes through")
	if diff := cmp.Diff(constants(t, "rollout/entry.go", "Gate"), rows(section)); diff != "" {
		t.Errorf("%s, the gates (-want +got):\n%s", policyPage, diff)
	}
}

// rows are the first cells of a section's tables, without their headers.
func rows(section string) []string {
	cells := firstCells(section)
	var below []string
	for i, cell := range cells {
		header := i+1 < len(cells) && strings.Trim(cells[i+1], "-") == ""
		if !header && strings.Trim(cell, "-") != "" {
			below = append(below, cell)
		}
	}
	return below
}

// guard is a test function, and the file that it stands in.
var guard = regexp.MustCompile("\\[`(Test[A-Za-z0-9_]+)`\\]\\(([^)]+\\.go)\\)")

// Every invariant of the page names a test that there is, and every property
// test guards one.
func TestEveryInvariantIsGuarded(t *testing.T) {
	section := readPage(t, policyPage).section(t, "## What always holds, and which test guards it")
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| ---") && !strings.HasPrefix(line, "| what ") && !guard.MatchString(line) {
			t.Errorf("%s: no test guards that: %s", policyPage, strings.TrimSpace(line))
		}
	}
	found := guard.FindAllStringSubmatch(section, -1)
	if len(found) == 0 {
		t.Fatalf("%s names no test", policyPage)
	}
	var named []string
	for _, match := range found {
		file := path.Join(path.Dir(policyPage), match[2])
		if !slices.Contains(testFunctions(t, file), match[1]) {
			t.Errorf("%s: there is no %s in %s", policyPage, match[1], file)
		}
		named = append(named, match[1])
	}
	for _, name := range propertyTests(t) {
		if !slices.Contains(named, name) {
			t.Errorf("%s does not say what %s guards", policyPage, name)
		}
	}
}

// propertyTests are the tests of package rollout that check a property.
func propertyTests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "rollout", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		for _, f := range tests(t, path.Join("rollout", filepath.Base(file))) {
			if callsRapid(f) {
				names = append(names, f.Name.Name)
			}
		}
	}
	if len(names) == 0 {
		t.Fatal("package rollout has no property tests")
	}
	return names
}

func callsRapid(f *ast.FuncDecl) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "Check" {
			of, ok := call.X.(*ast.Ident)
			found = found || ok && of.Name == "rapid"
		}
		return true
	})
	return found
}

// testFunctions are the names of a file's tests.
func testFunctions(t *testing.T, file string) []string {
	t.Helper()
	var names []string
	for _, f := range tests(t, file) {
		names = append(names, f.Name.Name)
	}
	return names
}

func tests(t *testing.T, file string) []*ast.FuncDecl {
	t.Helper()
	var found []*ast.FuncDecl
	for _, declaration := range parseFile(t, file).Decls {
		if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
			found = append(found, f)
		}
	}
	return found
}

// The numbers beside the picture are the ones in it.
func TestBacktestIsToldAsItIsDrawn(t *testing.T) {
	var picture struct {
		Description string `xml:"desc"`
	}
	if err := xml.Unmarshal([]byte(readFile(t, "docs/img/backtest.svg")), &picture); err != nil {
		t.Fatal(err)
	}
	section := readPage(t, policyPage).section(t, "## Beside what people use")
	told := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 8 || !strings.HasPrefix(line, "| `") {
			continue
		}
		for i, cell := range cells {
			cells[i] = strings.Trim(cell, " `")
		}
		told++
		policy := regexp.MustCompile(regexp.QuoteMeta(cells[0]) + `, [^:]*: ` + regexp.QuoteMeta(fmt.Sprintf(
			"median %s · 95%% within %s · longest %s; %s un-soaked revisions, %s known-bad commits, %s blocked days, %s overrides needed",
			cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7])))
		if !policy.MatchString(picture.Description) {
			t.Errorf("%s tells of %s what the picture does not show: %v\n%s", policyPage, cells[0], cells[1:], picture.Description)
		}
	}
	if policies := strings.Count(picture.Description, "overrides needed"); told != policies || told == 0 {
		t.Errorf("%s tells of %d policies, and the picture shows %d", policyPage, told, policies)
	}
	count := regexp.MustCompile(`(\d+) commits arrived; reverted at some time: (\d+)`).FindStringSubmatch(picture.Description)
	if count == nil || !strings.Contains(section, fmt.Sprintf("Of %s commits %s are reverted", count[1], count[2])) {
		t.Errorf("%s does not say how many commits there are, and how many are reverted: %v", policyPage, count)
	}
}
