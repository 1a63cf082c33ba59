package flux

import (
	"slices"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// finding makes a finding of a violation: with its chain, with the place where
// it has to be mended, and with the other places that have to do with it.
func (r *reach) finding(v violation) rollout.Finding {
	f := rollout.Finding{Stage: r.cluster.stage.Name, Cluster: r.cluster.name, Chain: []string{r.cluster.name}}
	if v.object == nil {
		at := r.entry().directory.entry.find([]any{"resources"})
		f.File, f.Line = at.file, at.line
	} else {
		places := r.places(v.object, v.keys)
		f.File, f.Line, f.Chain = places[0].File, places[0].Line, v.object.in.chain(r.cluster.name)
		f.Related = places[1:]
	}
	f.Rule, f.Message, f.Fix = v.rule, v.message, v.fix
	return f
}

// places are where a field of an object is set, the last word first: in the
// definition of a variable, in a patch, in the manifest.
func (r *reach) places(o *object, keys []string) []rollout.Related {
	for o.by != nil {
		keys, o = o.from(keys), o.by
	}
	var found []rollout.Related
	add := func(at place, message string) {
		at = r.resolve(o.in, at)
		if !slices.ContainsFunc(found, func(r rollout.Related) bool { return r.File == at.file && r.Line == at.line }) {
			found = append(found, rollout.Related{File: at.file, Line: at.line, Message: message})
		}
	}
	for _, name := range o.variablesIn(keys) {
		if d, ok := o.in.variables.set[name]; ok {
			for _, p := range r.places(d.object, d.keys) {
				found = append(found, rollout.Related{File: p.File, Line: p.Line, Message: name + " is set here"})
			}
		}
	}
	l := o.in.directory.locator()
	if at, ok := l.change(o.manifest, keys); ok {
		add(at, "it is changed here")
	}
	add(l.manifest(o.manifest, keys), "it is written here")
	return found
}

// variablesIn are the variables that are substituted in a field, as it is
// written.
func (o *object) variablesIn(keys []string) []string {
	if o.node == o.manifest.node {
		return nil
	}
	var names []string
	written := strings.ReplaceAll(text(field(o.manifest.node, keys...)), "$$", "")
	for _, part := range strings.Split(written, "${")[1:] {
		end := strings.IndexFunc(part, func(r rune) bool {
			return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
		})
		if end > 0 {
			names = append(names, part[:end])
		}
	}
	return names
}

// resolve finds the line of a field of the Flux Kustomization that applies a
// directory.
func (r *reach) resolve(a *application, at place) place {
	if at.spec == nil || a.by == nil {
		return at
	}
	first := r.places(a.by, at.spec)[0]
	return place{file: first.File, line: first.Line}
}

// at is a finding at a place in the directory of an application.
func (r *reach) at(a *application, at place) rollout.Finding {
	at = r.resolve(a, at)
	return rollout.Finding{
		Stage: r.cluster.stage.Name, Cluster: r.cluster.name, Chain: a.chain(r.cluster.name), File: at.file, Line: at.line,
	}
}
