package flux

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/fluxcd/pkg/sourceignore/gitignore"
	"sigs.k8s.io/kustomize/api/konfig"
)

// An artifact is what source-controller packs of the tree, and so all that
// kustomize-controller has: neither what a .sourceignore or spec.ignore of the
// GitRepository names, nor, where there is none of these, pictures, archives and
// the files of CI systems (source-controller, gitrepository_controller.go;
// fluxcd/pkg artifact/storage, SourceIgnoreFilter).
type artifact struct {
	*tree
	// ignore is the GitRepository's spec.ignore, and extra the patterns in it.
	ignore string
	extra  []gitignore.Pattern
	// versionControl is never packed, and byDefault neither where nothing says
	// what to ignore.
	versionControl, byDefault gitignore.Matcher

	mu sync.Mutex
	// patterns are those of the .sourceignore files that can match in a
	// directory, in the order in which source-controller loads them, and
	// matchers match them.
	patterns map[string][]gitignore.Pattern
	matchers map[string]gitignore.Matcher
	// left tells of each name that was asked for whether it is left out.
	left map[string]bool
	// ignored tells whether a .sourceignore anywhere has a pattern. It takes a
	// walk over the whole tree, so it is looked for when it matters.
	ignored func() bool
}

var errIgnored = errors.New("left out of what Flux packs")

// artifact is the view of the tree through a spec.ignore.
func (t *tree) artifact(ignore string) *artifact {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.artifacts[ignore]; ok {
		return known
	}
	a := &artifact{
		tree: t, ignore: ignore, extra: sourceignore.ReadPatterns(strings.NewReader(ignore), nil),
		versionControl: sourceignore.NewMatcher(sourceignore.VCSPatterns(nil)),
		byDefault:      sourceignore.NewMatcher(sourceignore.DefaultPatterns(nil)),
		patterns:       map[string][]gitignore.Pattern{}, matchers: map[string]gitignore.Matcher{}, left: map[string]bool{},
		ignored: sync.OnceValue(t.hasPatterns),
	}
	t.artifacts[ignore] = a
	return a
}

func (t *tree) hasPatterns() bool {
	found := false
	_ = fs.WalkDir(t.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // what cannot be read ignores nothing
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case !entry.IsDir() && entry.Name() == sourceignore.IgnoreFile && len(t.patternsOf(path.Dir(name), nil)) > 0:
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// patternsOf reads the .sourceignore of a directory. It may be a link within the
// tree: source-controller reads the checkout, and not yet what it packs of it.
func (t *tree) patternsOf(dir string, domain []string) []gitignore.Pattern {
	if _, ok := t.listing(dir).types[sourceignore.IgnoreFile]; !ok {
		return nil
	}
	name := filepath.FromSlash(path.Join(dir, sourceignore.IgnoreFile))
	if info, err := t.root.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	content, err := t.root.ReadFile(name)
	if err != nil {
		return nil
	}
	return sourceignore.ReadPatterns(bytes.NewReader(content), domain)
}

// stat tells the type of what has a name. It is errIgnored for what is not
// packed.
func (a *artifact) stat(name string) (fs.FileMode, error) {
	name = path.Clean(name)
	mode, err := a.tree.stat(name)
	if err == nil && a.leavesOut(name, mode.IsDir()) && !(mode.IsDir() && a.packsBelow(name)) {
		return 0, &fs.PathError{Op: "look at", Path: name, Err: errIgnored}
	}
	return mode, err
}

func (a *artifact) read(name string) ([]byte, error) {
	if _, err := a.stat(name); err != nil {
		return nil, err
	}
	return a.tree.read(name)
}

// packsBelow tells whether anything in a directory is packed that is itself left
// out: a pattern may take back what another one says of the whole directory.
func (a *artifact) packsBelow(dir string) bool {
	for base, mode := range a.listing(dir).types {
		name := path.Join(dir, base)
		if (mode.IsRegular() || mode.IsDir()) && !a.leavesOut(name, mode.IsDir()) || mode.IsDir() && a.packsBelow(name) {
			return true
		}
	}
	return false
}

// leavesOut asks the patterns once for each name.
func (a *artifact) leavesOut(name string, isDir bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	left, ok := a.left[name]
	if !ok {
		left = a.matches(name, isDir)
		a.left[name] = left
	}
	return left
}

func (a *artifact) matches(name string, isDir bool) bool {
	if name == "." {
		return false
	}
	parts := strings.Split(name, "/")
	if matcher := a.matcherIn(path.Dir(name)); matcher != nil {
		return matcher.Match(parts, isDir)
	}
	// Any .sourceignore anywhere replaces the defaults everywhere.
	return a.versionControl.Match(parts, isDir) || a.byDefault.Match(parts, isDir) && !a.ignored()
}

// matcherIn is nil where nothing that can match in a directory says what to
// ignore.
func (a *artifact) matcherIn(dir string) gitignore.Matcher {
	if known, ok := a.matchers[dir]; ok {
		return known
	}
	var matcher gitignore.Matcher
	if patterns := slices.Concat(a.patternsIn(dir), a.extra); len(patterns) > 0 {
		matcher = sourceignore.NewMatcher(append(sourceignore.VCSPatterns(nil), patterns...))
	}
	a.matchers[dir] = matcher
	return matcher
}

// patternsIn are those of the .sourceignore files in a directory and above it:
// one of another directory cannot match here.
func (a *artifact) patternsIn(dir string) []gitignore.Pattern {
	if known, ok := a.patterns[dir]; ok {
		return known
	}
	var domain []string
	var found []gitignore.Pattern
	if dir != "." {
		domain, found = strings.Split(dir, "/"), a.patternsIn(path.Dir(dir))
	}
	found = append(slices.Clip(found), a.patternsOf(dir, domain)...)
	a.patterns[dir] = found
	return found
}

// kustomizationsIn lists the kustomization files of a directory, also those
// that are links or not packed.
func (a *artifact) kustomizationsIn(dir string) []string {
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := path.Join(dir, name)
		if _, err := a.stat(file); err == nil || errors.Is(err, errLink) || errors.Is(err, errIgnored) {
			found = append(found, file)
		}
	}
	return found
}
