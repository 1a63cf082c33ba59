package planfile

import (
	"reflect"

	"go.yaml.in/yaml/v3"
)

// A clusterText is what the plan says of one cluster in a mapping whose keys are
// clusters.
type clusterText struct{ Cluster, Value text }

// perCluster binds such a mapping, in its order. What its values are, is for the
// hint of one that is none.
func (b *binder) perCluster(node *yaml.Node, target reflect.Value, path, value string) {
	howTo := "write each cluster on an indented line of its own, and " + value + " behind it"
	var all []clusterText
	b.mapping(node, path, howTo, howTo, func(key text, value *yaml.Node, path string) {
		var said text
		b.value(value, reflect.ValueOf(&said).Elem(), path)
		all = append(all, clusterText{key, said})
	})
	target.Set(reflect.ValueOf(all).Convert(target.Type()))
}
