package flux

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// loadedKeys are the fields of the built-in plugins that name files.
var loadedKeys = []string{"path", "paths", "file", "files", "env", "envs", "valuesFile", "additionalValuesFiles"}

// pluginConfig surveys the configuration of built-in plugins, which
// kustomization k names.
func (s *survey) pluginConfig(k *kustomization, where locus, content []byte) {
	if err := checkBounds(content); err != nil {
		s.problem(where, err.Error(), "write the values out")
		return
	}
	if bytes.Contains(content, []byte("HelmChartInflationGenerator")) {
		s.inflates(where)
	}
	nodes, _ := documents(content)
	for _, node := range nodes {
		s.pluginNode(k, where, node, "")
	}
}

func (s *survey) pluginNode(k *kustomization, where locus, node *yaml.Node, key string) {
	switch node = dereference(node); node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			s.pluginNode(k, where, node.Content[i+1], node.Content[i].Value)
		}
	case yaml.SequenceNode:
		for _, child := range node.Content {
			s.pluginNode(k, where, child, key)
		}
	case yaml.ScalarNode:
		s.inline(where, node.Value) // a patch, say
		s.pluginPath(k, where, key, node.Value)
	}
}

// pluginPath surveys one field of a plugin's configuration. Whether a relative
// path exists is left to the plugin: not every field of these names is a path.
func (s *survey) pluginPath(k *kustomization, where locus, key, written string) {
	if _, file, ok := strings.Cut(written, "="); ok {
		written = file
	}
	switch {
	case key == "configHome" && written != "":
		s.configHome(where)
	case key == "chartHome" || slices.Contains(loadedKeys, key) && isRemote(written):
		s.local(k, written, where)
	}
}
