package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/monosense/k8s-ops/rollout"
)

// Options say which clusters there are, and how they are reached.
type Options struct {
	// Source is what every cluster follows.
	Source rollout.Source
	// Contexts are those of clusters whose context has another name.
	Contexts map[string]string
	// Here is the cluster that this process runs in, which is reached as its service
	// account where the kubeconfig has no context for it. Default is none.
	Here string
	// Kubeconfig is a file. Default is what KUBECONFIG names, or else
	// ~/.kube/config.
	Kubeconfig string
	// Timeout is the longest that one request may take. Default is 10 seconds.
	Timeout time.Duration
	// Now is the clock.
	Now func() time.Time
}

// Clusters are the live ones of a plan.
type Clusters struct {
	options Options
	config  api.Config
}

var (
	_ rollout.Clusters        = (*Clusters)(nil)
	_ rollout.SteeredClusters = (*Clusters)(nil)
)

// Open reads the kubeconfig. It does not connect yet. An error is of kind
// [rollout.ErrUsage].
func Open(o Options) (*Clusters, error) {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	config, err := rules.Load()
	if err != nil {
		return nil, &rollout.Problem{
			Kind: rollout.ErrUsage, What: "the kubeconfig cannot be read", Cause: err,
			Ways: []string{"correct it, or name another one: KUBECONFIG=path"},
		}
	}
	return &Clusters{options: o, config: *config}, nil
}

// context is the name of a cluster's context.
func (c *Clusters) context(cluster string) string {
	if name, ok := c.options.Contexts[cluster]; ok {
		return name
	}
	return cluster
}

// dial prepares to speak to a cluster.
func (c *Clusters) dial(cluster string) (*connection, error) {
	name := c.context(cluster)
	config, err := c.restConfig(cluster)
	if err != nil {
		return nil, err
	}
	config.Timeout, config.UserAgent = c.options.Timeout, "k8s-ops"
	// Warnings of the API server would go to the standard error of the process.
	config.WarningHandler = rest.NoWarnings{}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, unusable(name, err)
	}
	return &connection{context: name, objects: objects, source: c.options.Source, now: c.options.Now}, nil
}

func (c *Clusters) restConfig(cluster string) (*rest.Config, error) {
	name := c.context(cluster)
	if _, known := c.config.Contexts[name]; known {
		config, err := clientcmd.NewNonInteractiveClientConfig(c.config, name, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
		if err != nil {
			return nil, unusable(name, err)
		}
		return config, nil
	}
	if cluster == c.options.Here {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, &rollout.Problem{
				Kind: rollout.ErrUsage, What: fmt.Sprintf("this process is said to run in the cluster %s, and does not run in any", rollout.Printable(cluster, 80)), Cause: err,
				Ways: []string{"unset ROLLOUT_CLUSTER, and name a kubeconfig: KUBECONFIG=path"},
			}
		}
		return config, nil
	}
	return nil, &rollout.Problem{
		Kind: rollout.ErrUsage, What: fmt.Sprintf("the kubeconfig has no context %q", name),
		Ways: []string{c.known(), "in the plan, write which context it is: `contexts: {<cluster>: <context>}`", "if this runs in that cluster itself: ROLLOUT_CLUSTER=" + rollout.Printable(cluster, 80)},
	}
}

// known says which contexts there are.
func (c *Clusters) known() string {
	names := slices.Sorted(maps.Keys(c.config.Contexts))
	const shown = 20
	switch {
	case len(names) == 0:
		return "it has none: set KUBECONFIG, or run it where a kubeconfig is"
	case len(names) > shown:
		names = append(names[:shown:shown], fmt.Sprintf("and %d more", len(names)-shown))
	}
	return "it has " + rollout.Printable(strings.Join(names, ", "), 1000)
}

func unusable(context string, err error) error {
	return &rollout.Problem{
		Kind: rollout.ErrUsage, What: fmt.Sprintf("the context %q of the kubeconfig cannot be used", context), Cause: err,
		Ways: []string{fmt.Sprintf("kubectl --context %s version", rollout.Quote(context))},
	}
}

// A connection is to one cluster.
type connection struct {
	context string
	objects dynamic.Interface
	source  rollout.Source
	now     func() time.Time
}

// A kind is one of Flux's, and the versions in which it has been served, newest
// first.
type kind struct {
	group, resource string
	versions        []string
}

var (
	gitRepositories = kind{"source.toolkit.fluxcd.io", "gitrepositories", []string{"v1", "v1beta2", "v1beta1"}}
	kustomizations  = kind{"kustomize.toolkit.fluxcd.io", "kustomizations", []string{"v1", "v1beta2", "v1beta1"}}
	// others can make or move the two. A cluster need not have them.
	others = []kind{
		{"image.toolkit.fluxcd.io", "imageupdateautomations", []string{"v1", "v1beta2", "v1beta1"}},
		{"fluxcd.controlplane.io", "fluxinstances", []string{"v1"}},
		{"fluxcd.controlplane.io", "resourcesets", []string{"v1"}},
	}
)

// resources are how the kind is asked for, in each of its versions. Which of them
// a cluster serves is found out by asking: client-go's discovery brings along every
// type of Kubernetes, which doubled the time in which any target starts.
func (k kind) resources() []schema.GroupVersionResource {
	all := make([]schema.GroupVersionResource, len(k.versions))
	for i, version := range k.versions {
		all[i] = schema.GroupVersionResource{Group: k.group, Version: version, Resource: k.resource}
	}
	return all
}

// list reads all objects of a kind, in the newest version that the cluster serves.
// It is false where it serves none.
func (c *connection) list(ctx context.Context, k kind) ([]unstructured.Unstructured, bool, error) {
	for _, resource := range k.resources() {
		all, err := c.listVersion(ctx, resource)
		if !apierrors.IsNotFound(err) {
			return all, true, err
		}
	}
	return nil, false, nil
}

func (c *connection) listVersion(ctx context.Context, resource schema.GroupVersionResource) ([]unstructured.Unstructured, error) {
	const page = 500
	var all []unstructured.Unstructured
	options := metav1.ListOptions{Limit: page}
	for {
		found, err := c.objects.Resource(resource).List(ctx, options)
		if err != nil {
			return nil, err
		}
		all = append(all, found.Items...)
		if options.Continue = found.GetContinue(); options.Continue == "" {
			return all, nil
		}
	}
}
