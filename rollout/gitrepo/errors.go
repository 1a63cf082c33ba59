package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/sethvargo/go-retry"

	"github.com/monosense/k8s-ops/rollout"
)

// errHashAlgorithm is that of a repository whose objects are not named by
// SHA-1.
var errHashAlgorithm = errors.New("another hash algorithm")

// patiently repeats what only reads, when the remote is briefly away.
func (r *Remote) patiently(ctx context.Context, doing string, read func(context.Context) error) error {
	backoff := retry.WithMaxRetries(3, retry.NewExponential(250*time.Millisecond))
	err := retry.Do(ctx, backoff, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, r.options.Timeout)
		defer cancel()
		err := read(ctx)
		if err != nil && errors.Is(r.explain(doing, err), rollout.ErrUnavailable) && !errors.Is(peeled(err), context.DeadlineExceeded) {
			return retry.RetryableError(err)
		}
		return err
	})
	if err == nil {
		return nil
	}
	return r.explain(doing, err)
}

// explain says in words what went wrong between here and the remote.
func (r *Remote) explain(doing string, err error) error {
	err = peeled(err)
	var problem *rollout.Problem
	if errors.As(err, &problem) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s %s: %w", doing, r.where, context.Canceled)
	}
	p := &rollout.Problem{What: fmt.Sprintf("%s %s", doing, r.where)}
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		p.Kind = rollout.ErrNotPermitted
		p.What += ": the remote does not let this token in"
		p.Ways = []string{"check that the token may read and write the repository, and has not run out"}
	case errors.Is(err, transport.ErrRepositoryNotFound):
		p.Kind = rollout.ErrNotPermitted
		p.What += ": there is no such repository, or this token may not see it"
		p.Ways = []string{"correct `repository:` in the plan, or give a token that may read it"}
	case errors.Is(err, errHashAlgorithm), strings.Contains(err.Error(), "object-format"):
		p.Kind = rollout.ErrUsage
		p.What += ": its objects are named by SHA-256, which is not supported"
		p.Ways = []string{"keep the rollout in a repository made with `git init --object-format=sha1`, which is the default"}
	case strings.Contains(err.Error(), "not our ref"), strings.Contains(err.Error(), "bad object"):
		p.Kind = rollout.ErrMoved
		p.What += ": it no longer has a commit that it had a moment ago"
		p.Ways = []string{"run it again; if that does not help, somebody keeps force-pushing"}
	case unavailable(err):
		p.Kind = rollout.ErrUnavailable
		p.Cause = rollout.Plain(err)
		p.Ways = []string{"nothing was changed; try again when the remote answers"}
	default:
		return fmt.Errorf("%s: %w", p.What, err)
	}
	return p
}

// peeled looks through the wrappers of go-git that errors.As cannot.
func peeled(err error) error {
	for {
		switch wrapper := err.(type) { //nolint:errorlint // one layer at a time
		case *plumbing.UnexpectedError:
			err = wrapper.Err
		case *plumbing.PermanentError:
			err = wrapper.Err
		default:
			return err
		}
	}
}

// unavailable tells whether trying again later can help.
func unavailable(err error) bool {
	var network net.Error
	var answer *githttp.Err
	switch {
	case errors.As(err, &answer):
		return answer.StatusCode() >= 500 || answer.StatusCode() == 429
	case errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		return true
	}
	var exit *exec.ExitError
	return !errors.As(err, &exit) && strings.Contains(err.Error(), "EOF")
}
