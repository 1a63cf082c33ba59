package flux

import (
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// A lastRead is the file in which a line was looked for last: who looks for one
// looks for more, and a file may have thousands of objects.
type lastRead struct {
	mu      sync.Mutex
	file    string
	written []writtenObject
}

// A writtenObject is an object as it stands in a file.
type writtenObject struct {
	kind, namespace, name string
	node                  *yaml.Node
}

// written are the objects of a file, none of one that cannot be read.
func (s *survey) written(file string) []writtenObject {
	s.last.mu.Lock()
	defer s.last.mu.Unlock()
	if s.last.file != file {
		s.last.file, s.last.written = file, s.readObjects(file)
	}
	return s.last.written
}

func (s *survey) readObjects(file string) []writtenObject {
	content, err := s.tree.read(file)
	if err != nil || checkBounds(content) != nil {
		return nil
	}
	nodes, _ := documents(content)
	all := make([]writtenObject, len(nodes))
	for i, node := range nodes {
		all[i] = writtenObject{
			kind: text(field(node, "kind")), node: node,
			namespace: text(field(node, fieldMetadata, fieldNamespace)), name: text(field(node, fieldMetadata, fieldName)),
		}
	}
	return all
}

// line is the line of an object's field in a file, 0 if the object is not
// there.
func (s *survey) line(file string, m *manifest, keys []string) int {
	node := pick(s.written(file), m)
	if node == nil {
		return 0
	}
	if len(keys) == 0 {
		if found := defectOf(node); found != nil {
			return found.node.Line
		}
	}
	return lineOf(node, keys...)
}

// pick finds an object among those of a file. Its name and namespace may have
// been changed since, so the best match of its kind is taken.
func pick(all []writtenObject, o *manifest) *yaml.Node {
	var best *yaml.Node
	bestScore := 0
	for _, w := range all {
		if w.kind != o.kind {
			continue
		}
		score := 1
		switch {
		case w.name == o.name:
			score += 4
		case strings.Contains(o.name, w.name):
			score += 2
		}
		if w.namespace == o.namespace {
			score++
		}
		if score > bestScore {
			best, bestScore = w.node, score
		}
	}
	return best
}
