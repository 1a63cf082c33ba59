package workflowfile

import (
	"errors"
	"fmt"
	"iter"

	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
)

// largest is how long a workflow file may be. GitHub itself takes no more than
// 512 KB (https://docs.github.com/en/actions/reference/limits).
const largest = 512 << 10

// Parse reads a workflow file.
func Parse(data []byte) (rollout.WorkflowFile, error) {
	var f rollout.WorkflowFile
	if len(data) > largest {
		return f, fmt.Errorf("the workflow's file is larger than %d bytes", largest)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return f, fmt.Errorf("the workflow's file is no YAML: %s", rollout.OneLine(err.Error(), 300))
	}
	if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return f, errors.New("the workflow's file has no keys")
	}
	root := document.Content[0]
	on, jobs := value(root, "on"), value(root, "jobs")
	if on == nil || jobs == nil || jobs.Kind != yaml.MappingNode {
		return f, errors.New("the workflow's file has no `on`, or no `jobs`")
	}
	f.RunName = text(value(root, "run-name"))
	readTriggers(&f, on)
	whole := value(root, "permissions")
	for name, job := range pairs(jobs) {
		f.Jobs = append(f.Jobs, readJob(name, job, whole))
	}
	return f, nil
}

// readTriggers reads `on`: one event, a list of them, or each with what it asks for.
func readTriggers(f *rollout.WorkflowFile, on *yaml.Node) {
	var names []string
	switch on.Kind {
	case yaml.ScalarNode:
		names = []string{on.Value}
	case yaml.SequenceNode:
		names = texts(on)
	}
	for _, name := range names {
		f.Push = f.Push || name == "push"
		f.Dispatch = f.Dispatch || name == "workflow_dispatch"
	}
	for name, trigger := range pairs(on) {
		switch name {
		case "push":
			readPush(f, trigger)
		case "workflow_dispatch":
			f.Dispatch = true
			for input := range pairs(value(trigger, "inputs")) {
				f.Inputs = append(f.Inputs, input)
			}
		case "schedule":
			for _, one := range content(trigger) {
				f.Schedules = append(f.Schedules, text(value(one, "cron")))
			}
		}
	}
}

// readPush reads of which branches a push counts. Where only tags are named, none
// does.
func readPush(f *rollout.WorkflowFile, push *yaml.Node) {
	branches, ignored := value(push, "branches"), value(push, "branches-ignore")
	tags := value(push, "tags") != nil || value(push, "tags-ignore") != nil
	f.Push = branches != nil || ignored != nil || !tags
	f.Branches = texts(branches)
	if ignored != nil {
		f.Branches = []string{"**"}
		for _, name := range texts(ignored) {
			f.Branches = append(f.Branches, "!"+name)
		}
	}
}

func readJob(name string, job, whole *yaml.Node) rollout.WorkflowJob {
	j := rollout.WorkflowJob{Name: name, Permissions: map[string]string{}}
	granted := value(job, "permissions")
	if granted == nil {
		granted = whole
	}
	j.Given = granted != nil
	switch text(granted) {
	case "write-all":
		j.PermissionsAll = "write"
	case "read-all":
		j.PermissionsAll = "read"
	}
	for permission, level := range pairs(granted) {
		j.Permissions[permission] = text(level)
	}
	j.Uses = appendUse(j.Uses, job)
	for _, step := range content(value(job, "steps")) {
		j.Uses = appendUse(j.Uses, step)
	}
	return j
}

func appendUse(uses []rollout.WorkflowUse, of *yaml.Node) []rollout.WorkflowUse {
	if used := value(of, "uses"); text(used) != "" {
		uses = append(uses, rollout.WorkflowUse{Name: text(used), Line: used.Line})
	}
	return uses
}

// followed is what an alias stands for, or else the node itself.
func followed(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// value is that of a key, and nil where there is none.
func value(n *yaml.Node, key string) *yaml.Node {
	for name, found := range pairs(n) {
		if name == key {
			return followed(found)
		}
	}
	return nil
}

// pairs are the keys and values of a mapping, as they stand in the file. What is
// no mapping has none.
func pairs(n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, followed(n.Content[i+1])) {
				return
			}
		}
	}
}

// content are the members of a list.
func content(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	members := make([]*yaml.Node, len(n.Content))
	for i, member := range n.Content {
		members[i] = followed(member)
	}
	return members
}

// texts are the members of a list that are text. One text alone is a list of it.
func texts(n *yaml.Node) []string {
	if one := text(n); one != "" {
		return []string{one}
	}
	var all []string
	for _, member := range content(n) {
		all = append(all, text(member))
	}
	return all
}

func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}
