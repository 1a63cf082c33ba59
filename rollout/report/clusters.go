package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// Clusters says of each live cluster what it follows, what it has, and how it is
// doing.
func Clusters(now time.Time, standings []rollout.LiveStanding) Document {
	var d Document
	rows := make([][]string, len(standings))
	for i, s := range standings {
		rows[i] = []string{oneLine(s.Cluster), oneLine(s.Stage), oneLine(s.Branch.Branch) + "@" + short(s.Branch.SHA), has(s), distance(s), applied(s), doing(s)}
	}
	d.Table([]string{"CLUSTER", "STAGE", "FOLLOWS", "HAS", "DISTANCE", "APPLIED", "STATE"}, rows)
	for _, s := range standings {
		for _, unread := range s.Live.Unread {
			d.Fact("Not read", "of %s: %s", oneLine(s.Cluster), oneLine(unread))
		}
	}
	return d
}

// short is a commit in few digits, or the word for none.
func short(sha rollout.SHA) string {
	if sha == "" {
		return "nothing"
	}
	return sha.Short()
}

// What is said of a cluster of which nothing else can be said.
const (
	noAnswer = "no answer"
	noSource = "no source"
)

// has is what the cluster's source has fetched.
func has(s rollout.LiveStanding) string {
	if s.Err != nil || s.Live.Source == nil {
		return ""
	}
	return short(s.Has())
}

// distance is how far the cluster is from its branch.
func distance(s rollout.LiveStanding) string {
	switch {
	case s.Err != nil || s.Has() == "":
		return ""
	case s.Unknown != "":
		return "not known"
	case s.Ahead > 0:
		return fmt.Sprintf("%d apart", s.Ahead+s.Behind)
	case s.Behind > 0:
		return fmt.Sprintf("%d behind", s.Behind)
	default:
		return "none"
	}
}

// applied is how many of the Flux Kustomizations that apply the source have
// applied what it has.
func applied(s rollout.LiveStanding) string {
	if s.Err != nil {
		return ""
	}
	all, done := 0, 0
	for _, a := range s.Live.Applications {
		if !a.FromSource {
			continue
		}
		all++
		if a.Applied.Commit() == s.Has() {
			done++
		}
	}
	return fmt.Sprintf("%d of %d", done, all)
}

// doing is how the cluster is, in a few words.
func doing(s rollout.LiveStanding) string {
	switch {
	case s.Err != nil:
		return noAnswer
	case s.Live.Source == nil:
		return noSource
	}
	var failed, working, suspended int
	for _, a := range s.Live.Applications {
		switch {
		case a.Suspended:
			suspended++
		case !a.Ready.Known:
			working++
		case !a.Ready.Ready:
			failed++
		}
	}
	var parts []string
	switch src := s.Live.Source; {
	case src.Suspended:
		parts = append(parts, "source suspended")
	case src.Ready.Known && !src.Ready.Ready:
		parts = append(parts, "source not ready")
	}
	for _, one := range []struct {
		n    int
		what string
	}{{failed, "not ready"}, {suspended, "suspended"}, {working, "working"}} {
		if one.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", one.n, one.what))
		}
	}
	if len(parts) == 0 {
		return "ready"
	}
	return strings.Join(parts, ", ")
}

type (
	// ClustersJSON is how live clusters are.
	ClustersJSON struct {
		At       time.Time         `json:"at"`
		Clusters []LiveJSON        `json:"clusters"`
		Findings []rollout.Finding `json:"findings"`
		// Off are the findings of rules that the plan turns off.
		Off []rollout.TurnedOff `json:"off,omitempty"`
	}
	// LiveJSON is how one is.
	LiveJSON struct {
		Cluster string `json:"cluster"`
		Stage   string `json:"stage"`
		Context string `json:"context"`
		Branch  string `json:"branch"`
		// Head is where the branch stands, and Since when it came there.
		Head  rollout.SHA `json:"head,omitempty"`
		Since *time.Time  `json:"since,omitempty"`
		// Has is what the cluster's source has, and Behind and Ahead how far
		// that is from Head, in commits.
		Has            rollout.SHA       `json:"has,omitempty"`
		Behind         int               `json:"behind"`
		Ahead          int               `json:"ahead"`
		Suspended      bool              `json:"suspended,omitempty"`
		Kustomizations []ApplicationJSON `json:"kustomizations"`
		// Unread is what could not be read of it, with the reason: what follows from
		// that is not among the findings.
		Unread []string `json:"unread,omitempty"`
		// Error says why the cluster said nothing.
		Error string `json:"error,omitempty"`
	}
	// ApplicationJSON is a Flux Kustomization as a cluster has it.
	ApplicationJSON struct {
		Namespace string      `json:"namespace"`
		Name      string      `json:"name"`
		Applied   rollout.SHA `json:"applied,omitempty"`
		Suspended bool        `json:"suspended,omitempty"`
		// Ready is left out while Flux is at work.
		Ready   *bool      `json:"ready,omitempty"`
		Reason  string     `json:"reason,omitempty"`
		Message string     `json:"message,omitempty"`
		Since   *time.Time `json:"since,omitempty"`
	}
)

// WriteClustersJSON writes how live clusters are as [ClustersJSON].
func WriteClustersJSON(w io.Writer, now time.Time, standings []rollout.LiveStanding, v rollout.Verification) error {
	out := ClustersJSON{At: now.UTC().Truncate(time.Second), Clusters: []LiveJSON{}, Findings: append([]rollout.Finding{}, v.Findings...), Off: v.Off}
	for _, s := range standings {
		out.Clusters = append(out.Clusters, liveJSON(s))
	}
	return write(w, out)
}

func liveJSON(s rollout.LiveStanding) LiveJSON {
	out := LiveJSON{
		Cluster: s.Cluster, Stage: s.Stage, Context: s.Live.Context, Branch: s.Branch.Branch, Head: s.Branch.SHA, Since: known(s.Since),
		Has: s.Has(), Behind: s.Behind, Ahead: s.Ahead, Kustomizations: []ApplicationJSON{},
		Suspended: s.Live.Source != nil && s.Live.Source.Suspended, Unread: s.Live.Unread,
	}
	if s.Err != nil {
		out.Error = s.Err.Error()
	}
	for _, a := range s.Live.Applications {
		one := ApplicationJSON{Namespace: a.Namespace, Name: a.Name, Applied: a.Applied.Commit(), Suspended: a.Suspended, Reason: a.Ready.Reason, Message: a.Ready.Message, Since: known(a.Ready.Since)}
		if a.Ready.Known {
			one.Ready = &a.Ready.Ready
		}
		out.Kustomizations = append(out.Kustomizations, one)
	}
	return out
}
