package oracle

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/monosense/k8s-ops/rollout"
)

// disagreements are how the rendering of a cluster differs from what its Flux
// applies. Findings tells whether something was found wrong in it.
func disagreements(w *world, rendered rollout.RenderedCluster, findings bool) []string {
	var all []string
	byName := map[string][]rollout.Application{}
	for _, a := range rendered.Applications {
		if a.Source == "" || strings.HasPrefix(a.Source, "GitRepository "+sourceName+"/"+sourceName) {
			name := a.Namespace + "/" + a.Name
			byName[name] = append(byName[name], a)
		}
	}
	entry := w.entry
	entry.objects = slices.DeleteFunc(slices.Clone(entry.objects), w.byFlux)
	all = append(all, compare("the entry point", entry, byName["/"], findings)...)
	delete(byName, "/")
	for _, name := range w.names() {
		all = append(all, compare(name, w.applied[name], byName[name], findings)...)
		delete(byName, name)
	}
	for name, applications := range byName {
		if !belowBroken(applications[0], rendered) {
			all = append(all, fmt.Sprintf("%s is rendered, and Flux does not apply it", name))
		}
	}
	return all
}

// belowBroken tells of an application whether what brings it cannot be applied: the
// rendering looks further, and Flux does not get there.
func belowBroken(a rollout.Application, rendered rollout.RenderedCluster) bool {
	return slices.ContainsFunc(rendered.Applications, func(above rollout.Application) bool {
		n := len(above.Chain)
		return len(above.Broken) > 0 && n < len(a.Chain) && slices.Equal(above.Chain, a.Chain[:n])
	})
}

// byFlux tells whether Flux applies an object, too, that somebody applied by hand.
func (w *world) byFlux(o *unstructured.Unstructured) bool {
	for _, applied := range w.applied {
		for _, other := range applied.objects {
			if identity(other) == identity(o) {
				return true
			}
		}
	}
	return false
}

// compare holds the renderings of one application against what Flux makes of it.
func compare(name string, flux outcome, rendered []rollout.Application, findings bool) []string {
	if len(rendered) > 1 {
		return []string{fmt.Sprintf("%s is rendered in %d ways", name, len(rendered))}
	}
	broken := len(rendered) == 0 || len(rendered[0].Broken) > 0
	switch {
	case flux.err != nil && !broken:
		return []string{fmt.Sprintf("%s is rendered, and Flux fails: %v", name, flux.err)}
	case flux.err != nil && !findings:
		return []string{fmt.Sprintf("nothing was found wrong, and Flux fails in %s: %v", name, flux.err)}
	case flux.err != nil:
		return nil
	case len(rendered) == 0:
		return []string{fmt.Sprintf("Flux applies %s, and it is not rendered", name)}
	case broken:
		return []string{fmt.Sprintf("Flux applies %s, and it is not rendered: %s", name, strings.Join(rendered[0].Broken, "; "))}
	}
	var all []string
	for _, difference := range differences(flux.objects, rendered[0]) {
		all = append(all, name+": "+difference)
	}
	return all
}

func differences(flux []*unstructured.Unstructured, rendered rollout.Application) []string {
	want := map[string]any{}
	var left []string
	for i, o := range flux {
		key := fmt.Sprint(identity(o), " ", i)
		want[key] = o.Object
		left = append(left, key)
	}
	slices.Sort(left)
	var all []string
	for _, o := range rendered.Objects {
		var got map[string]any
		if err := yaml.Unmarshal([]byte(o.Text), &got); err != nil {
			all = append(all, fmt.Sprintf("%s is no YAML: %v", o, err))
			continue
		}
		i := slices.IndexFunc(left, func(key string) bool { return same(want[key], got, len(rendered.Unknown) > 0) == "" })
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		u := &unstructured.Unstructured{Object: got}
		i = slices.IndexFunc(left, func(key string) bool { return strings.HasPrefix(key, identity(u)+" ") })
		if i < 0 {
			all = append(all, fmt.Sprintf("%s is rendered, and Flux does not apply it:\n%s", o, o.Text))
			continue
		}
		all = append(all, fmt.Sprintf("%s (-Flux +rendered):\n%s", o, same(want[left[i]], got, len(rendered.Unknown) > 0)))
		left = slices.Delete(left, i, i+1)
	}
	for _, key := range left {
		text, _ := yaml.Marshal(want[key])
		all = append(all, fmt.Sprintf("Flux applies %s, and it is not rendered:\n%s", key, text))
	}
	return all
}

// same is empty for objects that are, but for the values that nobody knows.
func same(flux, rendered any, unknown bool) string {
	flux = normal(flux)
	rendered = normal(rendered)
	var options []cmp.Option
	if unknown {
		options = append(options, cmp.FilterValues(mayMatch, cmp.Comparer(func(any, any) bool { return true })))
	}
	return cmp.Diff(flux, rendered, options...)
}

// normal is a value as JSON has it, with one type of number.
func normal(value any) any {
	written, err := yaml.Marshal(value)
	if err != nil {
		return err.Error()
	}
	var read any
	if err := yaml.Unmarshal(written, &read); err != nil {
		return err.Error()
	}
	return read
}

// unknownValue is how the rendering writes what it does not know.
var unknownValue = regexp.MustCompile(`\\\$\\\{\w+\\\}`)

// mayMatch tells of two values whether one is the other with unknown parts.
func mayMatch(a, b any) bool { return matches(a, b) || matches(b, a) }

func matches(a, b any) bool {
	written, ok := b.(string)
	if !ok || !strings.Contains(written, "${") {
		return false
	}
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	pattern := unknownValue.ReplaceAllString(regexp.QuoteMeta(written), `(?s:.*)`)
	return regexp.MustCompile("^" + pattern + "$").MatchString(fmt.Sprint(a))
}
