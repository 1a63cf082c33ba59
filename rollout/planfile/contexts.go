package planfile

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// contextNames is a mapping whose keys are clusters, in their order.
type contextNames []contextName

type contextName struct {
	Cluster text
	Name    kubeContext
}

// maxContext is more than any tool names a context by.
const maxContext = 253

func (b *binder) contextNames(node *yaml.Node, target reflect.Value, path string) {
	const howTo = "write each cluster on an indented line of its own, and the name of its context behind it"
	var all contextNames
	b.mapping(node, path, howTo, howTo, func(key text, value *yaml.Node, path string) {
		var name kubeContext
		b.value(value, reflect.ValueOf(&name).Elem(), path)
		all = append(all, contextName{key, name})
	})
	target.Set(reflect.ValueOf(all))
}

// contexts are the contexts of the kubeconfig by cluster. Without any it is nil.
func (b *binder) contexts(all contextNames, stages []stageSection) map[string]string {
	var found map[string]string
	for _, one := range all {
		b.checkPlanned("contexts", one.Cluster, stages)
		b.checkContext(text(one.Name), one.Cluster.value)
		if found == nil {
			found = map[string]string{}
		}
		found[one.Cluster.value] = one.Name.value
	}
	return found
}

func (b *binder) checkContext(name text, cluster string) {
	const hint = "write a name as `kubectl config get-contexts` prints it"
	switch {
	case !name.present():
	case strings.TrimSpace(name.value) == "" || strings.TrimSpace(name.value) != name.value:
		b.fail(name, hint, "the context of %s is empty, or has blanks around it", quote(cluster))
	case len(name.value) > maxContext:
		b.fail(name, hint, "the context of %s is longer than %d bytes", quote(cluster), maxContext)
	case strings.HasPrefix(name.value, "-") || strings.ContainsFunc(name.value, invisible):
		b.fail(name, hint, "the context of %s, %s, is none that kubectl could be given", quote(cluster), quote(name.value))
	}
}
