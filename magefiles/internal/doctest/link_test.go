package doctest

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	inlineCode = regexp.MustCompile("`[^`]*`")
	link       = regexp.MustCompile(`\]\(([^()\s]+)\)`)
)

func TestLinksResolve(t *testing.T) {
	for _, p := range pages(t) {
		found := link.FindAllStringSubmatch(inlineCode.ReplaceAllString(p.prose, ""), -1)
		for _, match := range found {
			checkLink(t, p, match[1])
		}
	}
}

func checkLink(t *testing.T, p page, target string) {
	t.Helper()
	u, err := url.Parse(target)
	switch {
	case err != nil:
		t.Errorf("%s: the link %s is none: %v", p.path, target, err)
		return
	case u.IsAbs():
		if u.Scheme != "https" {
			t.Errorf("%s: the link %s is not https", p.path, target)
		}
		return
	}
	to := p.path
	if u.Path != "" {
		to = path.Join(path.Dir(p.path), u.Path)
	}
	if _, err := os.Stat(filepath.Join(root, to)); err != nil {
		t.Errorf("%s: the link %s leads nowhere: there is no %s", p.path, target, to)
		return
	}
	if u.Fragment != "" && (path.Ext(to) != ".md" || !readPage(t, to).anchors()[u.Fragment]) {
		t.Errorf("%s: the link %s leads nowhere: %s has no such heading", p.path, target, to)
	}
}

// Every page can be found from the README, in as many steps as it takes.
func TestEveryPageIsLinked(t *testing.T) {
	known := map[string]page{}
	for _, p := range pages(t) {
		known[p.path] = p
	}
	reached := map[string]bool{}
	var visit func(p page)
	visit = func(p page) {
		if reached[p.path] {
			return
		}
		reached[p.path] = true
		for _, match := range link.FindAllStringSubmatch(p.prose, -1) {
			file, _, _ := strings.Cut(match[1], "#")
			if next, ok := known[path.Join(path.Dir(p.path), file)]; ok && file != "" {
				visit(next)
			}
		}
	}
	visit(known["README.md"])
	for name := range known {
		if !reached[name] {
			t.Errorf("no link leads to %s", name)
		}
	}
}

func TestAnchors(t *testing.T) {
	p := page{prose: "# The rules of `verify:branches`\n## Not a fast-forward, diverged\n## Again\n## Again\n"}
	anchors := p.anchors()
	for _, want := range []string{"the-rules-of-verifybranches", "not-a-fast-forward-diverged", "again", "again-1"} {
		if !anchors[want] {
			t.Errorf("there is no anchor %s in %v", want, anchors)
		}
	}
}
