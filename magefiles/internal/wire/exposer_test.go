package wire

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// tree are two clusters that share a base; apps has something of its own, too.
func tree() map[string]string {
	files := map[string]string{
		"base/a.yaml": configMap("a", "1"), "clusters/apps/flux/own.yaml": configMap("own", "1"),
	}
	for cluster, own := range map[string]string{"infra": "", "apps": ", own.yaml"} {
		files["clusters/"+cluster+"/flux/kustomization.yaml"] = "resources: [../../../base" + own + "]\n"
	}
	files["base/kustomization.yaml"] = "resources: [a.yaml]\n"
	return files
}

func configMap(name, value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: default}\ndata: {v: \"" + value + "\"}\n"
}

// The trees are the repository's own, each is rendered once, and nothing is left
// behind.
func TestExposer(t *testing.T) {
	f := newFleet(t)
	commit := func(files map[string]string) rollout.SHA {
		sha, err := f.repo.Commit("main", rollouttest.Change{Message: "Change", Author: "ben", Files: files})
		if err != nil {
			t.Fatal(err)
		}
		return rollout.SHA(sha)
	}
	from := commit(tree())
	to := commit(map[string]string{"base/a.yaml": configMap("a", "2"), "clusters/apps/flux/own.yaml": configMap("own", "2"), "NOTES.md": "x"})
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	o := f.wired(Access{Token: workflowToken})
	o.Engine.Plan.Stages[0].Clusters, o.Engine.Plan.Stages[1].Clusters = []string{"infra"}, []string{"apps"}
	x := newExposer(o.Engine.History.(*gitrepo.Remote), o.Engine.Plan)
	e, err := x.Expose(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	s := e.Of("apps")
	if !slices.Equal(s.Unexercised(), []string{"clusters/apps/flux/own.yaml"}) || s.FilesExercised() != 50 || s.ObjectsExercised() != 50 || !slices.Equal(e.Unused, []string{"NOTES.md"}) {
		t.Errorf("exposure %+v", e)
	}
	if left, _ := filepath.Glob(filepath.Join(temporary, "*")); len(left) > 0 {
		t.Errorf("it leaves %v behind", left)
	}
	if e, err = x.Expose(t.Context(), to, from); err != nil || e.From != to || len(x.seen) != 2 {
		t.Errorf("the other way round: %v", err)
	}
	gone := rollout.SHA(strings.Repeat("1", 40))
	if _, err := x.Expose(t.Context(), from, gone); err == nil || strings.Contains(err.Error(), workflowToken) {
		t.Errorf("of what nobody has: %v", err)
	}
	if err := os.WriteFile(filepath.Join(temporary, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", filepath.Join(temporary, "file"))
	third := commit(map[string]string{"base/a.yaml": configMap("a", "3")})
	if _, err := x.Expose(t.Context(), from, third); err == nil || !strings.Contains(err.Error(), "render "+third.Short()) {
		t.Errorf("without room: %v", err)
	}
}
