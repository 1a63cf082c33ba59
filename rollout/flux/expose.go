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
	e := exposing{before: filesOf(before), after: filesOf(after), objects: map[string]map[rollout.RenderedObject]rollout.ObjectChangeKind{}}
	diffs := Diff(before, after)
	for _, d := range diffs {
		e.objects[d.Cluster] = map[rollout.RenderedObject]rollout.ObjectChangeKind{}
		for _, c := range d.Changes {
			e.objects[d.Cluster][withoutText(c.Object)] = c.Kind
		}
	}
	var found rollout.Exposure
	var earlier []string
	for i, stage := range plan.Stages {
		if i > 0 {
			s := rollout.StageExposure{
				Stage: stage.Name, Upstream: plan.Stages[i-1].Name,
				Files: e.exposedFiles(changed, stage.Clusters, earlier), Objects: e.exposedObjects(stage.Clusters, earlier),
			}
			for _, d := range diffs {
				if d.Stage == stage.Name {
					s.Broken, s.Unknown = append(s.Broken, d.Broken...), append(s.Unknown, d.Unknown...)
				}
			}
			found.Stages = append(found.Stages, s)
		}
		earlier = append(earlier, stage.Clusters...)
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
	before, after files
	objects       map[string]map[rollout.RenderedObject]rollout.ObjectChangeKind
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
// What they render afterwards has been exercised where an earlier cluster renders
// it afterwards, too: that one rendered it before says nothing of how it is now.
// What they do not render any more was taken away from them, and that has been
// exercised by whoever had it.
func (e exposing) exposedFiles(changed, clusters, earlier []string) []rollout.ExposedFile {
	var all []rollout.ExposedFile
	for _, name := range changed {
		by := rendering(name, clusters, e.before, e.after)
		if len(by) == 0 {
			continue
		}
		exercised := rendering(name, earlier, e.after)
		if len(rendering(name, clusters, e.after)) == 0 {
			exercised = rendering(name, earlier, e.before, e.after)
		}
		all = append(all, rollout.ExposedFile{Name: name, Clusters: by, Exercised: exercised})
	}
	return all
}

// changing are those of some clusters on which an object changes.
func (e exposing) changing(o rollout.RenderedObject, clusters []string) []string {
	var found []string
	for _, c := range clusters {
		if e.objects[c][o] != "" {
			found = append(found, c)
		}
	}
	return found
}

func (e exposing) exposedObjects(clusters, earlier []string) []rollout.ExposedObject {
	kinds := map[rollout.RenderedObject]rollout.ObjectChangeKind{}
	for _, c := range slices.Backward(clusters) {
		maps.Copy(kinds, e.objects[c])
	}
	var all []rollout.ExposedObject
	for _, o := range slices.SortedFunc(maps.Keys(kinds), rollout.RenderedObject.Compare) {
		all = append(all, rollout.ExposedObject{Object: o, Kind: kinds[o], Clusters: e.changing(o, clusters), Exercised: e.changing(o, earlier)})
	}
	return all
}
