package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A patch is what differs between the repository's clusters and those of a fleet.
// Each has to fit: a pattern that nothing matches any more is an error.
type patch struct {
	pattern *regexp.Regexp
	with    string
}

// patch points the clusters at the stand-in, tells them whom to trust there, and makes
// a second of the minute after which they look for something new, or try again. Nothing
// else is changed.
func (f *fleet) patch() error {
	url := f.URL()
	often := patch{regexp.MustCompile(`(?m)^  (interval|retryInterval): 1m$`), "  $1: 1s"}
	files := map[string][]patch{"rollout.yaml": {
		{regexp.MustCompile(`(?m)^repository: \S+$`), "repository: " + strings.TrimSuffix(url, ".git")},
	}}
	for _, name := range []string{infra, apps} {
		for _, kustomization := range kustomizations {
			files[filepath.Join(name, "flux", "config", kustomization+".yaml")] = []patch{often}
		}
		files[filepath.Join(name, "flux", "config", "flux-system.yaml")] = []patch{
			often, {regexp.MustCompile(`(?m)^  url: \S+$`), "  url: " + url},
		}
		files[filepath.Join(name, "flux", "config", "github-status.yaml")] = []patch{
			{regexp.MustCompile(`(?m)^  address: \S+$`), "  address: " + strings.TrimSuffix(url, ".git")},
			{regexp.MustCompile(`(?m)^  secretRef:\n    name: (\S+)$`), "  secretRef:\n    name: $1\n  certSecretRef:\n    name: $1"},
		}
	}
	for path, patches := range files {
		if err := rewrite(filepath.Join(f.work, "clusters", path), patches...); err != nil {
			return err
		}
	}
	return nil
}

// kustomizations are what each cluster applies: the names, and the names of the
// files in flux/config.
var kustomizations = []string{"cluster", "cluster-infrastructure", "cluster-apps", "cluster-local"}

func rewrite(path string, patches ...patch) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, p := range patches {
		if !p.pattern.Match(data) {
			return fmt.Errorf("%s has nothing like %s", path, p.pattern)
		}
		data = p.pattern.ReplaceAll(data, []byte(p.with))
	}
	return os.WriteFile(path, data, 0o644)
}
