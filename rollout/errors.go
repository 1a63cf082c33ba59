package rollout

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// What went wrong, to branch on with [errors.Is]. The exit codes of the
// targets are a table over these.
var (
	// ErrUsage: an argument that cannot be what was meant. Nothing was
	// changed.
	ErrUsage = errors.New("used wrongly")
	// ErrMoved: a branch or the ledger is no longer where it was observed, so
	// the transaction was refused as a whole.
	ErrMoved = errors.New("moved while deciding")
	// ErrUncertain: the forge did not answer, or not clearly, and may have
	// done the work. Whoever gets it looks before trying again.
	ErrUncertain = errors.New("no clear answer")
	// ErrUnavailable: the forge is down, slow or limits the rate of requests.
	ErrUnavailable = errors.New("forge not available")
	// ErrNotPermitted: no token, or one without the rights for what was
	// asked.
	ErrNotPermitted = errors.New("not permitted")
	// ErrDiverged: the stage's branch has commits that its upstream has not.
	ErrDiverged = errors.New("diverged")
	// ErrRefused: what was asked is understood and will not be done.
	ErrRefused = errors.New("refused")
	// ErrNoBranch: a branch that the plan names does not exist.
	ErrNoBranch = errors.New("no such branch")
	// ErrLedger: the ledger cannot be read, so nothing can be known of what
	// it forbids.
	ErrLedger = errors.New("ledger not readable")
)

// A Problem is an error for an operator: what happened, and the ways out.
type Problem struct {
	// Kind is one of the errors above.
	Kind error
	// What happened, to what.
	What string
	// Ways are what the operator can do next, one sentence each.
	Ways []string
	// Cause is the error behind it, if there is one.
	Cause error
}

// Error is one sentence, followed by the ways out on lines of their own.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.What)
	if p.Cause != nil {
		fmt.Fprintf(&b, ": %s", strings.TrimSpace(p.Cause.Error()))
	}
	for _, way := range p.Ways {
		fmt.Fprintf(&b, "\n  → %s", way)
	}
	return b.String()
}

// Unwrap makes both the kind and the cause found by [errors.Is].
func (p *Problem) Unwrap() []error {
	if p.Cause == nil {
		return []error{p.Kind}
	}
	return []error{p.Kind, p.Cause}
}

// Plain replaces what says nothing to an operator, of a connection that failed.
func Plain(err error) error {
	var address *url.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	case errors.As(err, &address):
		return Plain(address.Err)
	case strings.HasSuffix(err.Error(), "EOF"):
		return errors.New("the connection was cut")
	default:
		return err
	}
}

func usagef(format string, args ...any) error {
	return &Problem{Kind: ErrUsage, What: fmt.Sprintf(format, args...)}
}
