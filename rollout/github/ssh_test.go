package github_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// meta answers GET /meta, which the stand-in does not have.
type meta struct {
	http.RoundTripper
	status int
	body   string
}

func (m meta) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/meta") || r.Method != http.MethodGet {
		return m.RoundTripper.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: m.status, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(m.body)),
	}, nil
}

func TestHostKeys(t *testing.T) {
	const shown = `{"verifiable_password_authentication":false,"ssh_keys":["ssh-ed25519 AAAA","ssh-rsa BBBB"]}`
	for name, c := range map[string]struct {
		status int
		body   string
		want   []string
		kind   error
	}{
		"github.com":           {200, shown, []string{"ssh-ed25519 AAAA", "ssh-rsa BBBB"}, nil},
		"an Enterprise server": {200, `{"installed_version":"3.19.0"}`, nil, nil},
		"none at all":          {404, `{"message":"Not Found"}`, nil, nil},
		"a bad token":          {401, `{"message":"Bad credentials"}`, nil, rollout.ErrNotPermitted},
		"a web page":           {200, `<html>`, nil, rollout.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			g := rollouttest.New(t, rollouttest.Options{})
			client := newClientOver(t, g, rollouttest.DefaultToken, meta{g.Transport(), c.status, c.body})
			got, err := client.HostKeys(t.Context())
			if c.kind != nil {
				problem(t, err, c.kind, "read the ssh host keys of octo-org/fleet")
			} else if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("host keys (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSSHURL(t *testing.T) {
	for host, want := range map[string]string{
		"github.com":           "ssh://git@github.com/octo-org/fleet.git",
		"octo.ghe.com":         "ssh://octo@octo.ghe.com/octo-org/fleet.git",
		"git.example.com":      "ssh://git@git.example.com/octo-org/fleet.git",
		"git.example.com:8443": "ssh://git@git.example.com/octo-org/fleet.git",
	} {
		c, err := github.New(github.Options{Host: host, Owner: "octo-org", Name: "fleet", Token: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.SSHURL(); got != want {
			t.Errorf("on %s it is %s, want %s", host, got, want)
		}
	}
}
