package flux

import (
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
)

// Diff tells what every cluster gets new when the tree that before was rendered
// of becomes the one of after. Clusters are those of after; one that is new has
// everything new.
func Diff(before, after rollout.Rendering) []rollout.ClusterDiff {
	var all []rollout.ClusterDiff
	for _, c := range after.Clusters {
		i := slices.IndexFunc(before.Clusters, func(b rollout.RenderedCluster) bool { return b.Cluster == c.Cluster })
		var was rollout.RenderedCluster
		if i >= 0 {
			was = before.Clusters[i]
		}
		d := rollout.ClusterDiff{Stage: c.Stage, Cluster: c.Cluster}
		var broken chainTree
		for _, a := range was.Applications {
			// What was not there at all is new.
			if len(a.Files) > 0 && len(a.Broken) > 0 {
				broken.add(a.Chain)
				d.Broken = append(d.Broken, said(a, "before, ", a.Broken)...)
			}
		}
		for _, a := range c.Applications {
			if len(a.Broken) > 0 {
				broken.add(a.Chain)
				d.Broken = append(d.Broken, said(a, "", a.Broken)...)
			}
			d.Unknown = append(d.Unknown, said(a, "", a.Unknown)...)
		}
		d.Changes = compare(without(was, &broken), without(c, &broken))
		all = append(all, d)
	}
	return all
}

// said is what is to be said of an application.
func said(a rollout.Application, lead string, messages []string) []string {
	var all []string
	for _, message := range messages {
		all = append(all, strings.Join(a.Chain, " › ")+": "+lead+message)
	}
	return all
}

// without leaves out what is broken on either side, and what that leads to: Flux
// applies nothing of it, and so removes nothing, either.
func without(c rollout.RenderedCluster, broken *chainTree) rollout.RenderedCluster {
	c.Applications = slices.DeleteFunc(slices.Clone(c.Applications), func(a rollout.Application) bool { return broken.leadTo(a.Chain) })
	return c
}

// compare walks along both sorted lists.
func compare(was, is rollout.RenderedCluster) []rollout.ObjectChange {
	before, after := was.Objects(), is.Objects()
	chainsBefore, chainsAfter := chains(was), chains(is)
	var all []rollout.ObjectChange
	for len(before) > 0 || len(after) > 0 {
		order := 0
		switch {
		case len(before) == 0:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = before[0].Compare(after[0])
		}
		switch {
		case order < 0:
			all = append(all, change(rollout.ObjectRemoved, before[0], chainsBefore, masked(before[0]), ""))
			before = before[1:]
		case order > 0:
			all = append(all, change(rollout.ObjectAdded, after[0], chainsAfter, "", masked(after[0])))
			after = after[1:]
		default:
			if before[0].Text != after[0].Text {
				old, new := maskedPair(before[0], after[0])
				all = append(all, change(rollout.ObjectChanged, after[0], chainsAfter, old, new))
			}
			before, after = before[1:], after[1:]
		}
	}
	return all
}

func change(kind rollout.ObjectChangeKind, o rollout.RenderedObject, chains map[rollout.RenderedObject][]string, old, new string) rollout.ObjectChange {
	unified := udiff.Unified("", "", old, new)
	// The names of files, of which there are none.
	_, lines, _ := strings.Cut(unified, "+++ \n")
	return rollout.ObjectChange{Object: o, Kind: kind, Chain: chains[withoutText(o)], Diff: lines}
}

// chains lead to each object of a cluster.
func chains(c rollout.RenderedCluster) map[rollout.RenderedObject][]string {
	found := map[rollout.RenderedObject][]string{}
	for _, a := range c.Applications {
		for _, o := range a.Objects {
			found[withoutText(o)] = a.Chain
		}
	}
	return found
}

func withoutText(o rollout.RenderedObject) rollout.RenderedObject {
	o.Text = ""
	return o
}

const mask = "***"

// masked is an object's text without the values of a Secret.
func masked(o rollout.RenderedObject) string {
	text, _ := maskedPair(o, o)
	return text
}

// maskedPair are the texts of an object before and after, without the values of
// a Secret: only whether a value changes is to be seen.
func maskedPair(before, after rollout.RenderedObject) (old, new string) {
	if before.Kind != kindSecret && after.Kind != kindSecret {
		return before.Text, after.Text
	}
	was, wasOK := parsed(before.Text)
	is, isOK := parsed(after.Text)
	if !wasOK || !isOK {
		return "# a Secret that cannot be read\n", "# a Secret that cannot be read, and changes\n"
	}
	a, b := secretValues(was), secretValues(is)
	for key, value := range a {
		hide(value, b[key], mask+" (before)")
	}
	for key, value := range b {
		if value.Value != mask {
			hide(value, a[key], mask+" (after)")
		}
	}
	return asText(was), asText(is)
}

// hide masks a value, and its counterpart with it if both are the same.
func hide(value, other *yaml.Node, differs string) {
	if other != nil && equalTrees(value, other) {
		setText(other, mask)
		setText(value, mask)
		return
	}
	if other == nil {
		differs = mask
	}
	setText(value, differs)
}

func setText(node *yaml.Node, text string) {
	*node = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

// secretValues are the values of a Secret, and the annotation in which kubectl
// keeps a copy of them, by their path.
func secretValues(secret *yaml.Node) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	for _, keys := range [][]string{{"data"}, {"stringData"}, {fieldMetadata, "annotations"}} {
		mapping := field(secret, keys...)
		if mapping == nil || mapping.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			name := mapping.Content[i].Value
			if keys[0] == fieldMetadata && name != "kubectl.kubernetes.io/last-applied-configuration" {
				continue
			}
			found[strings.Join(keys, ".")+"."+name] = mapping.Content[i+1]
		}
	}
	return found
}

func parsed(text string) (*yaml.Node, bool) {
	nodes, err := documents([]byte(text))
	if err != nil || len(nodes) != 1 {
		return nil, false
	}
	return nodes[0], true
}
