package rollout

import (
	"context"
	"strings"
	"time"
)

// Clusters are the live ones. The adapter is rollout/cluster.
type Clusters interface {
	// Look reads what a cluster follows and what it applied. The error says why
	// it does not answer, or not as a cluster with Flux does.
	Look(ctx context.Context, cluster string) (LiveCluster, error)
}

// A LiveCluster is what a cluster itself says.
type LiveCluster struct {
	// Context is what it was reached by, as kubectl names it.
	Context string
	// Source is the plan's source as the cluster has it, nil where it has none.
	Source *LiveSource
	// Applications are the Flux Kustomizations, sorted by namespace and name.
	Applications []LiveApplication
	// Manifests are the objects that decide what is applied, each as JSON: the
	// GitRepositories, the Flux Kustomizations, and whatever else may make or
	// move them, as far as they may be read.
	Manifests [][]byte
	// Unread is what could not be read beside the two, in words.
	Unread []string
}

// A LiveSource is a GitRepository as a cluster has it.
type LiveSource struct {
	Name      string
	Suspended bool
	// Interval is how often Flux looks for something new.
	Interval time.Duration
	// Revision is what it has fetched.
	Revision LiveRevision
	Ready    LiveCondition
}

// A LiveApplication is a Flux Kustomization as a cluster has it.
type LiveApplication struct {
	Namespace, Name string
	Suspended       bool
	// FromSource says that it applies the plan's source: of any other, the
	// revisions say nothing of a stage's branch.
	FromSource bool
	// Applied is what was applied last, and Attempted what was tried last.
	Applied, Attempted LiveRevision
	Ready              LiveCondition
}

// A LiveCondition is whether something is ready, as Flux says it.
type LiveCondition struct {
	// Known says that Flux has said anything, of the object as it is now.
	Known bool
	Ready bool
	// Reason is a word, Message a sentence of Flux's, and Since when it became so.
	Reason, Message string
	Since           time.Time
}

// A LiveRevision is what Flux names a commit by: main@sha1:1a2b3c4….
type LiveRevision string

// Commit is the commit, empty where the text names none.
func (r LiveRevision) Commit() SHA {
	text := string(r)
	if i := strings.LastIndexAny(text, ":/"); i >= 0 { // before v2.0 it was main/1a2b3c4…
		text = text[i+1:]
	}
	sha, err := ParseSHA(text)
	if err != nil {
		return ""
	}
	return sha
}

// String names an application as findings do.
func (a LiveApplication) String() string { return a.Namespace + "/" + a.Name }
