package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// What Flux's own objects are called.
var (
	GitRepositories = schema.GroupVersionResource{Group: "source.toolkit.fluxcd.io", Version: "v1", Resource: "gitrepositories"}
	Kustomizations  = schema.GroupVersionResource{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Resource: "kustomizations"}
)

// A Sight is one state of a source or a Kustomization, when it was seen first.
type Sight struct {
	Seen time.Time
	Kind string
	Name string
	// Branch that a source follows.
	Branch string
	// Revision that a source has fetched, or that a Kustomization has applied:
	// branch@sha1:commit.
	Revision string
	// Attempted is the revision that a Kustomization tried last.
	Attempted string
	// Current says that what the status tells is about the object as it is.
	Current bool
	// Ready is the status of that condition, and Message what it says.
	Ready, Message string
}

// Commit is what the revision names.
func (s Sight) Commit() string { return commitOf(s.Revision) }

// Says describes the sight for an error.
func (s Sight) Says() string {
	return fmt.Sprintf("%s %s: branch %q, revision %q, attempted %q, ready %q: %s",
		s.Kind, s.Name, s.Branch, s.Revision, s.Attempted, s.Ready, s.Message)
}

func commitOf(revision string) string {
	_, commit, _ := strings.Cut(revision, "@sha1:")
	return commit
}

// A Journal keeps what an API server's watch streams told.
type Journal struct {
	mu     sync.Mutex
	sights []Sight
	latest map[string]Sight // by kind and name
}

// keepJournal writes down every change of what Flux reports.
func (c *Cluster) keepJournal(ctx context.Context) error {
	c.journal = &Journal{latest: map[string]Sight{}}
	if err := c.Watch(ctx, GitRepositories, c.journal.note); err != nil {
		return err
	}
	return c.Watch(ctx, Kustomizations, c.journal.note)
}

// again is how often a watch tells of what has not changed: whoever could not act
// on it then acts on it now.
const again = 5 * time.Second

// Watch calls seen with every state of every object, until ctx ends. It goes on
// after the API server was away.
func (c *Cluster) Watch(ctx context.Context, resource schema.GroupVersionResource, seen func(*unstructured.Unstructured)) error {
	informer := dynamicinformer.NewDynamicSharedInformerFactory(c.client, again).ForResource(resource).Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { seen(object.(*unstructured.Unstructured)) },
		UpdateFunc: func(_, object any) { seen(object.(*unstructured.Unstructured)) },
	})
	if err != nil {
		return err
	}
	go informer.RunWithContext(ctx)
	return nil
}

// note adds a state that differs from the one before.
func (j *Journal) note(object *unstructured.Unstructured) {
	sight := sightOf(object)
	key := sight.Kind + "/" + sight.Name
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.latest[key] == sight {
		return
	}
	j.latest[key] = sight
	sight.Seen = time.Now()
	j.sights = append(j.sights, sight)
}

func sightOf(object *unstructured.Unstructured) Sight {
	text := func(path ...string) string {
		value, _, _ := unstructured.NestedString(object.Object, path...)
		return value
	}
	sight := Sight{
		Kind: object.GetKind(), Name: object.GetName(), Branch: text("spec", "ref", "branch"),
		Revision: text("status", "artifact", "revision"),
	}
	if sight.Kind == "Kustomization" {
		sight.Revision, sight.Attempted = text("status", "lastAppliedRevision"), text("status", "lastAttemptedRevision")
	}
	observed, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	sight.Current = observed == object.GetGeneration()
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, item := range conditions {
		if condition, isMap := item.(map[string]any); isMap && condition["type"] == "Ready" {
			sight.Ready, _ = condition["status"].(string)
			sight.Message, _ = condition["message"].(string)
		}
	}
	return sight
}

// Latest are the newest sights of a kind, by name.
func (j *Journal) Latest(kind string) map[string]Sight {
	j.mu.Lock()
	defer j.mu.Unlock()
	found := map[string]Sight{}
	for _, sight := range j.latest {
		if sight.Kind == kind {
			found[sight.Name] = sight
		}
	}
	return found
}

// Since are the sights that came after so many.
func (j *Journal) Since(mark int) []Sight {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.sights[mark:])
}

// Mark is how many sights there are.
func (j *Journal) Mark() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.sights)
}

// Commits are all commits that Flux has fetched, tried or applied here, in the
// order in which they came.
func (j *Journal) Commits() []string {
	var commits []string
	for _, sight := range j.Since(0) {
		for _, revision := range []string{sight.Revision, sight.Attempted} {
			if commit := commitOf(revision); commit != "" && !slices.Contains(commits, commit) {
				commits = append(commits, commit)
			}
		}
	}
	return commits
}
