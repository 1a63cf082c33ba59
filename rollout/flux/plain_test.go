package flux

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/kustomize/api/resource"
)

// A directory that is read without kustomize is what kustomize builds of it: in
// every directory of every fixture that can be read so.
func TestPlainIsWhatIsBuilt(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, name := range names {
		root := t.TempDir()
		for _, from := range []string{"testdata/good.txtar", name} {
			archive, err := txtar.ParseFile(from)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range archive.Files {
				path := filepath.Join(root, filepath.FromSlash(file.Name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, file.Data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		compared += comparePlain(t, name, root)
	}
	if compared < 100 {
		t.Errorf("only %d directories were compared", compared)
	}
}

func comparePlain(t *testing.T, fixture, root string) (compared int) {
	t.Helper()
	tree, err := openTree(root)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.close()
	err = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		name, _ := tree.name(path)
		d := &directory{name: name, artifact: tree.artifact("")}
		if d.survey = surveyDirectory(d.artifact, name, overlay{}); len(d.problems) > 0 {
			return nil
		}
		found, ok := d.readPlain(newParser())
		if !ok {
			return nil
		}
		compared++
		built, err := build(&view{survey: d.survey}, name, "")
		if err != nil {
			t.Errorf("%s: %s is read, and cannot be built: %v", fixture, name, err)
			return nil
		}
		if got, want := textOf(t, found), textOf(t, built.Resources()); got != want {
			t.Errorf("%s: %s is read as\n%s\nand built as\n%s", fixture, name, got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return compared
}

func textOf(t *testing.T, all []*resource.Resource) string {
	t.Helper()
	text := ""
	for _, r := range all {
		written, err := r.AsYAML()
		if err != nil {
			return "broken"
		}
		text += "---\n" + string(written)
	}
	return text
}
