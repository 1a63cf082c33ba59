package apiserver

// The kinds that Flux serves.
const (
	GitRepositories = "source.toolkit.fluxcd.io/v1/gitrepositories"
	Kustomizations  = "kustomize.toolkit.fluxcd.io/v1/kustomizations"
)

// GitRepository is a source in flux-system, ready, with what it has fetched:
// main@sha1:….
func GitRepository(name, url, branch, revision string) Object {
	return Object{
		"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
		"metadata": Object{"name": name, "namespace": "flux-system", "generation": 2, "managedFields": []any{Object{"manager": "kubectl"}}},
		"spec":     Object{"url": url, "interval": "1m0s", "ref": Object{"branch": branch}},
		"status": Object{
			"artifact": Object{"revision": revision}, "conditions": []any{Ready("True", "Succeeded", "stored artifact", 2)},
		},
	}
}

// Kustomization is one in flux-system that applies a source, and has applied a
// revision of it.
func Kustomization(name, source, revision string, ready Object) Object {
	return Object{
		"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
		"metadata": Object{"name": name, "namespace": "flux-system", "generation": 1},
		"spec":     Object{"path": "./" + name, "sourceRef": Object{"kind": "GitRepository", "name": source}},
		"status":   Object{"lastAppliedRevision": revision, "lastAttemptedRevision": revision, "conditions": []any{ready}},
	}
}

// Ready is a condition as Flux writes it, of the generation that it has seen.
func Ready(status, reason, message string, observed int) Object {
	return Object{
		"type": "Ready", "status": status, "reason": reason, "message": message,
		"lastTransitionTime": "2026-03-02T09:00:00Z", "observedGeneration": observed,
	}
}

// Disobey ends what [Server.Obey] began.
func (s *Server) Disobey() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.patched = nil
}

// Obey does what Flux does with what it is asked to reconcile: the source fetches a
// revision, and a Kustomization applies what the source has fetched, and is as the
// condition says. What is suspended stays as it is.
func (s *Server) Obey(fetch func() (revision string), apply func(revision string) (ready Object)) {
	fetched := ""
	s.mu.Lock()
	defer s.mu.Unlock()
	s.patched = func(o Object) {
		metadata, _ := o["metadata"].(Object)
		annotations, _ := metadata["annotations"].(Object)
		spec, _ := o["spec"].(Object)
		status, _ := o["status"].(Object)
		if request := annotations["reconcile.fluxcd.io/requestedAt"]; spec["suspend"] == true || request == status["lastHandledReconcileAt"] {
			return
		}
		status["lastHandledReconcileAt"] = annotations["reconcile.fluxcd.io/requestedAt"]
		if o["kind"] == "GitRepository" {
			fetched = fetch()
			status["artifact"] = Object{"revision": fetched}
			return
		}
		ready := apply(fetched)
		status["lastAttemptedRevision"], status["conditions"] = fetched, []any{ready}
		if ready["status"] == "True" {
			status["lastAppliedRevision"] = fetched
		}
	}
}
