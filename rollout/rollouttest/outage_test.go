package rollouttest_test

import (
	"errors"
	"net/http"
	"syscall"
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// TestCrash: what was asked is cut, nobody is let in, and afterwards all is where
// it was, at the same address.
func TestCrash(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	head := s.commit("main", map[string]string{"a": "1"})
	get := func() error {
		request, err := http.NewRequestWithContext(t.Context(), "GET", s.github.URL()+"/api/v3/user", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "bearer "+s.token)
		_, err = s.roundTrip(request)
		return err
	}
	arrived := make(chan struct{})
	s.github.FailNext(rollouttest.Match{Path: "/user"}, rollouttest.Failure{Delay: rollouttest.Hang})
	s.github.Before(rollouttest.Match{Path: "/user"}, func() { close(arrived) })
	cut := make(chan error)
	go func() { cut <- get() }()
	<-arrived
	if err := s.github.Crash(); err != nil {
		t.Fatal(err)
	}
	if err := <-cut; err == nil {
		t.Error("what was asked before the crash is answered after it")
	}
	if err := get(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after the crash the error is %v", err)
	}
	if err := s.github.Crash(); err == nil {
		t.Error("what does not serve crashes again")
	}
	if err := s.github.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := get(); err != nil {
		t.Errorf("after it was resumed the error is %v", err)
	}
	if err := s.github.Resume(); err == nil {
		t.Error("what serves is resumed")
	}
	if got := s.mustGit(s.clone(), "rev-parse", "HEAD"); got != head {
		t.Errorf("main stands at %s, want %s", got, head)
	}
}
