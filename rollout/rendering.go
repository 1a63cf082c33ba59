package rollout

import (
	"cmp"
	"slices"
	"strings"
)

// A Rendering is what clusters would apply of one tree.
type Rendering struct {
	// Clusters are in the order of the plan.
	Clusters []RenderedCluster `json:"clusters"`
}

// A RenderedCluster is what one cluster would apply.
type RenderedCluster struct {
	Stage   string `json:"stage"`
	Cluster string `json:"cluster"`
	// Branch is what its source follows, in the rendered manifests.
	Branch string `json:"branch"`
	// Applications are what applies a directory: the entry point first, and
	// what brings a Flux Kustomization before it.
	Applications []Application `json:"applications"`
}

// An Application is a directory that a Flux Kustomization applies, or the entry
// point, which nobody does but whoever set the cluster up.
type Application struct {
	// Chain leads to it: the cluster, and the names of the Flux Kustomizations.
	Chain []string `json:"chain"`
	// Namespace and Name are those of the Flux Kustomization, empty for the
	// entry point.
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	// Source is where the directory is from, Branch what that follows, and Path
	// the directory. Branch is empty for another repository.
	Source string `json:"source,omitempty"`
	Branch string `json:"branch,omitempty"`
	Path   string `json:"path"`
	// Unknown is what cannot be known of it from the repository alone, in
	// words, and Broken why it cannot be rendered.
	Unknown []string `json:"unknown,omitempty"`
	Broken  []string `json:"broken,omitempty"`
	// Suspended says that its Flux Kustomization is: it applies nothing new.
	Suspended bool `json:"suspended,omitempty"`
	// Objects are what it applies.
	Objects []RenderedObject `json:"-"`
	// Count is the number of Objects.
	Count int `json:"objects"`
	// Files are all that was read to render it, sorted: slash paths relative to
	// the repository's root.
	Files []string `json:"-"`
}

// A RenderedObject is one object as a cluster gets it.
type RenderedObject struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Text is the object as YAML. Variables that nobody knows offline stand in
	// it as ${NAME}.
	Text string `json:"-"`
}

// String names an object as findings do.
func (o RenderedObject) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// Compare orders objects by namespace, kind, name and group.
func (o RenderedObject) Compare(other RenderedObject) int {
	return cmp.Or(
		strings.Compare(o.Namespace, other.Namespace), strings.Compare(o.Kind, other.Kind),
		strings.Compare(o.Name, other.Name), strings.Compare(o.Group, other.Group),
	)
}

// Objects are all that the cluster would have, sorted. Of an object that is
// applied twice it is the one that is applied last.
func (c RenderedCluster) Objects() []RenderedObject {
	var all []RenderedObject
	for _, a := range slices.Backward(c.Applications) {
		all = append(all, a.Objects...)
	}
	slices.SortStableFunc(all, RenderedObject.Compare)
	return slices.CompactFunc(all, func(a, b RenderedObject) bool { return a.Compare(b) == 0 })
}

// Files are all that was read to render the cluster.
func (c RenderedCluster) Files() map[string]bool {
	files := map[string]bool{}
	for _, a := range c.Applications {
		for _, file := range a.Files {
			files[file] = true
		}
	}
	return files
}

// An ObjectChange is what becomes of one object between two trees.
type ObjectChange struct {
	Object RenderedObject `json:"object"`
	// Kind says what happens.
	Kind ObjectChangeKind `json:"change"`
	// Chain leads to what applies it, afterwards, or before where it goes.
	Chain []string `json:"chain"`
	// Diff are the lines that change, with some around them, as a unified diff
	// without file names. The values of Secrets are masked.
	Diff string `json:"diff"`
}

// ObjectChangeKind is what happens to an object.
type ObjectChangeKind string

// The kinds of changes.
const (
	ObjectAdded   ObjectChangeKind = "added"
	ObjectRemoved ObjectChangeKind = "removed"
	ObjectChanged ObjectChangeKind = "changed"
)

// A ClusterDiff is what a cluster would get new.
type ClusterDiff struct {
	Stage   string         `json:"stage"`
	Cluster string         `json:"cluster"`
	Changes []ObjectChange `json:"changes"`
	// Broken is what is not in the changes because it cannot be rendered, of the
	// tree that the cluster gets or of the one before, and Unknown what is not
	// known of the former.
	Broken  []string `json:"broken,omitempty"`
	Unknown []string `json:"unknown,omitempty"`
}
