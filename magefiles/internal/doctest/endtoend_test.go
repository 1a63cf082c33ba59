package doctest

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What a module below e2e/tools pins: the packages of its `tool` lines, and the
// modules that it requires.
var (
	tool        = regexp.MustCompile(`(?m)^(?:tool |\t)(\w\S+)$`)
	requirement = regexp.MustCompile(`(?m)^(?:require |\t)(\S+) (v\S+)`)
)

// TestVersionsOfRealClusters: the page names the versions that are built.
func TestVersionsOfRealClusters(t *testing.T) {
	section := readPage(t, "docs/testing.md").section(t, "## Real clusters")
	modules, err := filepath.Glob(filepath.Join(root, "e2e", "tools", "*", "go.mod"))
	if err != nil || len(modules) == 0 {
		t.Fatalf("no tool modules found: %v", err)
	}
	for _, path := range modules {
		module := readFile(t, strings.TrimPrefix(path, root+"/"))
		for _, line := range tool.FindAllStringSubmatch(module, -1) {
			version := versionOf(module, line[1])
			row := regexp.MustCompile(`(?m)^\| [^|]*` + regexp.QuoteMeta(programOf(line[1])) + `[^|]* \| ` + regexp.QuoteMeta(version) + ` \|`)
			if version == "" || !row.MatchString(section) {
				t.Errorf("docs/testing.md has no row of %s %s, which %s pins", programOf(line[1]), version, path)
			}
		}
	}
}

// versionOf is that of the module which a package comes from.
func versionOf(module, pkg string) string {
	for _, line := range requirement.FindAllStringSubmatch(module, -1) {
		if pkg == line[1] || strings.HasPrefix(pkg, line[1]+"/") {
			return line[2]
		}
	}
	return ""
}

// programOf is what the program of a package is called.
func programOf(pkg string) string {
	if strings.HasPrefix(pkg, "go.etcd.io/etcd/") {
		return "etcd"
	}
	return pkg[strings.LastIndex(pkg, "/")+1:]
}

// TestScenariosOfRealClustersAreListed: the page lists them all, and no others.
func TestScenariosOfRealClustersAreListed(t *testing.T) {
	section := readPage(t, "docs/testing.md").section(t, "## Real clusters")
	var scenarios []string
	for _, path := range testFiles(t, "e2e", filepath.Join("e2e", "*")) {
		for _, line := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllStringSubmatch(readFile(t, strings.TrimPrefix(path, root+"/")), -1) {
			scenarios = append(scenarios, line[1])
		}
	}
	var listed []string
	for _, cell := range firstCells(section) {
		if strings.HasPrefix(cell, "Test") {
			listed = append(listed, cell)
		}
	}
	slices.Sort(scenarios)
	slices.Sort(listed)
	if len(scenarios) == 0 || !slices.Equal(scenarios, listed) {
		t.Errorf("docs/testing.md lists the scenarios %v; there are %v", listed, scenarios)
	}
}

// testFiles are those of some directories, given as patterns.
func testFiles(t *testing.T, dirs ...string) []string {
	t.Helper()
	var files []string
	for _, dir := range dirs {
		found, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}
