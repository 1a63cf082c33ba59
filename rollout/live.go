package rollout

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Clusters are the live ones. The adapter is rollout/cluster.
type Clusters interface {
	// Look reads what a cluster follows and what it applied. The error says why
	// it does not answer, or not as a cluster with Flux does.
	Look(ctx context.Context, cluster string) (LiveCluster, error)
}

// SteeredClusters are live ones whose Flux can be told something.
type SteeredClusters interface {
	// Glance is a look at the source and the Flux Kustomizations alone: without
	// Manifests and Unread.
	Glance(ctx context.Context, cluster string) (LiveCluster, error)
	// Request asks Flux to reconcile an object at once, and returns what Flux
	// repeats in Handled when it has.
	Request(ctx context.Context, cluster string, o LiveObject) (request string, err error)
	// Suspend makes Flux leave an object as it is, and Resume lets it go on.
	Suspend(ctx context.Context, cluster string, o LiveObject) error
	Resume(ctx context.Context, cluster string, o LiveObject) error
}

// A LiveObject names one of Flux's objects.
type LiveObject struct {
	Kind            LiveKind
	Namespace, Name string
}

// LiveKind is the kind of one of Flux's objects, as Kubernetes writes it.
type LiveKind string

// The kinds that can be told something.
const (
	LiveSourceKind      LiveKind = "GitRepository"
	LiveApplicationKind LiveKind = "Kustomization"
)

// String names an object as findings do.
func (o LiveObject) String() string {
	return Printable(fmt.Sprintf("%s %s/%s", o.Kind, o.Namespace, o.Name), 300)
}

// A LiveCluster is what a cluster itself says.
type LiveCluster struct {
	// Context is what it was reached by, as kubectl names it, and At when, by the
	// clock of this machine.
	Context string
	At      time.Time
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
	LiveRequests
	Ready LiveCondition
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
	LiveRequests
	Ready LiveCondition
}

// LiveRequests are what was asked of Flux for an object.
type LiveRequests struct {
	// Requested is the newest request to reconcile it, whosever it is, and Handled
	// the newest that Flux has come to.
	Requested, Handled string
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

// Branch is the branch that Flux had it from, empty where the text names none.
func (r LiveRevision) Branch() string {
	branch := strings.TrimSuffix(string(r), "/"+string(r.Commit())) // before v2.0
	if at := strings.LastIndex(string(r), "@"); at >= 0 {
		branch = string(r)[:at]
	}
	return strings.TrimPrefix(branch, "refs/heads/")
}

// String names an application as findings do.
func (a LiveApplication) String() string { return Printable(a.Namespace+"/"+a.Name, 300) }

// isCalled tells whether somebody means it by a name, or by namespace/name.
func (a LiveApplication) isCalled(name string) bool {
	return a.Name == name || a.Namespace+"/"+a.Name == name
}

func (a LiveApplication) object() LiveObject {
	return LiveObject{Kind: LiveApplicationKind, Namespace: a.Namespace, Name: a.Name}
}

// Application is the Flux Kustomization that somebody means by its name, or by
// namespace/name. The error of an unknown name lists the known ones.
func (c LiveCluster) Application(name string) (LiveObject, error) {
	var found []LiveObject
	var all []string
	for _, a := range c.Applications {
		if a.isCalled(name) {
			found = append(found, a.object())
		}
		all = append(all, a.String())
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return LiveObject{}, &Problem{
			Kind: ErrUsage, What: fmt.Sprintf("the cluster has no Flux Kustomization %q", Printable(name, 80)),
			Ways: []string{"it has " + Printable(strings.Join(all, ", "), 1000)},
		}
	default:
		return LiveObject{}, &Problem{
			Kind: ErrUsage, What: fmt.Sprintf("the cluster has %d Flux Kustomizations %q", len(found), Printable(name, 80)),
			Ways: []string{"say in which namespace: " + found[0].Namespace + "/" + found[0].Name},
		}
	}
}

// Object is the plan's source as an object.
func (s Source) Object() LiveObject {
	return LiveObject{Kind: LiveSourceKind, Namespace: s.Namespace, Name: s.Name}
}
