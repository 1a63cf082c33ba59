package rollouttest

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// workflow is what the stand-in reads of a workflow file. It runs nothing of
// it: that is for the hook of [GitHub.OnDispatch].
type workflow struct {
	path         string
	name         string
	runName      string
	dispatchable bool
	inputs       []workflowInput
	jobs         []workflowJob
	permissions  map[string]string
}

// workflowInput is an input that on.workflow_dispatch declares.
type workflowInput struct {
	name     string
	required bool
	value    string // the default
	options  []string
}

type workflowJob struct {
	name  string
	steps []string
	// skipped says that the job is for another event than a dispatch.
	skipped bool
}

// id is stable for a path, so that it need not be stored.
func (w *workflow) id() int64 { return accountID(w.path) }

// parseWorkflow reads a workflow file.
func parseWorkflow(file string, data []byte) (*workflow, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	w := &workflow{path: file, name: file, permissions: map[string]string{}}
	if len(document.Content) == 0 {
		return w, nil
	}
	root := document.Content[0]
	w.name = cmp.Or(scalar(key(root, "name")), file)
	w.runName = scalar(key(root, "run-name"))
	w.addPermissions(key(root, "permissions"))
	w.addTrigger(key(root, "on"))
	for id, job := range pairs(key(root, "jobs")) {
		w.addPermissions(key(job, "permissions"))
		read := workflowJob{name: cmp.Or(scalar(key(job, "name")), id), skipped: isForOther(scalar(key(job, "if")))}
		if steps := key(job, "steps"); steps != nil {
			for _, step := range steps.Content {
				read.steps = append(read.steps, stepName(step))
			}
		}
		w.jobs = append(w.jobs, read)
	}
	return w, nil
}

// onlyFor is the one condition of a job that the stand-in understands. A job
// with any other is taken to run.
var onlyFor = regexp.MustCompile(`^(?:\$\{\{ *)?github\.event_name == '(\w+)'(?: && .*)?$`)

func isForOther(condition string) bool {
	event := onlyFor.FindStringSubmatch(condition)
	return event != nil && event[1] != "workflow_dispatch"
}

// addTrigger reads the inputs of workflow_dispatch, which may be one of several
// events, in any of the three ways of writing them.
func (w *workflow) addTrigger(on *yaml.Node) {
	const event = "workflow_dispatch"
	if on == nil {
		return
	}
	switch on.Kind {
	case yaml.ScalarNode:
		w.dispatchable = on.Value == event
	case yaml.SequenceNode:
		w.dispatchable = slices.ContainsFunc(on.Content, func(n *yaml.Node) bool { return n.Value == event })
	case yaml.MappingNode:
		trigger := key(on, event)
		w.dispatchable = trigger != nil
		for name, declared := range pairs(key(trigger, "inputs")) {
			input := workflowInput{
				name: name, required: scalar(key(declared, "required")) == "true", value: scalar(key(declared, "default")),
			}
			if options := key(declared, "options"); options != nil {
				for _, option := range options.Content {
					input.options = append(input.options, option.Value)
				}
			}
			w.inputs = append(w.inputs, input)
		}
	}
}

// addPermissions adds what one "permissions" key grants. A run's token has what
// any of its jobs has: here a run has one token, not one for each job.
func (w *workflow) addPermissions(n *yaml.Node) {
	if n == nil {
		return
	}
	switch level := scalar(n); level {
	case "write-all", "read-all":
		for name := range AllPermissions() {
			w.permissions[name] = strings.TrimSuffix(level, "-all")
		}
	}
	for name, level := range pairs(n) {
		if w.permissions[name] != "write" {
			w.permissions[name] = scalar(level)
		}
	}
}

// stepName is what GitHub calls a step.
func stepName(step *yaml.Node) string {
	if uses := scalar(key(step, "uses")); uses != "" {
		return cmp.Or(scalar(key(step, "name")), "Run "+uses)
	}
	first, _, _ := strings.Cut(scalar(key(step, "run")), "\n")
	return cmp.Or(scalar(key(step, "name")), "Run "+first)
}

// key returns the value of a mapping's key, or nil.
func key(n *yaml.Node, name string) *yaml.Node {
	for found, value := range pairs(n) {
		if found == name {
			return value
		}
	}
	return nil
}

// pairs goes through a mapping in the order of the file, and through nothing
// where n is no mapping.
func pairs(n *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// scalar is a node's text, or "".
func scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// fill checks the inputs of a dispatch against those that are declared, and
// adds the defaults.
func (w *workflow) fill(sent map[string]any) (map[string]string, error) {
	if len(sent) > 25 {
		return nil, unprocessable("Invalid request.\n\nNo more than 25 properties are allowed; %d were supplied.", len(sent))
	}
	filled := map[string]string{}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if !slices.ContainsFunc(w.inputs, func(i workflowInput) bool { return i.name == name }) {
			unknown = append(unknown, strconv.Quote(name))
		}
	}
	if len(unknown) > 0 {
		return nil, unprocessable("Unexpected inputs provided: [%s]", strings.Join(unknown, ", "))
	}
	for _, input := range w.inputs {
		value, given := sent[input.name]
		text := fmt.Sprint(value)
		switch {
		case !given && input.required && input.value == "":
			return nil, unprocessable("Required input '%s' not provided", input.name)
		case !given:
			text = input.value
		case len(input.options) > 0 && !slices.Contains(input.options, text):
			return nil, unprocessable("Provided value '%s' for input '%s' not in the list of allowed values", text, input.name)
		}
		filled[input.name] = text
	}
	return filled, nil
}

var expression = regexp.MustCompile(`\$\{\{\s*([\w.-]+)\s*\}\}`)

// title is the run-name with its plain expressions filled in: inputs, the
// actor and the branch. Any other expression stays as it is written.
func (w *workflow) title(d Dispatch) string {
	if w.runName == "" {
		return w.name
	}
	return expression.ReplaceAllStringFunc(w.runName, func(written string) string {
		name := expression.FindStringSubmatch(written)[1]
		for _, prefix := range []string{"inputs.", "github.event.inputs."} {
			if input, found := strings.CutPrefix(name, prefix); found {
				return d.Inputs[input]
			}
		}
		switch name {
		case "github.actor":
			return d.Actor
		case "github.ref_name":
			return d.Ref
		case "github.sha":
			return d.HeadSHA
		}
		return written
	})
}

// workflowAt finds a workflow by its file's name or its number in a commit's
// tree.
func (r *Repository) workflowAt(k *commit, wanted string) (*workflow, error) {
	dir, found, err := r.objects.find(k.tree, workflowDir)
	if err != nil || !found || dir.kind() != "tree" {
		return nil, cmp.Or(err, notFound())
	}
	entries, err := r.objects.tree(dir.oid)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		file := path.Join(workflowDir, e.name)
		if e.name != wanted && strconv.FormatInt(accountID(file), 10) != wanted {
			continue
		}
		o, err := r.objects.read(e.oid)
		if err != nil {
			return nil, err
		}
		w, err := parseWorkflow(file, o.data)
		if err != nil {
			return nil, unprocessable("Invalid workflow file: %s", err)
		}
		return w, nil
	}
	return nil, notFound()
}
