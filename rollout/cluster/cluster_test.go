package cluster_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/cluster"
	"github.com/monosense/k8s-ops/rollout/rollouttest/apiserver"
)

const (
	revision = "release@sha1:1a2b3c4d5e1a2b3c4d5e1a2b3c4d5e1a2b3c4d5e"
	commit   = rollout.SHA("1a2b3c4d5e1a2b3c4d5e1a2b3c4d5e1a2b3c4d5e")
)

// noon is when everything happens here.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

var fleet = rollout.Source{Name: "fleet", Namespace: "flux-system"}

// apps is a cluster with Flux, in which all is well.
func apps(t *testing.T) *apiserver.Server {
	t.Helper()
	s := start(t)
	s.Set(apiserver.GitRepositories, apiserver.GitRepository("fleet", "https://github.com/octo/fleet", "release", revision))
	s.Set(apiserver.Kustomizations,
		apiserver.Kustomization("web", "fleet", revision, apiserver.Ready("True", "ReconciliationSucceeded", "Applied revision: "+revision, 1)),
		apiserver.Kustomization("db", "fleet", revision, apiserver.Ready("False", "HealthCheckFailed", "timeout waiting for: [Deployment/db]", 1)))
	return s
}

func open(t *testing.T, o cluster.Options) *cluster.Clusters {
	t.Helper()
	o.Source, o.Now = fleet, func() time.Time { return noon }
	c, err := cluster.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLook(t *testing.T) {
	s := apps(t)
	c := open(t, cluster.Options{Kubeconfig: kubeconfig(t, map[string]*apiserver.Server{"apps": s})})
	live, err := c.Look(t.Context(), "apps")
	if err != nil {
		t.Fatal(err)
	}
	since := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	want := rollout.LiveCluster{
		Context: "apps", At: noon,
		Source: &rollout.LiveSource{
			Name: "flux-system/fleet", Interval: time.Minute, Revision: revision,
			Ready: rollout.LiveCondition{Known: true, Ready: true, Reason: "Succeeded", Message: "stored artifact", Since: since},
		},
		Applications: []rollout.LiveApplication{
			{
				Namespace: "flux-system", Name: "db", FromSource: true, Applied: revision, Attempted: revision,
				Ready: rollout.LiveCondition{Known: true, Reason: "HealthCheckFailed", Message: "timeout waiting for: [Deployment/db]", Since: since},
			},
			{
				Namespace: "flux-system", Name: "web", FromSource: true, Applied: revision, Attempted: revision,
				Ready: rollout.LiveCondition{Known: true, Ready: true, Reason: "ReconciliationSucceeded", Message: "Applied revision: " + revision, Since: since},
			},
		},
	}
	manifests := live.Manifests
	live.Manifests = nil
	if diff := cmp.Diff(want, live); diff != "" {
		t.Errorf("Look (-want +got):\n%s", diff)
	}
	if len(manifests) != 3 || bytes.Contains(bytes.Join(manifests, nil), []byte("status")) || bytes.Contains(manifests[0], []byte("managedFields")) {
		t.Errorf("the manifests are not what somebody meant: %s", manifests)
	}
	if live.Source.Revision.Commit() != commit {
		t.Errorf("the commit is %q", live.Source.Revision.Commit())
	}
	for _, asked := range s.Asked() {
		if !strings.HasPrefix(asked, "GET ") {
			t.Errorf("a look does %s", asked)
		}
	}
}

// What Flux said of an earlier generation, or says while it works, says nothing of
// the object as it is.
func TestConditions(t *testing.T) {
	for name, c := range map[string]struct {
		condition apiserver.Object
		known, ok bool
	}{
		"ready":          {apiserver.Ready("True", "", "", 1), true, true},
		"not ready":      {apiserver.Ready("False", "", "", 1), true, false},
		"working":        {apiserver.Ready("Unknown", "Progressing", "", 1), false, false},
		"of another one": {apiserver.Ready("True", "", "", 0), false, true},
		"of another":     {apiserver.Object{"type": "Healthy", "status": "True"}, false, false},
		"not a mapping":  {nil, false, false},
	} {
		s := apps(t)
		s.Set(apiserver.Kustomizations, apiserver.Kustomization("web", "fleet", revision, c.condition))
		live, err := open(t, cluster.Options{Kubeconfig: kubeconfig(t, map[string]*apiserver.Server{"apps": s})}).Look(t.Context(), "apps")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := live.Applications[0].Ready; got.Known != c.known || got.Ready != c.ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Whatever version is served, in whatever pages, with whatever else there is.
func TestLookTakesClustersAsTheyAre(t *testing.T) {
	s := apps(t)
	s.Page = 1
	older := "source.toolkit.fluxcd.io/v1beta2/gitrepositories"
	s.Drop(apiserver.GitRepositories)
	s.Set(older, apiserver.GitRepository("fleet", "https://github.com/octo/fleet", "release", revision))
	s.Set("fluxcd.controlplane.io/v1/fluxinstances", apiserver.Object{"apiVersion": "fluxcd.controlplane.io/v1", "kind": "FluxInstance", "metadata": apiserver.Object{"name": "flux"}})
	s.Set("image.toolkit.fluxcd.io/v1beta2/imageupdateautomations")
	s.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if forbidden := strings.HasSuffix(r.URL.Path, "/imageupdateautomations"); forbidden {
			apiserver.Fail(w, http.StatusForbidden, "Forbidden")
			return true
		}
		return false
	}
	c := open(t, cluster.Options{Kubeconfig: kubeconfig(t, map[string]*apiserver.Server{"admin@apps": s}), Contexts: map[string]string{"apps": "admin@apps"}})
	live, err := c.Look(t.Context(), "apps")
	if err != nil || live.Context != "admin@apps" || len(live.Applications) != 2 || len(live.Manifests) != 4 || len(live.Unread) != 1 {
		t.Errorf("%+v, %v", live, err)
	}
	s.Set(older)
	if live, err = c.Look(t.Context(), "apps"); err != nil || live.Source != nil {
		t.Errorf("without a source: %+v, %v", live.Source, err)
	}
}

// Each trouble is told in words, and with what to do.
func TestClustersInTrouble(t *testing.T) {
	broken := func(answer func(http.ResponseWriter)) *apiserver.Server {
		s := apps(t)
		s.Answer = func(w http.ResponseWriter, _ *http.Request) bool { answer(w); return true }
		return s
	}
	refusing := func(code int, reason string) *apiserver.Server {
		return broken(func(w http.ResponseWriter) { apiserver.Fail(w, code, reason) })
	}
	down := apps(t)
	down.Close()
	empty, half := start(t), start(t)
	half.Set(apiserver.GitRepositories)
	servers := map[string]*apiserver.Server{
		"down":         down,
		"slow":         broken(func(http.ResponseWriter) { time.Sleep(time.Second) }),
		"cut":          broken(func(http.ResponseWriter) { panic(http.ErrAbortHandler) }),
		"unauthorized": refusing(http.StatusUnauthorized, "Unauthorized"),
		"forbidden":    refusing(http.StatusForbidden, "Forbidden"),
		"failing":      refusing(http.StatusInternalServerError, "InternalError"),
		"empty":        empty, "half": half,
	}
	c := open(t, cluster.Options{Kubeconfig: kubeconfig(t, servers), Timeout: 300 * time.Millisecond})
	for name, want := range map[string]struct {
		says string
		kind error
	}{
		"down":         {"the cluster does not answer: dial tcp", rollout.ErrUnavailable},
		"slow":         {"the cluster does not answer: no answer in time", rollout.ErrUnavailable},
		"cut":          {"the cluster does not answer: ", rollout.ErrUnavailable},
		"failing":      {"the cluster does not answer: ", rollout.ErrUnavailable},
		"unauthorized": {"the cluster does not let these credentials in", rollout.ErrNotPermitted},
		"forbidden":    {"these credentials may not read what Flux has there", rollout.ErrNotPermitted},
		"empty":        {"the cluster serves no gitrepositories.source.toolkit.fluxcd.io: Flux is not installed there", nil},
		"half":         {"the cluster serves no kustomizations.kustomize.toolkit.fluxcd.io", nil},
		"nobody":       {`the kubeconfig has no context "nobody"`, rollout.ErrUsage},
	} {
		live, err := c.Look(t.Context(), name)
		if err == nil || !strings.HasPrefix(err.Error(), want.says) || want.kind != nil && !errors.Is(err, want.kind) || !strings.Contains(err.Error(), "→") || live.Context != name {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), apiserver.Token) {
			t.Errorf("%s: the error has the token", name)
		}
	}
}

// A server has to prove who it is.
func TestCertificates(t *testing.T) {
	for name, c := range map[string]struct {
		vouch func([]byte) []byte
		says  string
	}{
		"expired":  {func(own []byte) []byte { return own }, "the certificate of the cluster's API server has expired, or is not valid yet"},
		"stranger": {func([]byte) []byte { return start(t).Certificate() }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			url, own := expired(t)
			config := fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: %q, certificate-authority-data: %s}}]\n"+
				"users: [{name: a, user: {token: x}}]\ncontexts: [{name: apps, context: {cluster: a, user: a}}]\n", url, base64.StdEncoding.EncodeToString(c.vouch(own)))
			path := filepath.Join(t.TempDir(), "kubeconfig")
			if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := open(t, cluster.Options{Kubeconfig: path}).Look(t.Context(), "apps")
			if !errors.Is(err, rollout.ErrUnavailable) || !strings.Contains(err.Error(), "certificate of the cluster's API server") || !strings.HasPrefix(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// expired is a server whose certificate has expired, and that certificate.
func expired(t *testing.T) (url string, own []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
}

func start(t *testing.T) *apiserver.Server {
	t.Helper()
	s := apiserver.Start()
	t.Cleanup(s.Close)
	return s
}

func kubeconfig(t *testing.T, servers map[string]*apiserver.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(apiserver.Kubeconfig(servers)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKubeconfig(t *testing.T) {
	s := apps(t)
	path := kubeconfig(t, map[string]*apiserver.Server{"apps": s})
	t.Setenv("KUBECONFIG", "/nowhere:"+path)
	if _, err := open(t, cluster.Options{}).Look(t.Context(), "apps"); err != nil {
		t.Errorf("KUBECONFIG is not honoured: %v", err)
	}
	t.Setenv("KUBECONFIG", "")
	if _, err := open(t, cluster.Options{}).Look(t.Context(), "apps"); !errors.Is(err, rollout.ErrUsage) || !strings.Contains(err.Error(), "set KUBECONFIG") {
		t.Errorf("without any: %v", err)
	}
	if err := os.WriteFile(path, []byte("contexts: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Open(cluster.Options{Kubeconfig: path, Now: time.Now}); !errors.Is(err, rollout.ErrUsage) {
		t.Errorf("a broken one: %v", err)
	}
}

func TestMain(m *testing.M) {
	// Nobody's real clusters.
	for _, name := range []string{"KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "HTTPS_PROXY", "https_proxy"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	home, err := os.MkdirTemp("", "home-")
	if err != nil {
		panic(err)
	}
	if err := os.Setenv("HOME", home); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(home)
	os.Exit(code)
}
