package flux

import (
	"maps"
	"slices"

	"github.com/monosense/k8s-ops/rollout"
)

// Expose tells which of the changed files the clusters of each stage render, and
// which objects change on them, and whether the clusters of the stages before
// met the same. Changed are slash paths relative to the repository's root.
func Expose(plan rollout.Plan, before, after rollout.Rendering, changed []string) rollout.Exposure {
	idle := idleIn(after)
	e := exposing{
		before: filesOf(before), after: filesOf(after), had: filesOf(idleIn(before).leftOut(before)),
		metBefore: filesOf(idle.leftOut(before)), metAfter: filesOf(idle.leftOut(after)),
		objects: map[string]objectChanges{}, met: map[string]objectChanges{}, broken: map[string]bool{},
	}
	diffs := Diff(before, after)
	for _, d := range diffs {
		e.broken[d.Cluster] = len(d.Broken) > 0
		e.objects[d.Cluster], e.met[d.Cluster] = objectChanges{}, objectChanges{}
		for _, c := range d.Changes {
			e.objects[d.Cluster][withoutText(c.Object)] = c.Kind
			if !idle[d.Cluster].leadTo(c.Chain) {
				e.met[d.Cluster][withoutText(c.Object)] = c.Kind
			}
		}
	}
	var found rollout.Exposure
	var earlier, idlers []string
	for i, stage := range plan.Stages {
		if i > 0 {
			s := rollout.StageExposure{
				Stage: stage.Name, Upstream: plan.Stages[i-1].Name,
				Files: e.exposedFiles(changed, stage.Clusters, earlier), Objects: e.exposedObjects(stage.Clusters, earlier),
			}
			s.Idle = slices.Clip(idlers)
			for _, d := range diffs {
				if d.Stage == stage.Name {
					s.Broken, s.Unknown = append(s.Broken, d.Broken...), append(s.Unknown, d.Unknown...)
				}
			}
			found.Stages = append(found.Stages, s)
		}
		earlier = append(earlier, stage.Clusters...)
		idlers = append(idlers, whyIdle(after, stage.Clusters)...)
	}
	for _, name := range changed {
		if len(rendering(name, earlier, e.before, e.after)) == 0 {
			found.Unused = append(found.Unused, name)
		}
	}
	return found
}

// exposing is what is known of each cluster, by its name.
type exposing struct {
	// before and after are all that is rendered, had what of it Flux applied
	// before, and the others what of it is applied afterwards.
	before, after, had, metBefore, metAfter files
	// objects are those that change, and met those with which Flux does it.
	objects, met map[string]objectChanges
	// broken are the clusters of which not all files are known.
	broken map[string]bool
}

type objectChanges map[rollout.RenderedObject]rollout.ObjectChangeKind

// idleChains lead to what each cluster does not apply, by its name.
type idleChains map[string]*chainTree

// idleIn finds what Flux applies nothing of. What that leads to is left out with
// it: it may never have been applied.
func idleIn(r rollout.Rendering) idleChains {
	idle := idleChains{}
	for _, c := range r.Clusters {
		idle[c.Cluster] = &chainTree{}
		for _, a := range c.Applications {
			if a.Suspended || len(a.Broken) > 0 {
				idle[c.Cluster].add(a.Chain)
			}
		}
	}
	return idle
}

// leftOut is a rendering without it.
func (idle idleChains) leftOut(r rollout.Rendering) rollout.Rendering {
	var left rollout.Rendering
	for _, c := range r.Clusters {
		left.Clusters = append(left.Clusters, without(c, idle[c.Cluster]))
	}
	return left
}

// whyIdle says of some clusters what they do not apply, and why.
func whyIdle(r rollout.Rendering, clusters []string) []string {
	var all []string
	for _, c := range r.Clusters {
		if !slices.Contains(clusters, c.Cluster) {
			continue
		}
		for _, a := range c.Applications {
			all = append(all, said(a, "it cannot be rendered: ", a.Broken)...)
			if a.Suspended {
				all = append(all, said(a, "", []string{"it is suspended"})...)
			}
		}
	}
	return all
}

