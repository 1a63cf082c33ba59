package flux

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/monosense/k8s-ops/rollout"
)

// What kustomize and the YAML parser say, as far as a place can be read out of
// it.
var (
	yamlLine      = regexp.MustCompile(`line (\d+): `)
	unknownField  = regexp.MustCompile(`json: unknown field "([^"]*)"`)
	mistypedField = regexp.MustCompile(`json: cannot unmarshal (\S+) into Go struct field \w+\.(\S+) of type (\S+)`)
	registeredID  = regexp.MustCompile(`already registered id: ([^\s']+)`)
	unmatchedID   = regexp.MustCompile(`no matches for Id ([^\s;']+)`)
	namedFile     = regexp.MustCompile(`from '([^']+)'`)
	helmFailed    = regexp.MustCompile(`(?s)unable to run: '.*' with env=\[.*\] \(is '.*' installed\?\): `)
	namedDir      = regexp.MustCompile(`path '([^']+)'`)
)

// noise is what kustomize wraps around the cause of a failure, once per
// directory: the finding's place says it better.
var noise = []*regexp.Regexp{
	regexp.MustCompile(`^accumulation err='accumulating resources from '[^']*': read [^']*: not a regular file': `),
	regexp.MustCompile(`^couldn't make target for path '[^']*': `),
	regexp.MustCompile(`^accumulation err='`),
	regexp.MustCompile(`^accumulating (resources|components)( from '[^']*')?: `),
	regexp.MustCompile(`^accumulateDirectory: "?`),
	regexp.MustCompile(`^recursed (accumulation of|merging from) path '[^']*': `),
	regexp.MustCompile(`^merging resources from '[^']*': `),
	regexp.MustCompile(`^MalformedYAMLError: `),
	regexp.MustCompile(`^yaml: (unmarshal errors:\s+)?`),
	regexp.MustCompile(`^line \d+: `),
	regexp.MustCompile(`^invalid Kustomization: (error converting YAML to JSON: )?`),
	regexp.MustCompile(`'?: must build at directory: .*$`),
	regexp.MustCompile(` in File: \S+$`),
}

// readable strips the noise off kustomize's message, and the path of this
// checkout, which means nothing to whoever reads the finding elsewhere.
func (t *tree) readable(message string) string {
	message = strings.ReplaceAll(message, t.dir+"/", "")
	for {
		before := message
		for _, pattern := range noise {
			message = strings.TrimSpace(pattern.ReplaceAllString(message, ""))
		}
		if message == before {
			return strings.ReplaceAll(strings.Join(strings.Fields(message), " "), " : ", ": ")
		}
	}
}

// lineIn is the line of a file that a message names. The parser may have looked
// for more behind the last one.
func lineIn(message string, content []byte) int {
	match := yamlLine.FindStringSubmatch(message)
	if match == nil {
		return 1
	}
	line, err := strconv.Atoi(match[1])
	if err != nil {
		return 1
	}
	last := bytes.Count(bytes.TrimRight(content, "\r\n"), []byte("\n")) + 1
	return max(1, min(line, last))
}

// malformed is the problem of a kustomization that cannot be decoded.
func (s *survey) malformed(k *kustomization, err error) problem {
	p := problem{
		place: place{file: k.file, line: lineIn(err.Error(), k.written)}, rule: rollout.RuleBuildFailed,
		message: "the kustomization cannot be read: " + s.tree.readable(err.Error()), fix: "mend the YAML at or just above this line",
	}
	if match := unknownField.FindStringSubmatch(err.Error()); match != nil {
		p.place = k.find([]any{match[1]})
		p.message, p.fix = fmt.Sprintf("a kustomization has no field %s", match[1]), "correct the field's name, or remove it"
	}
	if match := mistypedField.FindStringSubmatch(err.Error()); match != nil {
		var keys []any
		var written []string
		for key := range strings.SplitSeq(match[2], ".") {
			// kustomize's embedded Go types are part of the path.
			if key != "" && !unicode.IsUpper(rune(key[0])) {
				keys, written = append(keys, key), append(written, key)
			}
		}
		p.place = k.find(keys)
		p.message = fmt.Sprintf("%s cannot be a %s", strings.Join(written, "."), match[1])
		p.fix = "write " + typeWords(match[3])
	}
	return p
}

// typeWords says what a Go type looks like in YAML.
func typeWords(goType string) string {
	switch {
	case goType == "string":
		return "a text, in quotes if YAML reads it as something else"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case goType == "bool":
		return "true or false"
	default:
		return "what kustomize's reference says of this field"
	}
}

// diagnose says why a build failed. Syntax errors are all reported, also those
// of files that kustomize did not get to.
func (s *survey) diagnose(err error, source rollout.Source) []problem {
	if problems := s.unreadable(); len(problems) > 0 {
		return problems
	}
	message := err.Error()
	if match := registeredID.FindStringSubmatch(message); match != nil {
		return []problem{s.duplicate(parseID(match[1]), source)}
	}
	if helmFailed.MatchString(message) {
		return []problem{{
			place: s.helm, rule: rollout.RuleBuildFailed,
			message: "helm cannot render the charts here: " + s.tree.readable(helmFailed.ReplaceAllString(message, "")),
			fix:     "mend the chart's values, or commit the output of `helm template` as a resource instead of the chart",
		}}
	}
	p := problem{
		place: s.placeIn(message), rule: rollout.RuleBuildFailed,
		message: "kustomize cannot build it: " + s.tree.readable(message),
		fix:     "mend what kustomize names; `kustomize build " + s.entry.dir + "` shows the same",
	}
	if s.entry.generated != nil && len(s.entry.overlay.Only) == 0 {
		p.fix = "mend it; or, if it is no manifest, add a kustomization.yaml to " + s.entry.dir +
			" that lists those which are: without one, Flux takes every YAML file"
	}
	if match := unmatchedID.FindStringSubmatch(message); match != nil {
		if at, ok := s.patchFor(parseID(match[1])); ok {
			p.place, p.fix = at, "correct the patch's kind, name or namespace, or remove it"
		}
	}
	return []problem{p}
}

