package flux

import (
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
)

// A locator finds the manifest or the patch that is at fault for a violation.
type locator struct {
	*survey
	// traces are what kustomize says of every object. They are empty if the
	// annotated build failed; then all files are searched.
	traces map[identity]trace
}

// A trace is where an object came from, and what changed it, last change
// first.
type trace struct {
	origin  *resource.Origin
	changes resource.Transformations
}

// newLocator builds the tree once more, with annotations.
func newLocator(s *survey, helmCommand string) *locator {
	l := &locator{survey: s, traces: map[identity]trace{}}
	built, err := buildAnnotated(s, helmCommand)
	if err != nil {
		return l // the places are less exact then; the findings are the same
	}
	for _, r := range built.Resources() {
		origin, err := r.GetOrigin()
		if err != nil {
			continue
		}
		changes, err := r.GetTransformations()
		if err != nil {
			continue
		}
		slices.Reverse(changes)
		l.traces[newManifest(r).identity()] = trace{origin: origin, changes: changes}
	}
	return l
}

// listed finds places among manifests that nothing changes.
func listed(s *survey, origins map[identity]string) *locator {
	l := &locator{survey: s, traces: map[identity]trace{}}
	for o, file := range origins {
		l.traces[o] = trace{origin: &resource.Origin{Path: path.Join("..", file)}}
	}
	return l
}

// change finds the patch, replacement or namespace that set a field of what was
// built.
func (l *locator) change(m *manifest, keys []string) (place, bool) {
	value := field(m.node, keys...)
	for _, k := range l.changers(m) {
		if at, ok := l.replacement(k, keys); ok {
			return at, true
		}
		if at, ok := k.renames(keys, text(value)); ok {
			return at, true
		}
		for _, p := range slices.Backward(l.patches(k)) {
			if line, ok := p.sets(keys, value); ok && p.selects(m) {
				return p.at(line), true
			}
		}
	}
	return place{}, false
}

// renames finds the field of a kustomization that sets an object's namespace
// or changes its name.
func (k *kustomization) renames(keys []string, value string) (place, bool) {
	if len(keys) != 2 || keys[0] != fieldMetadata || value == "" {
		return place{}, false
	}
	switch spec := k.spec; {
	case keys[1] == fieldNamespace && spec.Namespace == value:
		return k.find([]any{"namespace"}), true
	case keys[1] == fieldName && spec.NamePrefix != "" && strings.HasPrefix(value, spec.NamePrefix):
		return k.find([]any{"namePrefix"}), true
	case keys[1] == fieldName && spec.NameSuffix != "" && strings.HasSuffix(value, spec.NameSuffix):
		return k.find([]any{"nameSuffix"}), true
	}
	return place{}, false
}

// changers are the kustomizations that changed an object, the last one first.
func (l *locator) changers(o *manifest) []*kustomization {
	found, ok := l.traces[o.identity()]
	if !ok {
		return l.order
	}
	var changers []*kustomization
	for _, change := range found.changes {
		k := l.configuredIn(change.ConfiguredIn)
		if k != nil && !slices.Contains(changers, k) {
			changers = append(changers, k)
		}
	}
	return changers
}

// configuredIn is the kustomization that an annotation names, or that names
// the plugin's configuration which the annotation names.
func (l *locator) configuredIn(annotated string) *kustomization {
	name := path.Join(annotatedDir, annotated)
	if k, ok := l.kustomizations[name]; ok {
		return k
	}
	if k, ok := l.plugins[name]; ok {
		return k
	}
	return nil
}

// replacement finds the replacement of a kustomization whose target is a
// field.
func (l *locator) replacement(k *kustomization, keys []string) (place, bool) {
	for i, replacement := range k.spec.Replacements {
		for j, target := range replacement.Targets {
			if slices.Contains(target.FieldPaths, strings.Join(keys, ".")) {
				return k.find([]any{"replacements", i, "targets", j, "fieldPaths"}), true
			}
		}
	}
	return place{}, false
}

// manifest is the field in the file that the object came from, or its deepest
// parent there.
func (l *locator) manifest(m *manifest, keys []string) place {
	found, ok := l.traces[m.identity()]
	if !ok || found.origin == nil {
		return l.search(m, keys)
	}
	if found.origin.Path != "" {
		file := path.Join(annotatedDir, found.origin.Path)
		return place{file: file, line: l.line(file, m, keys)}
	}
	k := l.configuredIn(found.origin.ConfiguredIn)
	if k == nil {
		return place{file: path.Join(annotatedDir, found.origin.ConfiguredIn), line: 1}
	}
	if found.origin.ConfiguredBy.Kind == "HelmChartInflationGenerator" {
		return k.find([]any{"helmCharts"})
	}
	return k.find(nil)
}

// search looks through all files, for want of a trace.
func (l *locator) search(m *manifest, keys []string) place {
	for _, file := range l.files {
		if line := l.line(file, m, keys); line > 0 {
			return place{file: file, line: line}
		}
	}
	return l.entry.find(nil)
}
