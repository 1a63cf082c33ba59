package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// An Inventory is everything that is in a cluster: for each object its version,
// which the API server changes with every write.
type Inventory map[string]string

// restless are the kinds that change although nobody changes the cluster.
var restless = []schema.GroupResource{
	{Resource: "events"}, {Group: "events.k8s.io", Resource: "events"}, {Group: "coordination.k8s.io", Resource: "leases"},
}

// Inventory asks the API server for everything that there is. What Flux reports
// in the status of its own objects does not count: it writes there when it has
// looked, and found nothing to do.
func (c *Cluster) Inventory(ctx context.Context) (Inventory, error) {
	lists, err := c.discovery.ServerPreferredResources()
	if err != nil {
		return nil, fmt.Errorf("ask %s for its kinds: %w", c.name, err)
	}
	found := Inventory{}
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "watch"}}, lists) {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range list.APIResources {
			if err := c.take(ctx, found, group.WithResource(resource.Name)); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func (c *Cluster) take(ctx context.Context, into Inventory, resource schema.GroupVersionResource) error {
	if slices.Contains(restless, resource.GroupResource()) {
		return nil
	}
	list, err := c.client.Resource(resource).List(ctx, metav1.ListOptions{})
	if errors.IsNotFound(err) || errors.IsMethodNotSupported(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list the %s of %s: %w", resource.Resource, c.name, err)
	}
	for _, object := range list.Items {
		into[resource.GroupResource().String()+" "+object.GetNamespace()+"/"+object.GetName()] = version(&object, resource.Group)
	}
	return nil
}

func version(object *unstructured.Unstructured, group string) string {
	if strings.HasSuffix(group, ".toolkit.fluxcd.io") {
		return fmt.Sprintf("%s generation %d", object.GetUID(), object.GetGeneration())
	}
	return fmt.Sprintf("%s version %s", object.GetUID(), object.GetResourceVersion())
}

// Changes are the objects that differ between two inventories.
func (i Inventory) Changes(later Inventory) []string {
	changed := map[string]bool{}
	for object, version := range i {
		changed[object] = later[object] != version
	}
	for object, version := range later {
		changed[object] = i[object] != version
	}
	maps.DeleteFunc(changed, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(changed))
}