// unreadable are the files that are no YAML, none at all, or too much of it.
func (s *survey) unreadable() []problem {
	var problems []problem
	files := slices.Compact(slices.Sorted(slices.Values(s.files)))
	for _, file := range files {
		content, err := s.tree.read(file)
		if err != nil {
			continue
		}
		if p, ok := s.unparsable(file, content); ok {
			p.rule = rollout.RuleBuildFailed
			problems = append(problems, p)
		}
	}
	return problems
}

func (s *survey) unparsable(file string, content []byte) (problem, bool) {
	if err := checkBounds(content); err != nil {
		return problem{
			place:   place{file: file, line: boundsLine(content, err)},
			message: err.Error(), fix: "write the values out, and flatten or split the file",
		}, true
	}
	if isBlank(content) {
		return problem{
			place:   place{file: file, line: 1},
			message: errBlank.Error(), fix: "put its content back, or remove the file and its name where it is used",
		}, true
	}
	if _, err := documents(content); err != nil {
		return problem{
			place:   place{file: file, line: lineIn(err.Error(), content)},
			message: "it is not YAML: " + s.tree.readable(err.Error()), fix: "mend the YAML at or just above this line",
		}, true
	}
	return problem{}, false
}

// boundsLine is the line of the first anchor of a file that expands too far,
// and the first one of a file that is too deep.
func boundsLine(content []byte, err error) int {
	before, _, found := strings.Cut(string(content), "&")
	if !found || errors.Is(err, errTooDeep) {
		return 1
	}
	return strings.Count(before, "\n") + 1
}

// An id is how kustomize writes an object's identity:
// Kind.version.group/name.namespace.
type id struct{ group, kind, namespace, name string }

func parseID(written string) id {
	gvk, nn, _ := strings.Cut(written, "/")
	var parsed id
	parsed.kind, gvk, _ = strings.Cut(gvk, ".")
	_, parsed.group, _ = strings.Cut(gvk, ".")
	parsed.name = nn
	if i := strings.LastIndexByte(nn, '.'); i >= 0 {
		parsed.name, parsed.namespace = nn[:i], nn[i+1:]
	}
	if parsed.namespace == "[noNs]" {
		parsed.namespace = ""
	}
	return parsed
}

// duplicate is the problem of an object that is there twice, which kustomize
// refuses to build.
func (s *survey) duplicate(double id, source rollout.Source) problem {
	p := problem{
		place: s.entry.find(nil), rule: rollout.RuleBuildFailed,
		message: fmt.Sprintf("%s %s is there twice", double.kind, double.name), fix: "keep one of the two",
	}
	if double.group == sourceGroup && double.kind == kindGitRepository && double.name == source.Name {
		p.rule = rollout.RuleSourceDuplicate
	}
	places := s.manifests(double)
	if len(places) > 0 {
		p.place = places[len(places)-1]
	}
	if len(places) > 1 {
		p.message += fmt.Sprintf("; the first is %s:%d", places[0].file, places[0].line)
	}
	return p
}

// manifests are the places of an object in the files, in the order in which
// they are named. The namespace only tells objects apart that have one written
// down: a kustomization may add it.
func (s *survey) manifests(wanted id) []place {
	var places []place
	for _, file := range s.files {
		content, err := s.tree.read(file)
		if err != nil || checkBounds(content) != nil {
			continue
		}
		nodes, _ := documents(content)
		for _, node := range nodes {
			namespace := text(field(node, fieldMetadata, fieldNamespace))
			if text(field(node, "kind")) == wanted.kind && text(field(node, fieldMetadata, fieldName)) == wanted.name &&
				(namespace == "" || wanted.namespace == "" || namespace == wanted.namespace) {
				places = append(places, place{file: file, line: lineOf(node, fieldMetadata, fieldName)})
			}
		}
	}
	return places
}

// placeIn finds the file that a message of kustomize names last: the innermost
// one.
func (s *survey) placeIn(message string) place {
	dir, written := s.entry.dir, ""
	if matches := namedDir.FindAllStringSubmatch(message, -1); matches != nil {
		if name, ok := s.tree.name(matches[len(matches)-1][1]); ok {
			dir = name
		}
	}
	if matches := namedFile.FindAllStringSubmatch(message, -1); matches != nil {
		written = matches[len(matches)-1][1]
		if name, ok := joinLocal(dir, written); ok && slices.Contains(s.files, name) {
			content, _ := s.tree.read(name)
			return place{file: name, line: lineIn(message, content)}
		}
	}
	for _, k := range s.order {
		if i := slices.Index(k.spec.Resources, written); k.dir == dir && i >= 0 {
			return k.find([]any{"resources", i})
		}
		if k.dir == dir && k.generated == nil {
			return place{file: k.file, line: lineIn(message, k.written)}
		}
	}
	return s.entry.find(nil)
}
