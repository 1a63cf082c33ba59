package cluster_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/cluster"
	"github.com/monosense/k8s-ops/rollout/rollouttest/apiserver"
)

var (
	source = rollout.LiveObject{Kind: rollout.LiveSourceKind, Namespace: "flux-system", Name: "fleet"}
	web    = rollout.LiveObject{Kind: rollout.LiveApplicationKind, Namespace: "flux-system", Name: "web"}
)

// spec is a field of an object as the cluster has it.
func spec(s *apiserver.Server, kind, name, field string) any {
	return s.Get(kind, "flux-system", name)["spec"].(apiserver.Object)[field]
}

// A request changes one annotation and nothing else, and what Flux answers is seen.
func TestRequest(t *testing.T) {
	s := apps(t)
	const next = "release@sha1:2b3c4d5e6f2b3c4d5e6f2b3c4d5e6f2b3c4d5e6f"
	s.Obey(func() string { return next }, func(string) apiserver.Object { return apiserver.Ready("True", "", "", 1) })
	c := open(t, cluster.Options{Kubeconfig: kubeconfig(t, map[string]*apiserver.Server{"apps": s})})
	for _, o := range []rollout.LiveObject{source, web} {
		request, err := c.Request(t.Context(), "apps", o)
		if err != nil || request != "2026-03-02T12:00:00Z" {
			t.Fatalf("%s: %q, %v", o, request, err)
		}
	}
	live, err := c.Glance(t.Context(), "apps")
	if err != nil || live.Source.Handled != "2026-03-02T12:00:00Z" || live.Source.Revision != next || live.Manifests != nil {
		t.Errorf("%+v, %v", live, err)
	}
	for _, a := range live.Applications {
		if asked := a.Name == "web"; (a.Handled != "") != asked || (a.Applied == next) != asked {
			t.Errorf("%+v", a)
		}
	}
	for _, asked := range s.Asked() {
		if strings.HasPrefix(asked, "PATCH ") && !strings.Contains(asked, "/namespaces/flux-system/") {
			t.Errorf("it does %s", asked)
		}
	}
}

func TestSuspendAndResume(t *testing.T) {
	s := apps(t)
	c := open(t, cluster.Options{Kubeconfig: kubeconfig(t, map[string]*apiserver.Server{"apps": s})})
	for _, one := range []struct {
		o    rollout.LiveObject
		kind string
	}{{source, apiserver.GitRepositories}, {web, apiserver.Kustomizations}} {
		if err := c.Suspend(t.Context(), "apps", one.o); err != nil || spec(s, one.kind, one.o.Name, "suspend") != true {
			t.Errorf("%s is not suspended: %v", one.o, err)
		}
		if err := c.Resume(t.Context(), "apps", one.o); err != nil || spec(s, one.kind, one.o.Name, "suspend") != nil {
			t.Errorf("%s is not resumed: %v", one.o, err)
		}
	}
}

// What cannot be changed is told in words, and what to look at.
func TestWhatCannotBeChanged(t *testing.T) {
	s := apps(t)
	older := "source.toolkit.fluxcd.io/v1beta2/gitrepositories"
	s.Drop(apiserver.GitRepositories)
	s.Set(older, apiserver.GitRepository("fleet", "https://github.com/octo/fleet", "release", revision))
	c := open(t, cluster.Options{Kubeconfig: kubeconfig(t, map[string]*apiserver.Server{"apps": s})})
	if err := c.Suspend(t.Context(), "apps", source); err != nil || spec(s, older, "fleet", "suspend") != true {
		t.Errorf("an older version: %v", err)
	}
	missing := rollout.LiveObject{Kind: rollout.LiveApplicationKind, Namespace: "flux-system", Name: "moon"}
	if err := c.Suspend(t.Context(), "apps", missing); !errors.Is(err, rollout.ErrRefused) || !strings.Contains(err.Error(), "the cluster has no Kustomization flux-system/moon") {
		t.Errorf("%v", err)
	}
	s.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch {
			return false
		}
		apiserver.Fail(w, http.StatusForbidden, "Forbidden")
		return true
	}
	request, err := c.Request(t.Context(), "apps", web)
	if request != "" {
		t.Errorf("Flux is to repeat %q, which it was not asked for", request)
	}
	if !errors.Is(err, rollout.ErrNotPermitted) || !strings.Contains(err.Error(), "may not change Kustomization flux-system/web") || !strings.Contains(err.Error(), "→ kubectl --context apps auth can-i patch kustomization/web -n flux-system") {
		t.Errorf("%v", err)
	}
	if _, err := c.Request(t.Context(), "nobody", web); !errors.Is(err, rollout.ErrUsage) {
		t.Errorf("%v", err)
	}
	s.Close()
	if err := c.Resume(t.Context(), "apps", web); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
