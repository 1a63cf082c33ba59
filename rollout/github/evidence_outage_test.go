package github

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/monosense/k8s-ops/rollout"
)

// Statuses are asked for again where that can help, as everything that is only
// read.
func TestEvidenceIsAskedForAgain(t *testing.T) {
	const commit = rollout.SHA("1111111111111111111111111111111111111111")
	newest := answers(200, `{"data":{"reported":{"commit0":{"status":{"contexts":[{"context":"a","state":"SUCCESS","createdAt":"2026-03-04T05:06:07Z"}]}}}}}`)
	log := answers(200, `[{"context":"a","state":"success","created_at":"2026-03-04T05:06:07Z"}]`)
	for name, failure := range map[string]func(*http.Request) (*http.Response, error){
		"after an outage":         answers(502, `<html>`),
		"after a timeout of its":  answers(200, `{"data":null,"errors":[{"message":"Something went wrong while executing your query."}]}`),
		"after a primary limit":   answers(200, `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded for user ID 1."}]}`),
		"after a secondary limit": answers(403, `{"message":"You have exceeded a secondary rate limit."}`),
		"after a cut answer":      fails(io.ErrUnexpectedEOF),
		"after a hang":            hangs,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := scripted(t, failure, newest, log)
				found, err := c.EvidenceLog(t.Context(), []rollout.SHA{commit})
				if err != nil || len(found[commit]) != 1 || found[commit][0].State != rollout.EvidenceSuccess {
					t.Errorf("evidence = %v, %v", found, err)
				}
				if len(s.sent) != 3 {
					t.Errorf("%d requests, want 3", len(s.sent))
				}
			})
		})
	}
}

func TestEvidenceIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, answers(503, `{"message":"No server is currently available"}`))
		found, err := c.Evidence(t.Context(), []rollout.SHA{"1111111111111111111111111111111111111111"})
		if found != nil || !errors.Is(err, rollout.ErrUnavailable) || len(s.sent) != 1+maxRetries {
			t.Errorf("evidence = %v, %v after %d requests", found, err, len(s.sent))
		}
	})
}
