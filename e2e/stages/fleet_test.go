package stages

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/monosense/k8s-ops/e2e/internal/cluster"
	"github.com/monosense/k8s-ops/e2e/internal/desk"
	"github.com/monosense/k8s-ops/e2e/internal/process"
)

// A stage is one of testdata/clusters/rollout.yaml.
type stage struct {
	name, branch string
	clusters     []string
	soak         time.Duration
}

func stages() []stage {
	return []stage{
		{name: "canary", branch: desk.Upstream, clusters: []string{"canary"}},
		{name: "early", branch: "early", clusters: []string{"early-1", "early-2"}, soak: 4 * time.Hour},
		{name: "late", branch: "release", clusters: []string{"late-1", "late-2"}, soak: 12 * time.Hour},
	}
}

// branches are what each cluster follows, by the plan.
func branches() map[string]string {
	followed := map[string]string{}
	for _, stage := range stages() {
		for _, name := range stage.clusters {
			followed[name] = stage.branch
		}
	}
	return followed
}

// A fleet is five clusters that follow one repository.
type fleet struct {
	*desk.Desk
	run       *process.Run
	site      *cluster.Site
	clusters  map[string]*cluster.Cluster
	chronicle *chronicle
	cancel    context.CancelFunc

	mu    sync.Mutex
	words map[string][]string // that each cluster had, in the order in which they came
}

// startFleet starts the clusters and waits until all of them run what the
// repository begins with.
func startFleet(ctx context.Context, run *process.Run, parts cluster.Parts) (*fleet, error) {
	ctx, cancel := context.WithCancel(ctx)
	f := &fleet{run: run, cancel: cancel, words: map[string][]string{}}
	if err := f.start(ctx, parts); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *fleet) start(ctx context.Context, parts cluster.Parts) error {
	var err error
	if f.site, err = cluster.Open(ctx, f.run, parts); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(branches()))
	var group errgroup.Group
	group.Go(func() (err error) {
		f.clusters, err = f.site.StartAll(ctx, cluster.Lean(), names...)
		return err
	})
	group.Go(func() error { return f.furnish(ctx, names) })
	if err = group.Wait(); err != nil {
		return err
	}
	for name, at := range f.clusters {
		if err = at.Watch(ctx, configMaps, func(object *unstructured.Unstructured) { f.hear(name, object) }); err != nil {
			return err
		}
	}
	if err = cluster.Everywhere(ctx, f.clusters, f.connect); err != nil {
		return err
	}
	return cluster.Everywhere(ctx, f.clusters, f.arrives)
}

// Close ends what the run does not end.
func (f *fleet) Close() error {
	f.cancel()
	if f.Desk == nil {
		return nil
	}
	return f.Desk.Close()
}

// furnish makes what the clusters are to follow.
func (f *fleet) furnish(ctx context.Context, names []string) error {
	var err error
	if f.Desk, err = desk.Open(ctx, f.run, f.site, names...); err != nil {
		return err
	}
	if f.chronicle, err = newChronicle(f.Repo, f.Clock); err != nil {
		return err
	}
	return f.publish(ctx)
}

// publish fills the checkout from testdata, with an entry point for each cluster,
// and pushes it.
func (f *fleet) publish(ctx context.Context) error {
	names := map[string]string{"REPOSITORY": strings.TrimSuffix(f.URL(), ".git"), "URL": f.URL()}
	if err := fill(filepath.Join("testdata", "clusters"), filepath.Join(f.Work, "clusters"), names); err != nil {
		return err
	}
	for name, branch := range branches() {
		names["CLUSTER"], names["BRANCH"] = name, branch
		if err := fill(filepath.Join("testdata", "cluster"), f.entry(name), names); err != nil {
			return err
		}
	}
	if err := f.Begin(ctx); err != nil {
		return err
	}
	return f.chronicle.note("begin")
}

// entry is the directory that a cluster is connected with.
func (f *fleet) entry(name string) string { return filepath.Join(f.Work, "clusters", name, "flux") }

// fill copies a directory, with names for what stands in the files as ${NAME}.
func fill(from, to string, names map[string]string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text := os.Expand(string(data), func(name string) string { return names[name] })
		return os.WriteFile(path, []byte(text), 0o644)
	})
}

// configMaps is where the change of every revision is.
var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// connect has a cluster follow its branch.
func (f *fleet) connect(ctx context.Context, name string) error {
	if err := f.Admit(ctx, name); err != nil {
		return err
	}
	_, err := f.Kubectl(ctx, name, "apply", "--kustomize", f.entry(name))
	return err
}

// hear writes down the word that a cluster has.
func (f *fleet) hear(name string, object *unstructured.Unstructured) {
	word, found, _ := unstructured.NestedString(object.Object, "data", "word")
	if object.GetName() != "change" || !found {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if heard := f.words[name]; len(heard) == 0 || heard[len(heard)-1] != word {
		f.words[name] = append(heard, word)
	}
}

// heard are the words that a cluster had.
func (f *fleet) heard(name string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.words[name])
}

// kustomization is what each cluster applies everything with.
const kustomization = "cluster"

// arrives waits until a cluster has applied the head of its branch.
func (f *fleet) arrives(ctx context.Context, name string) error {
	branch := branches()[name]
	return cluster.Await(ctx, name+" to apply the head of "+branch, func(context.Context) error {
		head, err := f.Repo.Head(branch)
		if err != nil {
			return err
		}
		sight := f.clusters[name].Journal().Latest("Kustomization")[kustomization]
		if sight.Revision != branch+"@sha1:"+head || sight.Ready != "True" {
			return fmt.Errorf("want %s with %s, have %s", kustomization, head, sight.Says())
		}
		return nil
	})
}
