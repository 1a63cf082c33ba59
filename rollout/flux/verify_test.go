package flux_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
)

var update = flag.Bool("update", false, "rewrite the findings in testdata")

// plan is the one of this repository: two stages of one cluster each.
func plan() rollout.Plan {
	return rollout.Plan{
		Repository: rollout.Repository{
			URL: "https://github.com/monosense/k8s-ops.git", Forge: rollout.ForgeGitHub,
			Host: "github.com", Owner: "monosense", Name: "k8s-ops",
		},
		Source: rollout.Source{Name: "flux-system", Namespace: "flux-system"},
		Ledger: "rollout/ledger",
		Stages: []rollout.Stage{
			{Name: "infra", Branch: "main", Clusters: []string{"infra"}},
			{Name: "apps", Branch: "release", Clusters: []string{"apps"}},
		},
	}
}

func options(root string) flux.Options {
	return flux.Options{Root: root, Plan: plan(), Helm: "no-such-helm", ClusterLine: func(cluster string) int {
		return map[string]int{"infra": 9, "apps": 13}[cluster]
	}}
}

// good is a tree without findings; the fixtures change files of it.
func good(t testing.TB) map[string]string {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/good.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return files(archive)
}

func files(archive *txtar.Archive) map[string]string {
	found := map[string]string{}
	for _, file := range archive.Files {
		found[file.Name] = string(file.Data)
	}
	delete(found, "findings")
	return found
}

// write puts a tree into a directory. A content that starts with "-> " is the
// target of a symbolic link, and an empty file is left out, so that a fixture
// can remove one.
func write(t *testing.T, tree map[string]string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "repository")
	for name, content := range tree {
		file := filepath.Join(root, filepath.FromSlash(name))
		if strings.TrimSpace(content) == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(strings.TrimSpace(target), file)
		} else {
			err = os.WriteFile(file, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func verify(t *testing.T, options flux.Options) rollout.Verification {
	t.Helper()
	result, err := flux.Verify(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range result.Findings {
		checkFinding(t, options.Root, finding)
	}
	return result
}

// checkFinding checks what holds for every finding: it names a place that
// exists, says what to do, and nothing of this machine.
func checkFinding(t *testing.T, root string, finding rollout.Finding) {
	t.Helper()
	if finding.Message == "" || finding.Fix == "" || finding.File == "" || finding.Cluster == "" {
		t.Errorf("finding without a message, a fix, a file or a cluster: %+v", finding)
	}
	if strings.Contains(finding.Message+finding.Fix+finding.File, root) {
		t.Errorf("finding names the checkout: %+v", finding)
	}
	content, err := os.ReadFile(filepath.Join(root, finding.File))
	if err == nil && finding.Line > strings.Count(string(content), "\n")+1 {
		t.Errorf("finding beyond the end of the file: %+v", finding)
	}
}

func golden(findings []rollout.Finding) string {
	var b strings.Builder
	for _, finding := range findings {
		fmt.Fprintf(&b, "%s:%d: %s", finding.File, finding.Line, finding.Rule)
		if finding.Severity != rollout.SeverityError {
			fmt.Fprintf(&b, " (%s)", finding.Severity)
		}
		fmt.Fprintf(&b, "\n    %s\n", finding.Message)
		if len(finding.Chain) > 1 {
			fmt.Fprintf(&b, "    in %s\n", strings.Join(finding.Chain, " › "))
		}
		for _, related := range finding.Related {
			fmt.Fprintf(&b, "    %s:%d: %s\n", related.File, related.Line, related.Message)
		}
		fmt.Fprintf(&b, "    → %s\n", finding.Fix)
	}
	return b.String()
}

// TestVerify runs the fixtures. The files of each are laid over those of
// good.txtar, and the file `findings` is what has to be found.
func TestVerify(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tree := good(t)
			for file, content := range files(archive) {
				tree[file] = content
			}
			got := golden(verify(t, options(write(t, tree))).Findings)
			compareGolden(t, name, archive, got)
		})
	}
}

func compareGolden(t *testing.T, name string, archive *txtar.Archive, got string) {
	t.Helper()
	for i, file := range archive.Files {
		if file.Name != "findings" {
			continue
		}
		if *update {
			archive.Files[i].Data = []byte(got)
			if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		if diff := cmp.Diff(string(file.Data), got); diff != "" {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
		return
	}
	t.Error("the fixture has no file `findings`")
}
