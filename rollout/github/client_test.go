package github_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

func TestNewRefusesWhatCouldGoAstray(t *testing.T) {
	good := github.Options{Host: "github.com", Owner: "octo-org", Name: "fleet", Token: "t0ken"}
	if _, err := github.New(good); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		change func(*github.Options)
		kind   error
	}{
		{"host with a scheme", func(o *github.Options) { o.Host = "https://github.com" }, rollout.ErrUsage},
		{"host with a path", func(o *github.Options) { o.Host = "evil.example/github.com" }, rollout.ErrUsage},
		{"host with a user", func(o *github.Options) { o.Host = "github.com@evil.example" }, rollout.ErrUsage},
		{"host with a blank", func(o *github.Options) { o.Host = "github.com " }, rollout.ErrUsage},
		{"no owner", func(o *github.Options) { o.Owner = "" }, rollout.ErrUsage},
		{"owner with a slash", func(o *github.Options) { o.Owner = "a/b" }, rollout.ErrUsage},
		{"name that climbs", func(o *github.Options) { o.Name = ".." }, rollout.ErrUsage},
		{"name with a query", func(o *github.Options) { o.Name = "fleet?x=y" }, rollout.ErrUsage},
		{"name that is an option", func(o *github.Options) { o.Name = "-fleet" }, rollout.ErrUsage},
		{"token with a line break", func(o *github.Options) { o.Token = "to\nken" }, rollout.ErrUsage},
		{"no token", func(o *github.Options) { o.Token = "" }, rollout.ErrNotPermitted},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := good
			test.change(&o)
			_, err := github.New(o)
			if !errors.Is(err, test.kind) {
				t.Errorf("error: %v, want kind %q", err, test.kind)
			}
			if o.Token != "" && strings.Contains(err.Error(), o.Token) {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestNothingIsLookedUpInTheEnvironment(t *testing.T) {
	config := t.TempDir()
	hosts := "github.com:\n    oauth_token: theirs\n    api_host: evil.example\n"
	if err := os.WriteFile(filepath.Join(config, "hosts.yml"), []byte(hosts), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GH_CONFIG_DIR", config)
	t.Setenv("GH_HOST", "evil.example")
	t.Setenv("GH_TOKEN", "theirs")
	stderr := os.Stderr
	t.Setenv("GH_DEBUG", "api")
	log, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Stderr = stderr; log.Close() })
	os.Stderr = log
	s := newStage(t, rollouttest.Options{})
	if _, err := s.client.Observe(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	if printed, err := os.ReadFile(log.Name()); err != nil || len(printed) > 0 {
		t.Errorf("printed %q, %v", printed, err)
	}
	for _, request := range s.github.Requests() {
		if request.Login != rollouttest.DefaultLogin {
			t.Errorf("%s %s came as %q", request.Method, request.Path, request.Login)
		}
	}
}

func TestTokenComesFromWhereGhLooks(t *testing.T) {
	t.Setenv("GH_CONFIG_DIR", t.TempDir())
	t.Setenv("GH_PATH", filepath.Join(t.TempDir(), "no-gh"))
	t.Setenv("GH_TOKEN", " first\n")
	t.Setenv("GITHUB_TOKEN", "second")
	t.Setenv("GH_ENTERPRISE_TOKEN", "third")
	t.Setenv("GITHUB_ENTERPRISE_TOKEN", "")
	for host, want := range map[string][2]string{
		"github.com":         {"first", "GH_TOKEN"},
		"octo.ghe.com":       {"first", "GH_TOKEN"},
		"github.example.com": {"third", "GH_ENTERPRISE_TOKEN"},
	} {
		if token, source := github.Token(host); token != want[0] || source != want[1] {
			t.Errorf("Token(%s) = %q from %q, want %q from %q", host, token, source, want[0], want[1])
		}
	}
	t.Setenv("GH_TOKEN", "")
	if token, source := github.Token("github.com"); token != "second" || source != "GITHUB_TOKEN" {
		t.Errorf("Token = %q from %q", token, source)
	}
}
