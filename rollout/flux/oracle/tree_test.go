package oracle

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/rogpeppe/go-internal/txtar"
)

// A tree is the content of a repository's files, by their names. One that begins
// with "-> " is the target of a symbolic link.
type tree map[string]string

// readTree reads a fixture, laid over another tree. An empty file removes one.
func readTree(t *testing.T, name string, over tree) tree {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	found := tree{}
	for name, content := range over {
		found[name] = content
	}
	for _, file := range archive.Files {
		found[file.Name] = string(file.Data)
		if strings.TrimSpace(string(file.Data)) == "" {
			delete(found, file.Name)
		}
	}
	delete(found, "findings")
	return found
}

func (tr tree) write(root string) error {
	for name, content := range tr {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			if err := os.Symlink(strings.TrimSpace(target), file); err != nil {
				return err
			}
			continue
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pack copies what source-controller packs of a checkout: regular files and
// directories that no pattern names (gitrepository_controller.go, reconcileArtifact,
// and fluxcd/pkg artifact/storage, SourceIgnoreFilter and Archive). An ignored
// directory is walked all the same.
func pack(root, ignore, to string) error {
	domain := strings.Split(root, string(filepath.Separator))
	patterns, err := sourceignore.LoadIgnorePatterns(root, domain)
	if err != nil {
		return err
	}
	patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(ignore), domain)...)
	matcher := sourceignore.NewDefaultMatcher(patterns, domain)
	if len(patterns) > 0 {
		matcher = sourceignore.NewMatcher(append(sourceignore.VCSPatterns(domain), patterns...))
	}
	return filepath.Walk(root, func(file string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() && !info.IsDir() || matcher.Match(strings.Split(file, string(filepath.Separator)), info.IsDir()) {
			return nil
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if info.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
}
