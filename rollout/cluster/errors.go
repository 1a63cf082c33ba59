package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/monosense/k8s-ops/rollout"
)

// errNoFlux is the kind of a cluster that answers, and has no Flux.
var errNoFlux = errors.New("no Flux")

// explainWrite says in words why an object could not be changed.
func (c *connection) explainWrite(err error, o rollout.LiveObject) error {
	kubectl := "kubectl --context " + rollout.Quote(c.context)
	resource := strings.ToLower(string(o.Kind))
	switch {
	case apierrors.IsNotFound(err):
		return &rollout.Problem{
			Kind: rollout.ErrRefused, What: fmt.Sprintf("the cluster has no %s", o),
			Ways: []string{fmt.Sprintf("%s get %s -A", kubectl, resource)},
		}
	case apierrors.IsForbidden(err):
		return &rollout.Problem{
			Kind: rollout.ErrNotPermitted, What: fmt.Sprintf("these credentials may not change %s", o), Cause: plain(err),
			Ways: []string{fmt.Sprintf("%s auth can-i patch %s/%s -n %s", kubectl, resource, rollout.Quote(o.Name), rollout.Quote(o.Namespace))},
		}
	default:
		return c.explain(err)
	}
}

// explain says in words what went wrong between here and the cluster.
func (c *connection) explain(err error) error {
	var problem *rollout.Problem
	if err == nil || errors.As(err, &problem) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("ask the cluster of context %s: %w", rollout.Printable(c.context, 80), context.Canceled)
	}
	kubectl := "kubectl --context " + rollout.Quote(c.context)
	p := &rollout.Problem{Kind: rollout.ErrUnavailable, What: "the cluster does not answer", Cause: plain(err), Ways: []string{kubectl + " version"}}
	var invalid x509.CertificateInvalidError
	switch {
	case apierrors.IsUnauthorized(err):
		p.Kind, p.What = rollout.ErrNotPermitted, "the cluster does not let these credentials in"
		p.Ways = []string{"log in again, as the cluster's users do", kubectl + " auth whoami"}
	case apierrors.IsForbidden(err):
		p.Kind, p.What = rollout.ErrNotPermitted, "these credentials may not read what Flux has there"
		p.Ways = []string{kubectl + " auth can-i list kustomizations.kustomize.toolkit.fluxcd.io -A"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		p.What = "the certificate of the cluster's API server has expired, or is not valid yet"
		p.Ways = []string{"renew it on the cluster", "look whether the clock of this machine is right"}
	case isCertificate(err):
		p.What = "nobody vouches for the certificate of the cluster's API server"
		p.Ways = []string{"correct certificate-authority-data of that cluster in the kubeconfig"}
	}
	return p
}

// isCertificate tells whether a server could not prove who it is.
func isCertificate(err error) bool {
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	return errors.As(err, &unknown) || errors.As(err, &hostname)
}

// plain is [rollout.Plain] of what a cluster said, on one line. It knows that
// client-go's own time can run out, too.
func plain(err error) error {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return rollout.Plain(context.DeadlineExceeded)
	}
	return errors.New(rollout.OneLine(rollout.Plain(err).Error(), 500))
}
