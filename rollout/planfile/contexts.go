package planfile

import "strings"

// contextNames are contexts of the kubeconfig.
type contextNames []clusterText

// maxContext is more than any tool names a context by.
const maxContext = 253

// contexts are the contexts of the kubeconfig by cluster.
func (b *binder) contexts(all contextNames, stages []stageSection) map[string]string {
	return b.byCluster("contexts", all, stages, func(context clusterText) string {
		b.checkContextName(context.Value, context.Cluster.value)
		return context.Value.value
	})
}

func (b *binder) checkContextName(name text, cluster string) {
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