// files are what each cluster renders, by its name.
type files map[string]map[string]bool

func filesOf(r rollout.Rendering) files {
	of := files{}
	for _, c := range r.Clusters {
		of[c.Cluster] = c.Files()
	}
	return of
}

// rendering are those of some clusters that render a file in one of some trees.
func rendering(file string, clusters []string, trees ...files) []string {
	var found []string
	for _, c := range clusters {
		if slices.ContainsFunc(trees, func(tree files) bool { return tree[c][file] }) {
			found = append(found, c)
		}
	}
	return found
}

// exposedFiles are the changed files that some clusters render, before or after.
// What they render afterwards has been exercised where an earlier cluster applies
// it afterwards, too: that one rendered it before says nothing of how it is now.
// What they do not render any more was taken away from them, and that has been
// exercised by whoever had it.
//
// A change of what all render, or of .sourceignore, can have the stage begin or
// cease to render what did not change itself. That is added where nothing else is
// unexercised: as a rule such a change is one of the stage's own files.
func (e exposing) exposedFiles(changed, clusters, earlier []string) []rollout.ExposedFile {
	var all []rollout.ExposedFile
	unexercised := false
	for _, name := range changed {
		if len(rendering(name, clusters, e.before, e.after)) > 0 {
			f := e.exposedFile(name, clusters, earlier)
			all, unexercised = append(all, f), unexercised || len(f.Exercised) == 0
		}
	}
	if unexercised {
		return all
	}
	for _, name := range e.shifted(clusters) {
		if f := e.exposedFile(name, clusters, earlier); len(f.Exercised) == 0 {
			all = append(all, f)
		}
	}
	return all
}

// shifted are the files that some clusters begin or cease to render, sorted.
func (e exposing) shifted(clusters []string) []string {
	names := map[string]bool{}
	for _, c := range clusters {
		if !e.broken[c] {
			maps.Copy(names, e.before[c])
			maps.Copy(names, e.after[c])
		}
	}
	maps.DeleteFunc(names, func(name string, _ bool) bool {
		return len(rendering(name, clusters, e.before)) > 0 == (len(rendering(name, clusters, e.after)) > 0)
	})
	return slices.Sorted(maps.Keys(names))
}

func (e exposing) exposedFile(name string, clusters, earlier []string) rollout.ExposedFile {
	exercised := rendering(name, earlier, e.metAfter)
	if len(rendering(name, clusters, e.after)) == 0 {
		exercised = rendering(name, earlier, e.metBefore, e.metAfter)
	}
	return rollout.ExposedFile{
		Name: name, Clusters: rendering(name, clusters, e.before, e.after), Exercised: exercised,
		New:  len(rendering(name, clusters, e.before)) == 0,
		Left: len(exercised) == 0 && len(rendering(name, earlier, e.had)) > 0,
	}
}

// changing are those of some clusters on which an object changes.
func changing(o rollout.RenderedObject, clusters []string, changes map[string]objectChanges) []string {
	var found []string
	for _, c := range clusters {
		if changes[c][o] != "" {
			found = append(found, c)
		}
	}
	return found
}

func (e exposing) exposedObjects(clusters, earlier []string) []rollout.ExposedObject {
	kinds := objectChanges{}
	for _, c := range slices.Backward(clusters) {
		maps.Copy(kinds, e.objects[c])
	}
	var all []rollout.ExposedObject
	for _, o := range slices.SortedFunc(maps.Keys(kinds), rollout.RenderedObject.Compare) {
		all = append(all, rollout.ExposedObject{Object: o, Kind: kinds[o], Clusters: changing(o, clusters, e.objects), Exercised: changing(o, earlier, e.met)})
	}
	return all
}
