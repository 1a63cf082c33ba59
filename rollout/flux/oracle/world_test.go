package oracle

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	ssautil "github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A world is a cluster in which nothing runs but a kustomize-controller.
type world struct {
	*controller
	name string
	// entry is what somebody applied by hand, and applied what Flux
	// Kustomizations did, by their names.
	entry   outcome
	applied map[string]outcome
	// presumed are the ConfigMaps that nothing brings and something needs: somebody
	// made them by hand.
	presumed map[string]bool
}

// An outcome is what became of one Flux Kustomization.
type outcome struct {
	objects []*unstructured.Unstructured
	err     error
	// lacks is a ConfigMap that is not there.
	lacks string
}

// The kinds that matter here.
const (
	kustomizeGroup = "kustomize.toolkit.fluxcd.io"
	sourceGroup    = "source.toolkit.fluxcd.io"
)

func groupOf(o *unstructured.Unstructured) string {
	group, _, ok := strings.Cut(o.GetAPIVersion(), "/")
	if !ok {
		return ""
	}
	return group
}

func fullName(o *unstructured.Unstructured) string { return o.GetNamespace() + "/" + o.GetName() }

// An identity is what a cluster tells objects apart by.
func identity(o *unstructured.Unstructured) string {
	return groupOf(o) + " " + o.GetKind() + " " + fullName(o)
}

// all are the objects of the cluster: what Flux applied overrules what was
// applied by hand.
func (w *world) all() []*unstructured.Unstructured {
	latest := map[string]*unstructured.Unstructured{}
	var order []string
	add := func(objects []*unstructured.Unstructured) {
		for _, o := range objects {
			if latest[identity(o)] == nil {
				order = append(order, identity(o))
			}
			latest[identity(o)] = o
		}
	}
	add(w.entry.objects)
	for _, name := range w.names() {
		add(w.applied[name].objects)
	}
	found := make([]*unstructured.Unstructured, len(order))
	for i, id := range order {
		found[i] = latest[id]
	}
	return found
}

func (w *world) names() []string {
	var names []string
	for name := range w.applied {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (w *world) object(group, kind, namespace, name string) *unstructured.Unstructured {
	for _, o := range w.all() {
		if groupOf(o) == group && o.GetKind() == kind && o.GetNamespace() == namespace && o.GetName() == name {
			return o
		}
	}
	return nil
}

// mostPasses is how often a cluster reconciles all before it has to have come to
// rest.
const mostPasses = 60

// settle reconciles until nothing changes any more.
func (w *world) settle() error {
	for range mostPasses {
		before := w.fingerprint()
		w.pass()
		if w.fingerprint() != before {
			continue
		}
		if !w.presume() {
			return nil
		}
	}
	return fmt.Errorf("the cluster does not come to rest")
}

// pass reconciles every Flux Kustomization of the cluster once.
func (w *world) pass() {
	kept := map[string]outcome{}
	for _, o := range w.all() {
		if groupOf(o) == kustomizeGroup && o.GetKind() == "Kustomization" && w.follows(o) {
			kept[fullName(o)] = w.apply(o)
		}
	}
	w.applied = kept
}

// follows tells whether a Flux Kustomization applies something of the repository
// to this cluster. Whether that is suspended is another question.
func (w *world) follows(o *unstructured.Unstructured) bool {
	k, err := typed(o)
	if err != nil {
		return false
	}
	ref := k.Spec.SourceRef
	namespace := ref.Namespace
	if namespace == "" {
		namespace = k.Namespace
	}
	return ref.Kind == "GitRepository" && ref.Name == sourceName && namespace == sourceName && k.Spec.KubeConfig == nil
}

func (w *world) apply(o *unstructured.Unstructured) outcome {
	k, err := typed(o)
	if err != nil {
		return outcome{err: err}
	}
	objects, lacks, err := w.reconcile(k, w.ignore(), w)
	if err == nil {
		err = refused(objects)
	}
	if err != nil {
		return outcome{err: err, lacks: lacks}
	}
	return outcome{objects: slices.Concat(objects, operated(objects))}
}

// refused says which of the objects the API server refuses, and so all of them:
// they are applied on trial first.
func refused(objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		if groupOf(o) != kustomizeGroup || o.GetKind() != "Kustomization" {
			continue
		}
		if _, err := typed(o); err != nil {
			return fmt.Errorf("the API server refuses %s: %w", fullName(o), err)
		}
	}
	return nil
}

// ignore is what the GitRepository leaves out.
func (w *world) ignore() string {
	source := w.object(sourceGroup, "GitRepository", sourceName, sourceName)
	if source == nil {
		return ""
	}
	ignore, _, _ := unstructured.NestedString(source.Object, "spec", "ignore")
	return ignore
}

// presume makes up the ConfigMap that the first of the Flux Kustomizations lacks.
func (w *world) presume() bool {
	for _, name := range w.names() {
		if lacks := w.applied[name].lacks; lacks != "" && !w.presumed[lacks] {
			w.presumed[lacks] = true
			return true
		}
	}
	return false
}

func (w *world) fingerprint() string {
	var b strings.Builder
	for _, name := range w.names() {
		fmt.Fprintf(&b, "%s %v\n", name, w.applied[name].err)
		for _, o := range w.applied[name].objects {
			text, _ := o.MarshalJSON()
			b.Write(text)
		}
	}
	return b.String()
}

// An entry is a directory that somebody applied, or one file in it.
type entry struct{ dir, only string }

// entryOf finds the entry point of a cluster, as docs/rendering.md says.
func entryOf(root, cluster string) (entry, bool) {
	home := path.Join("clusters", cluster)
	for _, dir := range []string{path.Join(home, "flux"), path.Join(home, "flux-system")} {
		if hasKustomization(root, dir) {
			return entry{dir: dir}, true
		}
	}
	if dir := path.Join(home, "flux-system"); isFile(root, path.Join(dir, "gotk-sync.yaml")) {
		return entry{dir: dir, only: "gotk-sync.yaml"}, true
	}
	found := instances(filepath.Join(root, home))
	if len(found) == 0 {
		return entry{}, false
	}
	name, err := filepath.Rel(root, found[0])
	if err != nil {
		return entry{}, false
	}
	dir, base := path.Split(filepath.ToSlash(name))
	if hasKustomization(root, dir) {
		base = ""
	}
	return entry{dir: dir, only: base}, true
}

// instances are the files below a directory with something that makes a FluxInstance.
func instances(dir string) []string {
	var found []string
	_ = filepath.Walk(dir, func(file string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() || filepath.Ext(file) != ".yaml" {
			return nil //nolint:nilerr // there may be no such directory
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if objects, err := ssautil.ReadObjects(bytes.NewReader(content)); err == nil && len(operated(objects)) > 0 {
			found = append(found, file)
		}
		return nil
	})
	return found
}

func isFile(root, name string) bool {
	info, err := os.Lstat(filepath.Join(root, filepath.FromSlash(name)))
	return err == nil && info.Mode().IsRegular()
}

func hasKustomization(root, dir string) bool {
	return isFile(root, path.Join(dir, "kustomization.yaml")) || isFile(root, path.Join(dir, "kustomization.yml")) || isFile(root, path.Join(dir, "Kustomization"))
}
