package planfile

import (
	"reflect"
	"slices"

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

// byCluster is what such a mapping says, of clusters that the plan has, as read
// checks and returns it. Of an empty one it is nil.
func (b *binder) byCluster(key string, all []clusterText, stages []stageSection, read func(clusterText) string) map[string]string {
	if len(all) == 0 {
		return nil
	}
	planned := plannedClusters(stages)
	found := map[string]string{}
	for _, one := range all {
		if cluster := one.Cluster.value; len(planned) > 0 && !slices.Contains(planned, cluster) {
			b.fail(one.Cluster, oneOfThese(cluster, planned), "%s names %s, which is no cluster of the plan", key, quote(cluster))
		}
		found[one.Cluster.value] = read(one)
	}
	return found
}

// plannedClusters are the clusters of all stages, or none where one of them is
// missing: whatever that was meant to be has been complained of.
func plannedClusters(stages []stageSection) []string {
	var names []string
	for _, stage := range stages {
		for _, name := range stage.Clusters {
			if !text(name).present() {
				return nil
			}
			names = append(names, name.value)
		}
	}
	return names
}
