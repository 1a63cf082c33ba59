package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/desk"
)

// branches are what each cluster follows, by the plan.
var branches = map[string]string{infra: upstream, apps: downstream}

// settled waits until every Kustomization of a cluster is ready with the head of
// the cluster's branch, and until the source is seen there, too: the journal has two
// streams, and one may be late.
func (f *fleet) settled(ctx context.Context, name string) error {
	branch := branches[name]
	return cluster.Await(ctx, name+" to settle", func(context.Context) error {
		head, err := f.repo.Head(branch)
		if err != nil {
			return err
		}
		want := branch + "@sha1:" + head
		journal := f.clusters[name].Journal()
		if source := journal.Latest("GitRepository")[desk.Name]; source.Branch != branch || source.Revision != want {
			return fmt.Errorf("want the source to have %s, have %s", want, source.Says())
		}
		seen := journal.Latest("Kustomization")
		for _, kustomization := range kustomizations {
			if sight := seen[kustomization]; sight.Revision != want || sight.Ready != "True" || !sight.Current {
				return fmt.Errorf("want %s to be ready with %s, have %s", kustomization, want, sight.Says())
			}
		}
		if len(seen) != len(kustomizations) {
			return fmt.Errorf("there are other Kustomizations than %v: %v", kustomizations, seen)
		}
		return nil
	})
}

// point makes a cluster follow another branch.
func (f *fleet) point(ctx context.Context, cluster, branch string) error {
	_, err := f.kubectl(ctx, cluster, "patch", "gitrepository", name, "--namespace=flux-system", "--type=merge",
		fmt.Sprintf(`--patch={"spec":{"ref":{"branch":%q}}}`, branch))
	return err
}

// looks waits until a cluster has looked so many times for a new revision: as
// long as that, something had time to happen.
func (f *fleet) looks(ctx context.Context, name string, times int) error {
	begun := f.Desk.Looks(name)
	return cluster.Await(ctx, fmt.Sprintf("%s to look %d times for a new revision", name, times), func(context.Context) error {
		if n := f.Desk.Looks(name) - begun; n < times {
			return fmt.Errorf("it has looked %d times", n)
		}
		return nil
	})
}

// Where podinfo is.
var (
	deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	services    = schema.GroupVersionResource{Version: "v1", Resource: "services"}
)

// podinfo is one of podinfo's objects in a cluster.
func (f *fleet) podinfo(ctx context.Context, name string, kind schema.GroupVersionResource) (*unstructured.Unstructured, error) {
	return f.clusters[name].Client().Resource(kind).Namespace("podinfo").Get(ctx, "podinfo", metav1.GetOptions{})
}

// message is what podinfo is told to say in a cluster.
func (f *fleet) message(ctx context.Context, name string) (string, error) {
	found, err := f.podinfo(ctx, name, deployments)
	if err != nil {
		return "", err
	}
	data, err := found.MarshalJSON()
	if err != nil {
		return "", err
	}
	var podinfo struct {
		Spec struct{ Template struct{ Spec podSpec } }
	}
	if err := json.Unmarshal(data, &podinfo); err != nil {
		return "", err
	}
	for _, container := range podinfo.Spec.Template.Spec.Containers {
		for _, variable := range container.Env {
			if variable.Name == "PODINFO_UI_MESSAGE" {
				return variable.Value, nil
			}
		}
	}
	return "", fmt.Errorf("podinfo of %s is not told what to say", name)
}

// note is what stands on podinfo's Service in a cluster.
func (f *fleet) note(ctx context.Context, name string) (string, error) {
	found, err := f.podinfo(ctx, name, services)
	if err != nil {
		return "", err
	}
	return found.GetAnnotations()["note"], nil
}

// podSpec is what matters of one.
type podSpec struct {
	Containers []struct {
		Env []struct{ Name, Value string }
	}
}

// astray is what Flux did in a cluster, after a mark of its journal, that the plan
// does not say: following another branch, or fetching or applying from one.
func (f *fleet) astray(name string, mark int) []cluster.Sight {
	branch := branches[name]
	var astray []cluster.Sight
	for _, sight := range f.clusters[name].Journal().Since(mark) {
		followed := sight.Kind != "GitRepository" || sight.Branch == branch
		if !followed || from(sight.Revision, branch) || from(sight.Attempted, branch) {
			astray = append(astray, sight)
		}
	}
	return astray
}

// from is whether a revision comes from elsewhere than a branch.
func from(revision, branch string) bool {
	return revision != "" && !strings.HasPrefix(revision, branch+"@sha1:")
}
