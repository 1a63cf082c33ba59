package scripttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// What `release:status` may cost where much is pending.
const (
	statusPending   = 500
	statusRequests  = 8
	statusLimit     = 1.2  // times the API calls that it makes
	statusMemory    = 60.0 // MB
	requestAnswered = 100 * time.Millisecond
)

// BenchmarkStatus is `release:status` with 500 pending revisions, beside the time in
// which the stand-in makes the answers that it waits for. Each is delayed by a tenth
// of a second, less than GitHub and the way there take. It is the wall clock that
// counts: what is measured is waiting.
func BenchmarkStatus(b *testing.B) {
	binary, dir := compileTargets(b), b.TempDir()
	github, err := rollouttest.Start(rollouttest.Options{
		Dir: b.TempDir(), Repositories: []rollouttest.RepositoryOptions{{Owner: owner, Name: name}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = github.Close() })
	w := &world{github: github, binary: binary, work: dir}
	if w.repo, err = github.Repository(owner, name); err != nil {
		b.Fatal(err)
	}
	if err := w.furnish(dir); err != nil {
		b.Fatal(err)
	}
	w.must(b, "release:init")
	for i := range statusPending {
		change := rollouttest.Change{Message: "Change " + strconv.Itoa(i), Author: "ben", Files: file(strconv.Itoa(i))}
		if _, err := w.repo.Commit("main", change); err != nil {
			b.Fatal(err)
		}
	}
	github.FailNext(rollouttest.Match{Count: -1}, rollouttest.Failure{Delay: requestAnswered})
	ratio, peak := 1e9, 0.0
	for b.Loop() {
		github.ResetRequests()
		took, memory := w.must(b, "release:status", "-json")
		var answers time.Duration
		made := github.Requests()
		for _, r := range made {
			answers += r.Took
		}
		if len(made) > statusRequests {
			b.Fatalf("%d requests were made, at most %d are allowed", len(made), statusRequests)
		}
		ratio, peak = min(ratio, took.Seconds()/answers.Seconds()), max(peak, memory)
	}
	b.ReportMetric(ratio, "answers/op")
	b.ReportMetric(peak, "MB/op")
	holdTo(b, "release:status of 500 pending revisions", ratio, statusLimit, "times the answers that it waits for")
	holdTo(b, "release:status of 500 pending revisions", peak, statusMemory, "MB")
}

// must runs a target, and says how long it took and how much memory it had resident,
// in megabytes.
func (w *world) must(b *testing.B, args ...string) (took time.Duration, peak float64) {
	b.Helper()
	command := exec.Command(w.binary, args...)
	command.Dir, command.Env = w.work, w.environment("GIT_CONFIG_GLOBAL="+filepath.Join(w.work, ".gitconfig"), "GIT_CONFIG_NOSYSTEM=1", "TMPDIR="+os.TempDir())
	began := time.Now()
	out, err := command.CombinedOutput()
	took = time.Since(began)
	if err != nil {
		b.Fatalf("%v: %v\n%.2000s", args, err, out)
	}
	return took, resident(b, command.ProcessState)
}
