package gitrepo_test

import (
	"path/filepath"
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest/contract"
)

func TestContract(t *testing.T) {
	for name, open := range map[string]func(*testing.T) contract.Fixture{"by its path": byPath, "over http": overHTTP} {
		t.Run(name, func(t *testing.T) {
			contract.TestRemote(t, open)
			contract.TestHistory(t, open)
			contract.TestBranches(t, open)
		})
	}
}

func byPath(t *testing.T) contract.Fixture {
	r := empty(t)
	remote := open(t, r.bare)
	return contract.Fixture{Remote: remote, History: remote, URL: r.bare}
}

func overHTTP(t *testing.T) contract.Fixture {
	r := empty(t)
	s := serve(t, r)
	remote := open(t, s.url())
	return contract.Fixture{Remote: remote, History: remote, URL: s.url()}
}

// empty is a bare repository that nothing was ever pushed to. It offers what
// hosted ones do.
func empty(t testing.TB) *repository {
	t.Helper()
	r := &repository{t: t, bare: filepath.Join(t.TempDir(), "k8s-ops.git")}
	r.in(filepath.Dir(r.bare), "init", "--quiet", "--bare", "--initial-branch", "main", r.bare)
	r.in(r.bare, "config", "uploadpack.allowFilter", "true")
	return r
}
