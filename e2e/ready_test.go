package e2e

import (
	"github.com/monosense/k8s-ops/e2e/internal/cluster"
)

// neverReady has a change whose pods never become ready, after a good commit: the
// Kustomization fails, so it does not go out. What mends it does, after a soak of
// its own.
func (s *scene) neverReady(good string) (bad string) {
	s.t.Helper()
	bad = s.merge("Use an image that nobody has", imageOf(cluster.Unreachable+"/podinfo:none"))
	s.reported(infra, bad, "failure", "cluster-apps")
	s.clock.Advance(soak)
	s.promote(notYet, "unhealthy: flux/infra/cluster-apps")
	s.stands(downstream, good)

	// There is a note besides: what changes nothing for apps would not have to soak.
	s.mustGit("revert", "--no-edit", bad)
	mended := s.merge("Note that it is mended", noting(s.word("mended")))
	s.settled(infra)
	s.reported(infra, mended, "success", kustomizations...)
	s.promote(notYet, "not yet")
	s.stands(downstream, good)
	s.clock.Advance(soak)
	s.promote(done, "apps: promoted to")
	s.stands(downstream, mended)
	return bad
}

// imageOf is a change of podinfo's image, which has failed when its pods are not ready
// after a second.
func imageOf(image string) edit {
	return edit{
		path: "clusters/base/apps/podinfo/deployment.yaml",
		from: `(?s)progressDeadlineSeconds: \d+\n(.*) image: \S+`,
		to:   "progressDeadlineSeconds: 1\n${1} image: " + image,
	}
}
