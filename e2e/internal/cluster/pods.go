package cluster

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var pods = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

// Unreachable is a registry from which no node can pull: a host that nobody has.
const Unreachable = "registry.invalid"

// runPods stands in for nodes: every pod is said to run and to be ready, unless its
// image cannot be pulled. Such a pod stays pending.
func (c *Cluster) runPods(ctx context.Context) error {
	return c.Watch(ctx, pods, func(pod *unstructured.Unstructured) {
		if phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase"); phase == "Running" || !pullable(pod) {
			return
		}
		// An API server that is away is back when the watch tells of the pod again.
		_ = c.runPod(ctx, pod)
	})
}

// pullable is whether a node could pull all images of a pod.
func pullable(pod *unstructured.Unstructured) bool {
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
	return !slices.ContainsFunc(containers, func(container any) bool {
		fields, _ := container.(map[string]any)
		image, _ := fields["image"].(string)
		return strings.HasPrefix(image, Unreachable+"/")
	})
}

// runPod writes the status that a kubelet would.
func (c *Cluster) runPod(ctx context.Context, pod *unstructured.Unstructured) error {
	now := time.Now().UTC().Format(time.RFC3339)
	var conditions []any
	for _, kind := range []string{"PodScheduled", "Initialized", "ContainersReady", "Ready"} {
		conditions = append(conditions, map[string]any{"type": kind, "status": "True", "lastTransitionTime": now})
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"phase": "Running", "startTime": now, "conditions": conditions,
	}})
	if err != nil {
		return err
	}
	_, err = c.client.Resource(pods).Namespace(pod.GetNamespace()).
		Patch(ctx, pod.GetName(), types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}
