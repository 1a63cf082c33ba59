package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var (
	customResourceDefinitions = schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	}
	namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
)

// fieldManager is who the harness is to an API server.
const fieldManager = "e2e"

// define installs what `flux install` would, but for the controllers: the
// definitions and the namespace.
func (c *Cluster) define(ctx context.Context) error {
	for _, definition := range c.site.definitions {
		if err := c.apply(ctx, customResourceDefinitions, definition); err != nil {
			return err
		}
	}
	if err := c.apply(ctx, namespaces, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": Namespace},
	}}); err != nil {
		return err
	}
	for _, definition := range c.site.definitions {
		if err := Await(ctx, definition.GetName()+" to be served", func(ctx context.Context) error {
			return c.established(ctx, definition.GetName())
		}); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) established(ctx context.Context, name string) error {
	definition, err := c.client.Resource(customResourceDefinitions).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	conditions, _, _ := unstructured.NestedSlice(definition.Object, "status", "conditions")
	for _, item := range conditions {
		if condition, isMap := item.(map[string]any); isMap && condition["type"] == "Established" && condition["status"] == "True" {
			return nil
		}
	}
	return fmt.Errorf("%s is not established: %v", name, conditions)
}

// apply is a server-side apply.
func (c *Cluster) apply(ctx context.Context, resource schema.GroupVersionResource, object *unstructured.Unstructured) error {
	data, err := json.Marshal(object.Object)
	if err != nil {
		return err
	}
	client := c.client.Resource(resource)
	force := true
	options := metav1.PatchOptions{FieldManager: fieldManager, Force: &force}
	if namespace := object.GetNamespace(); namespace != "" {
		_, err = client.Namespace(namespace).Patch(ctx, object.GetName(), types.ApplyPatchType, data, options)
	} else {
		_, err = client.Patch(ctx, object.GetName(), types.ApplyPatchType, data, options)
	}
	if err != nil {
		return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}
