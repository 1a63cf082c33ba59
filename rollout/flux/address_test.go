package flux

import (
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

func TestAddressesOfOneRepository(t *testing.T) {
	want, ok := planned(rollout.Repository{Forge: rollout.ForgeGitHub, Host: "github.com", Owner: "monosense", Name: "k8s-ops"})
	if !ok {
		t.Fatal("the plan's repository has no address")
	}
	for remote, same := range map[string]bool{
		"https://github.com/monosense/k8s-ops":              true,
		"https://github.com/monosense/k8s-ops.git":          true,
		"https://github.com/monosense/k8s-ops.GIT":          true,
		"https://github.com/monosense/k8s-ops/":             true,
		"https://github.com//monosense//k8s-ops.git/":       true,
		"HTTPS://GitHub.COM/Monosense/K8S-ops":              true,
		"https://www.github.com/monosense/k8s-ops":          true,
		"https://github.com./monosense/k8s-ops":             true,
		"https://github.com:443/monosense/k8s-ops":          true,
		"https://token@github.com/monosense/k8s-ops":        true,
		"https://me:secret@github.com/monosense/k8s-ops":    true,
		"https://github.com/mono%73ense/k8s-ops":            true,
		"http://github.com/monosense/k8s-ops":               true,
		"ssh://git@github.com/monosense/k8s-ops.git":        true,
		"ssh://github.com/monosense/k8s-ops.git":            true,
		"ssh://git@github.com:22/monosense/k8s-ops.git":     true,
		"ssh://git@ssh.github.com:443/monosense/k8s-ops":    true,
		"git@github.com:monosense/k8s-ops.git":              true,
		"github.com:monosense/k8s-ops":                      true,
		"git+ssh://git@github.com/monosense/k8s-ops":        true,
		"  https://github.com/monosense/k8s-ops ":           true,
		"https://github.com/monosense/k8s-ops-2":            false,
		"https://github.com/monosense/k8s":                  false,
		"https://github.com/other/k8s-ops":                  false,
		"https://github.com/monosense/k8s-ops/wiki":         false,
		"https://gitlab.com/monosense/k8s-ops":              false,
		"https://github.com.example.com/monosense/k8s-ops":  false,
		"https://example.com/github.com/monosense/k8s-ops":  false,
		"https://github.com:8443/monosense/k8s-ops":         false,
		"/srv/git/monosense/k8s-ops.git":                    false,
		"./k8s-ops":                                         false,
		"file:///github.com/monosense/k8s-ops":              false,
		"":                                                  false,
		"https://":                                          false,
		"https://git hub.com/monosense/k8s-ops":             false,
		"https://github.com@example.com/monosense/k8s-ops":  false,
		"https://example.com\\@github.com/monosense/k8s-op": false,
	} {
		got, ok := parseAddress(remote)
		if (ok && got.same(want)) != same {
			t.Errorf("%q: same repository = %v (%+v), want %v", remote, !same, got, same)
		}
	}
}

func TestRedactHidesCredentials(t *testing.T) {
	for remote, want := range map[string]string{
		"https://token@github.com/a/b":        "https://redacted@github.com/a/b",
		"https://me:secret@github.com/a/b":    "https://redacted@github.com/a/b",
		"ssh://git:secret@github.com/a/b":     "ssh://redacted@github.com/a/b",
		"ssh://git@github.com/a/b.git":        "ssh://git@github.com/a/b.git",
		"git@github.com:a/b.git":              "git@github.com:a/b.git",
		"https://me:sec ret@github.com/a/%zz": "(a URL that cannot be read)",
	} {
		if got := redact(remote); got != want {
			t.Errorf("redact(%q) = %q, want %q", remote, got, want)
		}
	}
}

func TestRemotePathsAreRecognised(t *testing.T) {
	for written, want := range map[string]bool{
		"https://example.com/a.yaml": true, "HTTP://example.com": true, "https:example.com": true,
		"github.com/a/b": true, "GitHub.com:a/b": true, "git@example.com:a/b": true, "ssh://x/y": true,
		"git::https://x/y": true, "file:///etc": true, "user@host/x": true, "s3::https://x": true,
		"config": false, "../base": false, "./a.yaml": false, "a/github.com/b": false, "häuser.yaml": false,
	} {
		if got := isRemote(written); got != want {
			t.Errorf("isRemote(%q) = %v, want %v", written, got, want)
		}
	}
}
