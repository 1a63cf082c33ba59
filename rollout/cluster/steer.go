package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/monosense/k8s-ops/rollout"
)

// manager is who owns what is written, in an object's managedFields. It is not
// kubectl: what a manager of that name has set, kustomize-controller takes back.
const manager = "k8s-ops"

// requestedAt asks Flux to reconcile an object when its value changes:
// meta.ReconcileRequestAnnotation in github.com/fluxcd/pkg/apis/meta.
const requestedAt = "reconcile.fluxcd.io/requestedAt"

// Request implements [rollout.SteeredClusters].
func (c *Clusters) Request(ctx context.Context, cluster string, o rollout.LiveObject) (string, error) {
	request := c.options.Now().UTC().Format(time.RFC3339Nano)
	err := c.merge(ctx, cluster, o, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{requestedAt: request}},
	})
	if err != nil {
		return "", err // nobody repeats what nobody was asked for
	}
	return request, nil
}

// Suspend implements [rollout.SteeredClusters].
func (c *Clusters) Suspend(ctx context.Context, cluster string, o rollout.LiveObject) error {
	return c.merge(ctx, cluster, o, map[string]any{"spec": map[string]any{"suspend": true}})
}

// Resume implements [rollout.SteeredClusters].
func (c *Clusters) Resume(ctx context.Context, cluster string, o rollout.LiveObject) error {
	return c.merge(ctx, cluster, o, map[string]any{"spec": map[string]any{"suspend": nil}})
}

// merge changes fields of an object, in whatever version the cluster serves it.
func (c *Clusters) merge(ctx context.Context, cluster string, o rollout.LiveObject, change map[string]any) error {
	at, err := c.dial(cluster)
	if err != nil {
		return err
	}
	patch, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("write the change of %s: %w", o, err)
	}
	k := kustomizations
	if o.Kind == rollout.LiveSourceKind {
		k = gitRepositories
	}
	_, err = inTime(ctx, func() (done struct{}, err error) {
		for _, resource := range k.resources() {
			_, err = at.objects.Resource(resource).Namespace(o.Namespace).Patch(ctx, o.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: manager})
			if !apierrors.IsNotFound(err) {
				break
			}
		}
		return done, err
	})
	return at.explainWrite(err, o)
}
