package e2e

import (
	"fmt"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
)

// neverReady has a change whose pods never become ready, after a good commit: the
// Kustomization fails, so it does not go out. What mends it does, after a soak of
// its own.
func (s *scene) neverReady(good string) {
	s.t.Helper()
	bad := s.merge("Use an image that nobody has", imageOf("120", "1", cluster.Unreachable+"/podinfo:none"))
	s.reported(infra, bad, "failure", "cluster-apps")
	s.clock.Advance(soak)
	s.promote(notYet, "unhealthy: flux/infra/cluster-apps")
	s.stands(downstream, good)

	// Another image than before: what changes nothing for apps would not have to soak.
	mended := s.merge("Use a newer image", imageOf("1", "120", fmt.Sprintf("ghcr.io/stefanprodan/podinfo:6.10.%d", s.number)))
	s.settled(infra)
	s.reported(infra, mended, "success", kustomizations...)
	s.promote(notYet, "not yet")
	s.stands(downstream, good)
	s.clock.Advance(soak)
	s.promote(done, "apps: promoted to")
	s.stands(downstream, mended)
	s.settled(apps)
	s.neverHad(apps, bad)
}

// imageOf is a change of podinfo's image, and of the seconds after which a
// Deployment that makes no progress has failed.
func imageOf(before, seconds, image string) edit {
	return edit{
		path: "clusters/base/apps/podinfo/deployment.yaml",
		from: `(?s)progressDeadlineSeconds: ` + before + `\n(.*) image: \S+`,
		to:   "progressDeadlineSeconds: " + seconds + "\n${1} image: " + image,
	}
}
