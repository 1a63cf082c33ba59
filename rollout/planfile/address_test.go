package planfile

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
)

func TestRepository(t *testing.T) {
	git := func(url string) rollout.Repository {
		return rollout.Repository{URL: url, Forge: rollout.ForgeGit}
	}
	gitHub := func(url, host string) rollout.Repository {
		return rollout.Repository{URL: url, Forge: rollout.ForgeGitHub, Host: host, Owner: "monosense", Name: "k8s-ops"}
	}
	const onGitHub = "https://github.com/monosense/k8s-ops.git"
	others := Options{GitHubHosts: []string{"", "GHE.example.com", "127.0.0.1:8443"}}

	tests := []struct {
		address, forge string
		want           rollout.Repository
	}{
		// One repository on GitHub, however it is spelled.
		{"https://github.com/monosense/k8s-ops", "", gitHub(onGitHub, "github.com")},
		{"https://github.com/monosense/k8s-ops.git", "", gitHub(onGitHub, "github.com")},
		{"https://github.com/monosense/k8s-ops/", "", gitHub(onGitHub, "github.com")},
		{"https://GitHub.com/monosense/k8s-ops", "", gitHub(onGitHub, "github.com")},
		{"https://www.github.com/monosense/k8s-ops", "", gitHub(onGitHub, "github.com")},
		{"ssh://git@github.com/monosense/k8s-ops.git", "", gitHub(onGitHub, "github.com")},
		{"ssh://git@ssh.github.com:443/monosense/k8s-ops.git", "", gitHub(onGitHub, "github.com")},
		{"git@github.com:monosense/k8s-ops.git", "", gitHub(onGitHub, "github.com")},

		// Other hosts that are GitHub.
		{"https://acme.ghe.com/monosense/k8s-ops", "", gitHub("https://acme.ghe.com/monosense/k8s-ops.git", "acme.ghe.com")},
		{"git@ghe.example.com:monosense/k8s-ops", "", gitHub("https://ghe.example.com/monosense/k8s-ops.git", "ghe.example.com")},
		{"https://127.0.0.1:8443/monosense/k8s-ops", "", gitHub("https://127.0.0.1:8443/monosense/k8s-ops.git", "127.0.0.1:8443")},
		{"https://git.example.com/monosense/k8s-ops", "github", gitHub("https://git.example.com/monosense/k8s-ops.git", "git.example.com")},
		{"http://github.localhost/monosense/k8s-ops", "github", gitHub("http://github.localhost/monosense/k8s-ops.git", "github.localhost")},

		// Everything else is what a Git client is given.
		{"https://github.com/monosense/k8s-ops", "git", git("https://github.com/monosense/k8s-ops")},
		{"https://git.example.com/team/sub/k8s-ops.git", "", git("https://git.example.com/team/sub/k8s-ops.git")},
		{"https://notghe.com/monosense/k8s-ops", "", git("https://notghe.com/monosense/k8s-ops")},
		{"https://github.com.example.com/monosense/k8s-ops", "", git("https://github.com.example.com/monosense/k8s-ops")},
		{"ssh://git@git.example.com:2222/srv/k8s-ops.git", "", git("ssh://git@git.example.com:2222/srv/k8s-ops.git")},
		{"ssh://[::1]:2222/srv/k8s-ops.git", "", git("ssh://[::1]:2222/srv/k8s-ops.git")},
		{"git@git.example.com:k8s-ops.git", "", git("git@git.example.com:k8s-ops.git")},
		{"http://127.0.0.1:3000/k8s-ops.git", "", git("http://127.0.0.1:3000/k8s-ops.git")},
		{"http://localhost/k8s-ops.git", "", git("http://localhost/k8s-ops.git")},
		{"file:///srv/k8s-ops.git", "", git("file:///srv/k8s-ops.git")},
		{"/srv/git/k8s-ops.git/", "", git("/srv/git/k8s-ops.git")},
		{"/srv/my repositories/k8s-ops.git", "", git("/srv/my repositories/k8s-ops.git")},
		{"./k8s-ops.git", "", git("/home/ops/checkout/k8s-ops.git")},
		{"../k8s-ops.git", "", git("/home/ops/k8s-ops.git")},
	}
	for _, test := range tests {
		t.Run(test.address+" "+test.forge, func(t *testing.T) {
			plan := strings.Replace(head, "https://github.com/monosense/k8s-ops", strconv.Quote(test.address), 1) + stages
			if test.forge != "" {
				plan += "forge: " + test.forge + "\n"
			}
			file, err := Parse("/home/ops/checkout/clusters/rollout.yaml", []byte(plan), others)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, file.Plan.Repository); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A relative path means the same from wherever the plan is read.
func TestRelativePathIsAbsolute(t *testing.T) {
	plan := strings.Replace(head, "https://github.com/monosense/k8s-ops", "./k8s-ops.git", 1) + stages
	want, err := filepath.Abs("k8s-ops.git")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"clusters/rollout.yaml", "./clusters/rollout.yaml", "clusters/../clusters/rollout.yaml"} {
		file, err := Parse(name, []byte(plan), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := file.Plan.Repository.URL; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestForgeDoesNotFitAddress(t *testing.T) {
	for address, want := range map[string]Error{
		"/srv/k8s-ops.git":              {File: "file", Line: 1, Column: 13, Message: "repository is no repository on GitHub", Hint: notGitHub},
		"https://git.example.com/a/b/c": {File: "file", Line: 1, Column: 13, Message: "repository is no repository on GitHub", Hint: notGitHub},
	} {
		t.Run(address, func(t *testing.T) {
			wantOne(t, strings.Replace(head, "https://github.com/monosense/k8s-ops", strconv.Quote(address), 1)+stages+"forge: github\n", want)
		})
	}
	t.Run("an unknown forge", func(t *testing.T) {
		wantOne(t, head+stages+"forge: gitea\n", Error{
			File: "file", Line: 7, Column: 8,
			Message: `forge is "gitea"`, Hint: "write github or git, or leave the key out",
		})
	})
}
