package wire

import (
	"errors"
	"slices"
	"strings"

	"github.com/magefile/mage/mg"

	"github.com/monosense/k8s-ops/magefiles/internal/operate"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/planfile"
)

// errPlan is the kind of a plan that is right by itself and wrong here.
var errPlan = errors.New("wrong plan")

// The exit codes of the targets, after sysexits.h where it has one. 0 is done
// or nothing to do; mage itself exits 2 for arguments that it cannot read.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitUnavailable = 69
	exitNotYet      = 75
	exitNoPermit    = 77
	exitPlan        = 78
)

// Exit gives an error the exit code that docs/exit-codes.md promises.
func Exit(err error) error {
	if err == nil {
		return nil
	}
	return mg.Fatal(code(err), said(err))
}

// longestLine is how many characters of a line of an error are said.
const longestLine = 10_000

// said is what an error says. What it quotes of a forge or a cluster gives no orders to
// a terminal, nor to a workflow's runner.
func said(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = rollout.Printable(line, longestLine)
	}
	return strings.Join(lines, "\n")
}

// worst are the codes in the order in which they count, where several things went
// wrong side by side: what time alone mends is the least.
var worst = []int{exitFailed, exitPlan, exitUsage, exitNoPermit, exitUnavailable, exitNotYet}

// code is that of the worst of what went wrong.
func code(err error) int {
	var codes []int
	for _, one := range apart(err) {
		codes = append(codes, codeOf(one))
	}
	return worst[slices.IndexFunc(worst, func(code int) bool { return slices.Contains(codes, code) })]
}

// apart takes apart what was joined. A problem and its cause are one, and so is all
// that is wrong with a plan.
func apart(err error) []error {
	switch e := err.(type) { //nolint:errorlint // what the error is, and not what is in it
	case *rollout.Problem, planfile.Errors:
	case interface{ Unwrap() []error }:
		var all []error
		for _, one := range e.Unwrap() {
			all = append(all, apart(one)...)
		}
		return all
	case interface{ Unwrap() error }:
		if parts := apart(e.Unwrap()); len(parts) > 1 {
			return parts
		}
	}
	return []error{err}
}

func codeOf(err error) int {
	var plan planfile.Errors
	switch {
	case errors.Is(err, operate.ErrFindings), errors.Is(err, operate.ErrObstructed), errors.Is(err, operate.ErrStopped):
		return exitFailed
	case errors.As(err, &plan), errors.Is(err, errPlan):
		return exitPlan
	case errors.Is(err, rollout.ErrUsage):
		return exitUsage
	case errors.Is(err, rollout.ErrNotPermitted):
		return exitNoPermit
	case errors.Is(err, rollout.ErrUnavailable):
		return exitUnavailable
	case errors.Is(err, operate.ErrNotYet):
		return exitNotYet
	default:
		return exitFailed
	}
}
