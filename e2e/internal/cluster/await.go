package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/monosense/k8s-ops/e2e/internal/process"
)

// How often is asked whether something is so, and how long it may take, on a
// machine that is busy with other things.
const (
	pause    = 50 * time.Millisecond
	patience = 3 * time.Minute
)

// Await asks again and again until check has nothing to say against it. It gives
// up after minutes, or when ctx ends, with what check said last.
func Await(ctx context.Context, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	var said error
	for {
		err := check(ctx)
		var final *finalError
		if err == nil || errors.As(err, &final) {
			return err
		}
		if said == nil || ctx.Err() == nil { // not that the time is over
			said = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w: %w", what, context.Cause(ctx), said)
		case <-ticker.C:
		}
	}
}

// A finalError is one that waiting does not mend.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// await is Await for what a process does; it does not wait for one that ended.
func await(ctx context.Context, what string, p *process.Process, check func(context.Context) error) error {
	return Await(ctx, what, func(ctx context.Context) error {
		if err := p.Ended(); err != nil {
			return &finalError{fmt.Errorf("wait for %s: %w", what, err)}
		}
		return check(ctx)
	})
}

// prober asks programs on loopback for their health, which is no secret: whose
// certificate they show does not matter.
var prober = &http.Client{
	Timeout: 5 * time.Second,
	Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	},
}

// probe asks whether something is healthy.
func probe(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return &finalError{err}
	}
	answer, err := prober.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return nil
}
