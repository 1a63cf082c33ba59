package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/monosense/k8s-ops/rollout"
)

// Look implements [rollout.Clusters].
func (c *Clusters) Look(ctx context.Context, cluster string) (rollout.LiveCluster, error) {
	return c.read(ctx, cluster, (*connection).look)
}

// Glance implements [rollout.SteeredClusters].
func (c *Clusters) Glance(ctx context.Context, cluster string) (rollout.LiveCluster, error) {
	return c.read(ctx, cluster, func(at *connection, ctx context.Context) (rollout.LiveCluster, error) {
		live, _, err := at.glance(ctx)
		return live, err
	})
}

func (c *Clusters) read(ctx context.Context, cluster string, what func(*connection, context.Context) (rollout.LiveCluster, error)) (rollout.LiveCluster, error) {
	at, err := c.dial(cluster)
	if err != nil {
		return rollout.LiveCluster{Context: c.context(cluster)}, err
	}
	live, err := inTime(ctx, func() (rollout.LiveCluster, error) { return what(at, ctx) })
	live.Context = at.context
	return live, at.explain(err)
}

// inTime waits for what a cluster says no longer than it is meant to. client-go does
// not end a program that logs in when the time is up: one that waits for a browser,
// say, is left to itself, and ends with this process.
func inTime[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		value, err := ask()
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func (c *connection) look(ctx context.Context) (rollout.LiveCluster, error) {
	live, all, err := c.glance(ctx)
	if err != nil {
		return live, err
	}
	for _, k := range others {
		found, _, err := c.list(ctx, k)
		if err != nil {
			live.Unread = append(live.Unread, fmt.Sprintf("%s: %s", k.resource, plain(err)))
		}
		all = append(all, found...)
	}
	live.Manifests, err = manifests(all)
	return live, err
}

// glance reads the source and the Flux Kustomizations, and returns the objects that
// it has read, too.
func (c *connection) glance(ctx context.Context) (rollout.LiveCluster, []unstructured.Unstructured, error) {
	live := rollout.LiveCluster{Context: c.context, At: c.now()}
	sources, err := c.need(ctx, gitRepositories)
	if err != nil {
		return live, nil, err
	}
	applications, err := c.need(ctx, kustomizations)
	if err != nil {
		return live, nil, err
	}
	for _, o := range sources {
		if o.GetNamespace() == c.source.Namespace && o.GetName() == c.source.Name {
			live.Source = source(o)
		}
	}
	for _, o := range applications {
		live.Applications = append(live.Applications, c.application(o))
	}
	slices.SortFunc(live.Applications, func(a, b rollout.LiveApplication) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return live, slices.Concat(sources, applications), nil
}

// need lists what a cluster with Flux has.
func (c *connection) need(ctx context.Context, k kind) ([]unstructured.Unstructured, error) {
	all, served, err := c.list(ctx, k)
	if err == nil && !served {
		return nil, &rollout.Problem{
			Kind: errNoFlux, What: fmt.Sprintf("the cluster serves no %s.%s: Flux is not installed there, or not all of it", k.resource, k.group),
			Ways: []string{fmt.Sprintf("flux --context %s check", rollout.Quote(c.context))},
		}
	}
	return all, err
}

// manifests are objects as somebody meant them: what the API server and the
// controllers write into them is taken out.
func manifests(all []unstructured.Unstructured) ([][]byte, error) {
	texts := make([][]byte, len(all))
	for i, o := range all {
		o.SetManagedFields(nil)
		delete(o.Object, "status")
		var err error
		if texts[i], err = json.Marshal(o.Object); err != nil {
			return nil, fmt.Errorf("read %s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
		}
	}
	return texts, nil
}

func source(o unstructured.Unstructured) *rollout.LiveSource {
	s := &rollout.LiveSource{
		Name: o.GetNamespace() + "/" + o.GetName(), Suspended: flag(o, "spec", "suspend"), Ready: condition(o),
		Revision: rollout.LiveRevision(text(o, "status", "artifact", "revision")), LiveRequests: requests(o),
	}
	s.Interval, _ = time.ParseDuration(text(o, "spec", "interval")) // the API server takes nothing else
	return s
}

func (c *connection) application(o unstructured.Unstructured) rollout.LiveApplication {
	namespace := cmp.Or(text(o, "spec", "sourceRef", "namespace"), o.GetNamespace())
	return rollout.LiveApplication{
		Namespace: o.GetNamespace(), Name: o.GetName(), Suspended: flag(o, "spec", "suspend"), Ready: condition(o),
		FromSource: text(o, "spec", "sourceRef", "kind") == "GitRepository" && namespace == c.source.Namespace &&
			text(o, "spec", "sourceRef", "name") == c.source.Name,
		Applied:   rollout.LiveRevision(text(o, "status", "lastAppliedRevision")),
		Attempted: rollout.LiveRevision(text(o, "status", "lastAttemptedRevision")), LiveRequests: requests(o),
	}
}

// condition is what Flux says of an object as it is now: what it said of an
// earlier generation says nothing of this one.
func condition(o unstructured.Unstructured) rollout.LiveCondition {
	all, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, one := range all {
		fields, ok := one.(map[string]any)
		if !ok || fields["type"] != "Ready" {
			continue
		}
		c := rollout.LiveCondition{Known: true, Ready: fields["status"] == "True"}
		c.Reason, _ = fields["reason"].(string)
		c.Message, _ = fields["message"].(string)
		since, _ := fields["lastTransitionTime"].(string)
		c.Since, _ = time.Parse(time.RFC3339, since)
		observed, ok := fields["observedGeneration"].(int64)
		if ok && observed < o.GetGeneration() || fields["status"] == "Unknown" {
			c.Known = false
		}
		return c
	}
	return rollout.LiveCondition{}
}

func requests(o unstructured.Unstructured) rollout.LiveRequests {
	return rollout.LiveRequests{Requested: o.GetAnnotations()[requestedAt], Handled: text(o, "status", "lastHandledReconcileAt")}
}

// text is a field that holds text, empty where there is none.
func text(o unstructured.Unstructured, fields ...string) string {
	value, _, _ := unstructured.NestedString(o.Object, fields...)
	return value
}

func flag(o unstructured.Unstructured, fields ...string) bool {
	value, _, _ := unstructured.NestedBool(o.Object, fields...)
	return value
}
