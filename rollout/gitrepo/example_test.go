package gitrepo_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
)

// A remote is any Git repository: here an empty one, by its path.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "k8s-ops.git")
	if err := exec.CommandContext(context.Background(), "git", "init", "--quiet", "--bare", path).Run(); err != nil {
		fmt.Println(err)
		return
	}
	remote, err := gitrepo.Open(gitrepo.Options{URL: path, Name: "Ada", Email: "ada@example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	o, err := remote.Observe(context.Background(), rollout.Query{Branches: []string{"main"}, Ledger: "rollout/ledger"})
	fmt.Println(len(o.Heads), o.Viewer, err)
	// Output: 0 Ada <ada@example.com> <nil>
}
