package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Plan is what clusters/rollout.yaml says: the repository, what Flux calls
// it, where the ledger is kept, and the stages in the order in which a
// revision passes through them.
type Plan struct {
	// Repository is where the branches live.
	Repository Repository
	// Source is the Flux GitRepository that every cluster follows.
	Source Source
	// Ledger is the branch that keeps the audit trail and the state.
	Ledger string
	// Stages are in order; the first has no upstream, every other has the one
	// before it.
	Stages []Stage
	// Override says what an override has to bring along.
	Override OverridePolicy
	// Entries are the entry points of clusters that are not where they are
	// looked for, by the cluster's name: slash paths relative to the
	// repository's root.
	Entries map[string]string
	// Contexts are those of the kubeconfig by which live clusters are reached, by
	// the cluster's name, where they have another name.
	Contexts map[string]string
	// RulesOff are the rules of verification that are turned off, by ID, with
	// the reason.
	RulesOff map[string]string
}

// Source names the Flux GitRepository object that a cluster's Kustomizations
// have to use.
type Source struct {
	Name      string
	Namespace string
}

// OverridePolicy is what the plan asks of an override.
type OverridePolicy struct {
	// ReasonRequired refuses an override that gives no reason.
	ReasonRequired bool
}

// A Stage is a branch, the clusters that follow it, and what a revision needs
// to enter it.
type Stage struct {
	// Name is unique within the plan.
	Name string
	// Branch is the branch that the stage's clusters follow, without
	// "refs/heads/".
	Branch string
	// Clusters are the names of directories under clusters/.
	Clusters []string
	// Soak is the least time between a revision's arrival upstream and its
	// promotion into this stage. It is zero for the first stage.
	Soak time.Duration
	// SoakClock says which time counts. Default is [WallClock].
	SoakClock SoakClock
	// Health is what has to have been reported of a revision. Default is
	// nothing.
	Health Health
	// Observed asks that a cluster reported to have applied the revision
	// itself, or one with the same tree.
	Observed bool
	// Exposure is what is made of changes that no cluster before has met.
	// Default is that nobody looks.
	Exposure ExposurePolicy
	// Windows say when something may be promoted. Default is always.
	Windows Windows
}

// Upstream returns the stage before the named one. It is false for the first
// stage and for a name that the plan does not have.
func (p Plan) Upstream(name string) (Stage, bool) {
	for i, stage := range p.Stages {
		if stage.Name == name && i > 0 {
			return p.Stages[i-1], true
		}
	}
	return Stage{}, false
}

// Stage returns the named stage. The error of an unknown name lists the known
// ones.
func (p Plan) Stage(name string) (Stage, error) {
	for _, stage := range p.Stages {
		if stage.Name == name {
			return stage, nil
		}
	}
	return Stage{}, usagef("the plan has no stage %q; it has %s", name, strings.Join(p.StageNames(), ", "))
}

// ClustersNamed are the clusters that a name means: all of a stage, or else one.
// The error of an unknown name lists the known ones.
func (p Plan) ClustersNamed(name string) ([]string, error) {
	if stage, err := p.Stage(name); err == nil {
		return stage.Clusters, nil
	}
	if _, err := p.StageOf(name); err == nil {
		return []string{name}, nil
	}
	return nil, &Problem{
		Kind: ErrUsage, What: fmt.Sprintf("the plan has no stage and no cluster %q", Printable(name, 80)),
		Ways: []string{"write one of the stages " + strings.Join(p.StageNames(), ", "), "or one of the clusters " + strings.Join(p.clusterNames(), ", ")},
	}
}

// StageOf is the stage of a cluster.
func (p Plan) StageOf(cluster string) (Stage, error) {
	for _, stage := range p.Stages {
		if slices.Contains(stage.Clusters, cluster) {
			return stage, nil
		}
	}
	return Stage{}, &Problem{
		Kind: ErrUsage, What: fmt.Sprintf("the plan has no cluster %q", Printable(cluster, 80)), Ways: []string{"write one of " + strings.Join(p.clusterNames(), ", ")},
	}
}

func (p Plan) clusterNames() []string {
	var all []string
	for _, stage := range p.Stages {
		all = append(all, stage.Clusters...)
	}
	return all
}

// Downstream returns every stage that something can be promoted into: all but
// the first, in order.
func (p Plan) Downstream() []Stage {
	if len(p.Stages) == 0 {
		return nil
	}
	return p.Stages[1:]
}

// StageNames lists the names of all stages, in order.
func (p Plan) StageNames() []string {
	names := make([]string, len(p.Stages))
	for i, stage := range p.Stages {
		names[i] = stage.Name
	}
	return names
}

// A Repository says where the branches live, and through what they are
// reached.
type Repository struct {
	// URL is what a Git client is given: https://host/owner/name.git,
	// ssh://git@host/owner/name.git, or the path of a bare repository.
	URL string
	// Forge is what answers there.
	Forge Forge
	// Host, Owner and Name are set on GitHub: github.com, monosense, k8s-ops.
	Host, Owner, Name string
}

// Forge is the kind of place where a repository is hosted.
type Forge string

// The forges that the toolkit speaks to.
const (
	// ForgeGitHub is github.com or a GitHub Enterprise host.
	ForgeGitHub Forge = "github"
	// ForgeGit is any other Git remote: a path, https or ssh. It has no log
	// of pushes, so arrivals are recorded in the ledger.
	ForgeGit Forge = "git"
)

// Page is the address at which people look at the repository, empty where there is
// none.
func (r Repository) Page() string {
	if r.Forge != ForgeGitHub {
		return ""
	}
	return fmt.Sprintf("https://%s/%s/%s", r.Host, r.Owner, r.Name)
}

// Slug returns owner/name on GitHub, and the URL elsewhere.
func (r Repository) Slug() string {
	if r.Forge == ForgeGitHub {
		return fmt.Sprintf("%s/%s", r.Owner, r.Name)
	}
	return r.URL
}
