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
	e := exposing{files: map[string]map[string]bool{}, objects: map[string]map[rollout.RenderedObject]rollout.ObjectChangeKind{}}
	for _, rendering := range []rollout.Rendering{before, after} {
		for _, c := range rendering.Clusters {
			if e.files[c.Cluster] == nil {
				e.files[c.Cluster] = map[string]bool{}
			}
			maps.Copy(e.files[c.Cluster], c.Files())
		}
	}
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
					s.Unknown = append(append(s.Unknown, d.Broken...), d.Unknown...)
				}
			}
			found.Stages = append(found.Stages, s)
		}
		earlier = append(earlier, stage.Clusters...)
	}
	for _, name := range changed {
		if len(e.rendering(name, earlier)) == 0 {
			found.Unused = append(found.Unused, name)
		}
	}
	return found
}

// exposing is what is known of each cluster, by its name.
type exposing struct {
	files   map[string]map[string]bool
	objects map[string]map[rollout.RenderedObject]rollout.ObjectChangeKind
}

// rendering are those of some clusters that render a file.
func (e exposing) rendering(file string, clusters []string) []string {
	var found []string
	for _, c := range clusters {
		if e.files[c][file] {
			found = append(found, c)
		}
	}
	return found
}

func (e exposing) exposedFiles(changed, clusters, earlier []string) []rollout.ExposedFile {
	var all []rollout.ExposedFile
	for _, name := range changed {
		if rendering := e.rendering(name, clusters); len(rendering) > 0 {
			all = append(all, rollout.ExposedFile{Name: name, Clusters: rendering, Exercised: e.rendering(name, earlier)})
		}
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
