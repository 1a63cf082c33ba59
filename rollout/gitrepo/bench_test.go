//go:build linux

package gitrepo_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
	"github.com/monosense/k8s-ops/rollout/ledger"
)

// What is promised of a bare repository of 100,000 commits with 500 pending,
// and what ten times the history may cost, or a fast-forward, in comparison.
const (
	decisionSeconds   = 0.3
	decisionMegabytes = 100
	tenfoldRatio      = 1.5
	pushRatio         = 1.5
)

var ctx = context.Background()

var plan = rollout.Plan{
	Ledger: ledgerBranch,
	Stages: []rollout.Stage{{Name: "infra", Branch: "main"}, {Name: "apps", Branch: "release", Soak: 24 * time.Hour}},
}

// decideIn is set in the environment of the process that decides once, so
// that its memory can be looked at from outside.
const decideIn = "GITREPO_BENCH_DECIDE_IN"

func TestMain(m *testing.M) {
	bare, ok := os.LookupEnv(decideIn)
	if !ok {
		os.Exit(m.Run())
	}
	r, err := gitrepo.Open(gitrepo.Options{URL: bare})
	if err == nil {
		err = decide(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(resident(syscall.RUSAGE_SELF) + resident(syscall.RUSAGE_CHILDREN))
}

// resident is the most memory in kilobytes that this process, or the largest
// of its children, ever had.
func resident(who int) int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		return math.MaxInt64
	}
	return usage.Maxrss
}

// decide observes and decides, as `release:promote -dryRun` does.
func decide(r *gitrepo.Remote) error {
	e := rollout.Engine{Plan: plan, Remote: r, History: r, Ledger: ledger.Ledger{}}
	receipt, err := e.Preview(ctx, plan.Stages[1])
	if err == nil && len(receipt.Snapshot.Pending) < 500 {
		err = fmt.Errorf("only %d commits are pending", len(receipt.Snapshot.Pending))
	}
	return err
}

// history is a bare repository of so many commits, of which 500 and a few are
// pending, with a ledger.
func history(b *testing.B, commits int) *repository {
	b.Helper()
	r := empty(b)
	importHistory(b, r.bare, commits)
	run(b, r.bare, "", "update-ref", "refs/heads/release", "main~"+strconv.Itoa(400))
	run(b, r.bare, "", "update-ref", "-d", "refs/heads/side")
	begin, err := ledger.Ledger{}.Draft(rollout.Entry{Kind: rollout.EntryInit, At: time.Now()}, rollout.State{})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := open(b, r.bare).Commit(ctx, rollout.Transaction{Ledger: rollout.Head{Branch: ledgerBranch}, Draft: begin}); err != nil {
		b.Fatal(err)
	}
	return r
}

// cpu is what this process and its children have used.
func cpu(b *testing.B) float64 {
	b.Helper()
	var total float64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if err := syscall.Getrusage(who, &usage); err != nil {
			b.Fatal(err)
		}
		total += seconds(usage.Utime) + seconds(usage.Stime)
	}
	return total
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// measure runs something again and again, and reports the least CPU seconds
// that it took: what else the machine does can only add to them.
func measure(b *testing.B, do func() error) (least float64) {
	b.Helper()
	runtime.GC()
	least = math.Inf(1)
	for b.Loop() {
		before := cpu(b)
		if err := do(); err != nil {
			b.Fatal(err)
		}
		least = min(least, cpu(b)-before)
	}
	b.ReportMetric(least, "cpu-s/op")
	return least
}

// holdTo fails a benchmark that costs too much, where limits are asked for: a
// single run on a busy machine proves nothing.
func holdTo(b *testing.B, what string, cost, limit float64, unit string) {
	b.Helper()
	if os.Getenv("BENCH_LIMITS") != "" && cost > limit {
		b.Errorf("%s costs %.2f %s, at most %.2f are allowed", what, cost, unit, limit)
	}
}

func silently(dir string, args ...string) error {
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir, command.Env = dir, append(isolated(), "HOME="+dir)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(out))
	}
	return nil
}

// The decision, beside git answering the same questions: where the branches
// stand, what the ledger's state is, and which commits are pending.
func BenchmarkDecision(b *testing.B) {
	cost := map[int]float64{}
	for _, commits := range []int{100_000, 1_000_000} {
		if testing.Short() && commits > 100_000 {
			continue
		}
		b.Run(fmt.Sprintf("commits=%d", commits), func(b *testing.B) {
			r := history(b, commits)
			b.Run("rollout", func(b *testing.B) {
				remote := open(b, r.bare)
				cost[commits] = measure(b, func() error { return decide(remote) })
				megabytes := peak(b, r.bare)
				b.ReportMetric(megabytes, "peak-MB")
				if commits == 100_000 {
					holdTo(b, "the decision", cost[commits], decisionSeconds, "CPU seconds")
					holdTo(b, "the decision", megabytes, decisionMegabytes, "MB")
				}
			})
			b.Run("git", func(b *testing.B) {
				measure(b, func() error {
					for _, question := range [][]string{
						{"for-each-ref", "refs/heads/"},
						{"cat-file", "blob", ledgerBranch + ":state.json"},
						{"merge-base", "--is-ancestor", "release", "main"},
						{"log", "--format=raw", "release..main"},
					} {
						if err := silently(r.bare, question...); err != nil {
							return err
						}
					}
					return nil
				})
			})
		})
	}
	if small, large := cost[100_000], cost[1_000_000]; small > 0 {
		holdTo(b, "a decision on ten times the history", large/small, tenfoldRatio, "times as much")
	}
}

// peak is the most memory, in megabytes, that a process which decides can have
// had resident together with git, of which one process runs at a time.
func peak(b *testing.B, bare string) float64 {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	command := exec.CommandContext(ctx, self)
	command.Env = append(isolated(), "HOME="+filepath.Dir(bare), decideIn+"="+bare)
	out, err := command.Output()
	if err != nil {
		b.Fatalf("decide in a process of its own: %v", err)
	}
	kilobytes, err := strconv.ParseFloat(string(out), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes / 1024
}

// The fast-forward with its entry in the ledger, beside a `git push` of the
// same two branches without any.
func BenchmarkFastForward(b *testing.B) {
	r := history(b, 100_000)
	var ours, theirs float64
	from := rollout.SHA(run(b, r.bare, "", "rev-parse", "release"))
	to := rollout.SHA(run(b, r.bare, "", "rev-parse", "main~100"))
	rewind := func() error { return silently(r.bare, "update-ref", "refs/heads/release", string(from)) }
	b.Run("rollout", func(b *testing.B) {
		remote := open(b, r.bare)
		ours = measure(b, func() error {
			head := rollout.SHA(run(b, r.bare, "", "rev-parse", ledgerBranch))
			if _, err := remote.Commit(ctx, promotion(from, to, head)); err != nil {
				return err
			}
			return rewind()
		})
	})
	b.Run("git-push", func(b *testing.B) {
		clone := filepath.Join(filepath.Dir(r.bare), "clone")
		run(b, filepath.Dir(r.bare), "", "clone", "--quiet", "--bare", r.bare, clone)
		theirs = measure(b, func() error {
			if err := silently(clone, "push", "--quiet", r.bare, string(to)+":refs/heads/release"); err != nil {
				return err
			}
			run(b, r.bare, "", "rev-parse", ledgerBranch) // as above
			return rewind()
		})
	})
	if theirs > 0 {
		holdTo(b, "the fast-forward", ours/theirs, pushRatio, "times a git push")
	}
}
