package flux

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/monosense/k8s-ops/rollout"
)

// A survey is what the kustomizations of a build name, before anything is
// built.
type survey struct {
	tree *artifact
	// entry is the kustomization of the directory that is built.
	entry *kustomization
	// kustomizations are all that the build reads, by file, and order is the
	// order in which they were reached.
	kustomizations map[string]*kustomization
	order          []*kustomization
	// files are what kustomize parses: manifests, patches, plugin
	// configurations. plugins are the last of these, by the kustomization
	// that names them.
	files   []string
	plugins map[string]*kustomization
	// contents are the files that become part of an object as they are.
	contents []string
	// helm is where a chart is inflated first; its file is empty in a tree
	// that has none.
	helm place
	// problems keep the tree from being built.
	problems []problem
	last     *lastRead
}

// A place is a line of a file; line 0 is the file as a whole. Where spec is set,
// it is a field of the Flux Kustomization that applies the directory, and whoever
// knows which one that is finds the line.
type place struct {
	file string
	line int
	spec []string
}

// A locus finds a place. Lines are only looked up where something is wrong.
type locus func() place

func at(file string, line int) locus {
	return func() place { return place{file: file, line: line} }
}

// A problem is a reason why a tree cannot be built.
type problem struct {
	place
	rule, message, fix string
}

// surveyDirectory surveys everything that the kustomization of a directory
// names, with what a Flux Kustomization adds to it. Where there is none, Flux
// generates one.
func surveyDirectory(t *artifact, dir string, o overlay) *survey {
	s := &survey{tree: t, kustomizations: map[string]*kustomization{}, plugins: map[string]*kustomization{}, last: &lastRead{}}
	k, ok := s.first(dir, o)
	if !ok {
		return s
	}
	if err := s.apply(k, o); err != nil {
		s.problems = append(s.problems, s.malformed(k, err))
		return s
	}
	s.add(k)
	return s
}

// first is the kustomization of the directory itself.
func (s *survey) first(dir string, o overlay) (*kustomization, bool) {
	if len(o.Only) > 0 {
		return &kustomization{file: path.Join(dir, konfig.DefaultKustomizationFileName()), dir: dir, generated: o.Only}, true
	}
	if len(s.tree.kustomizationsIn(dir)) > 0 {
		return s.open(dir, at(dir, 0))
	}
	resources, err := s.generate(dir)
	if err != nil {
		s.reject(at(dir, 0), dir, err)
		return nil, false
	}
	return &kustomization{file: path.Join(dir, konfig.DefaultKustomizationFileName()), dir: dir, generated: resources}, true
}

// open reads the kustomization of a directory; from is where it is named.
func (s *survey) open(dir string, from locus) (*kustomization, bool) {
	if _, err := s.tree.stat(dir); err != nil {
		s.reject(from, dir, err)
		return nil, false
	}
	file, ok := s.findKustomization(dir, from)
	if !ok {
		return nil, false
	}
	if seen, ok := s.kustomizations[file]; ok {
		return seen, true
	}
	content, err := s.tree.read(file)
	if err != nil {
		s.reject(from, file, err)
		return nil, false
	}
	return &kustomization{file: file, dir: dir, written: content, content: content}, true
}

// enter surveys the kustomization of a directory; from is where it is named.
func (s *survey) enter(dir string, from locus, plugin bool) {
	k, ok := s.open(dir, from)
	if !ok {
		return
	}
	if s.kustomizations[k.file] == nil {
		k.plugin = plugin
		s.add(k)
		return
	}
	// What is applied in one place may configure plugins in another.
	if plugin && !k.plugin {
		k.plugin = true
		s.look(k)
	}
}

// add notes a kustomization, and follows what it names.
func (s *survey) add(k *kustomization) {
	if err := k.spec.Unmarshal(k.content); err != nil {
		s.problems = append(s.problems, s.malformed(k, err))
		return
	}
	if s.entry == nil {
		s.entry = k
	}
	s.kustomizations[k.file] = k
	s.order = append(s.order, k)
	s.checkHead(k)
	s.look(k)
}

// checkHead checks what kustomize refuses before it looks at any file.
func (s *survey) checkHead(k *kustomization) {
	if k.spec.CheckEmpty() != nil {
		s.empty(k)
	}
	for _, message := range k.spec.EnforceFields() {
		s.problem(k.at("apiVersion"), "in a kustomization "+message, "correct kind and apiVersion, or remove both")
	}
}

func (s *survey) empty(k *kustomization) {
	s.problem(at(k.file, 1), "the kustomization is empty", "list the manifests under resources, or remove the file and its directory's name where it is used")
}

// findKustomization returns the one kustomization file of a directory.
func (s *survey) findKustomization(dir string, from locus) (string, bool) {
	found := s.tree.kustomizationsIn(dir)
	switch len(found) {
	case 1:
		return found[0], true
	case 0:
		s.problem(from, fmt.Sprintf("the directory %s has no kustomization.yaml", dir),
			"add one that lists its manifests under resources, or name the files instead of the directory")
	default:
		s.problem(at(found[1], 0), fmt.Sprintf("the directory %s has more than one kustomization: %s", dir, strings.Join(found, ", ")),
			"keep kustomization.yaml and remove the others")
	}
	return "", false
}

// look follows everything that a kustomization names. The fields are those of
// types.Kustomization that kustomize loads.
func (s *survey) look(k *kustomization) {
	spec := &k.spec
	s.resources(k, "resources", spec.Resources, k.plugin)
	s.resources(k, "bases", spec.Bases, k.plugin)
	s.resources(k, "components", spec.Components, k.plugin)
	s.resources(k, "generators", spec.Generators, true)
	s.resources(k, "transformers", spec.Transformers, true)
	s.resources(k, "validators", spec.Validators, true)
	for i, patch := range spec.Patches {
		s.patch(k, patch, "patches", i)
	}
	for i, patch := range spec.PatchesJson6902 {
		s.patch(k, patch, "patchesJson6902", i)
	}
	for i, patch := range spec.PatchesStrategicMerge {
		if !strings.Contains(string(patch), "\n") {
			s.load(k, string(patch), "patchesStrategicMerge", i)
		}
		s.inline(k.at("patchesStrategicMerge", i), string(patch))
	}
	s.loads(k, "crds", spec.Crds)
	s.loads(k, "configurations", spec.Configurations)
	s.load(k, spec.OpenAPI["path"], "openapi", "path")
	for i, replacement := range spec.Replacements {
		s.load(k, replacement.Path, "replacements", i, "path")
	}
	for i, generator := range spec.ConfigMapGenerator {
		s.pairs(k, generator.KvPairSources, "configMapGenerator", i)
	}
	for i, generator := range spec.SecretGenerator {
		s.pairs(k, generator.KvPairSources, "secretGenerator", i)
	}
	s.charts(k)
}

// resources surveys a list of manifests and directories.
func (s *survey) resources(k *kustomization, key string, entries []string, plugin bool) {
	for i, written := range entries {
		where := k.at(key, i)
		if plugin && strings.ContainsAny(written, "\n{") {
			s.pluginConfig(k, where, []byte(written))
			continue
		}
		name, ok := s.local(k, written, where)
		if !ok {
			continue
		}
		mode, err := s.tree.stat(name)
		switch {
		case err != nil:
			s.reject(where, name, err)
		case mode.IsDir():
			s.enter(name, where, plugin)
		case !mode.IsRegular():
			s.reject(where, name, errNotRegular)
		default:
			s.file(k, name, where, plugin)
		}
	}
}

// file notes a manifest, and looks into those that configure plugins, because
// plugins load files too.
func (s *survey) file(k *kustomization, name string, where locus, plugin bool) {
	s.files = append(s.files, name)
	if !plugin {
		return
	}
	content, err := s.tree.read(name)
	if err != nil {
		s.reject(where, name, err)
		return
	}
	s.plugins[name] = k
	s.pluginConfig(k, at(name, 1), content)
}

func (s *survey) patch(k *kustomization, patch types.Patch, key string, i int) {
	if k.plugin && strings.Contains(patch.Patch, "://") {
		s.problem(k.at(key, i), "a patch of a plugin's configuration contains a URL, which the plugin could fetch",
			"write the configuration without a patch")
	}
	s.inline(k.at(key, i, "patch"), patch.Patch)
	s.load(k, patch.Path, key, i, "path")
}

// inline refuses the text of a field that would be a danger as a file.
func (s *survey) inline(where locus, content string) {
	if err := checkBounds([]byte(content)); err != nil {
		s.problem(where, err.Error(), "write the values out, and flatten or split the text")
	}
}

func (s *survey) loads(k *kustomization, key string, paths []string) {
	for i, written := range paths {
		s.load(k, written, key, i)
	}
}

func (s *survey) pairs(k *kustomization, sources types.KvPairSources, key string, i int) {
	for j, written := range sources.FileSources {
		if _, file, ok := strings.Cut(written, "="); ok {
			written = file
		}
		s.content(k, written, key, i, "files", j)
	}
	for j, written := range sources.EnvSources {
		s.content(k, written, key, i, "envs", j)
	}
	s.content(k, sources.EnvSource, key, i, "env")
}

// charts surveys what is inflated by helm. It reads and starts things outside
// of kustomize's file system, so its paths are checked here or not at all.
func (s *survey) charts(k *kustomization) {
	globals := k.spec.HelmGlobals
	if globals != nil && globals.ConfigHome != "" {
		s.configHome(k.at("helmGlobals", "configHome"))
	}
	if globals != nil && globals.ChartHome != "" {
		s.local(k, globals.ChartHome, k.at("helmGlobals", "chartHome"))
	}
	for i, chart := range k.spec.HelmCharts {
		s.inflates(k.at("helmCharts"))
		s.content(k, chart.ValuesFile, "helmCharts", i, "valuesFile")
		for j, written := range chart.AdditionalValuesFiles {
			s.content(k, written, "helmCharts", i, "additionalValuesFiles", j)
		}
	}
	for i, chart := range k.spec.HelmChartInflationGenerator {
		where := k.at("helmChartInflationGenerator", i)
		s.inflates(k.at("helmChartInflationGenerator"))
		if chart.HelmHome != "" {
			s.configHome(where)
		}
		if chart.ChartHome != "" {
			s.local(k, chart.ChartHome, where)
		}
		s.content(k, chart.Values, "helmChartInflationGenerator", i, "values")
	}
}

func (s *survey) configHome(where locus) {
	s.problem(where, "helm's configuration home is set, and helm executes the plugins that it finds there",
		"remove configHome (or helmHome); kustomize then gives helm an empty one")
}

func (s *survey) inflates(where locus) {
	if s.helm.file == "" {
		s.helm = where()
	}
}

// load surveys a path of a field that kustomize loads and parses; an empty one
// is a field that is not set.
func (s *survey) load(k *kustomization, written string, keys ...any) {
	if name, ok := s.content(k, written, keys...); ok {
		s.files = append(s.files, name)
	}
}

// content surveys a path of a field that kustomize loads, whatever is in it.
func (s *survey) content(k *kustomization, written string, keys ...any) (string, bool) {
	if written == "" {
		return "", false
	}
	where := k.at(keys...)
	name, ok := s.local(k, written, where)
	if !ok {
		return "", false
	}
	mode, err := s.tree.stat(name)
	if err == nil && !mode.IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		s.reject(where, name, err)
		return "", false
	}
	s.contents = append(s.contents, name)
	return name, true
}

// local returns the name of a path in the tree. A remote path, and one that
// leaves the repository, is a problem.
func (s *survey) local(k *kustomization, written string, where locus) (string, bool) {
	if isRemote(written) {
		s.problem(where, fmt.Sprintf("%q is fetched from outside of the repository, so the branch does not decide what is applied", redact(written)),
			"commit a copy and name its path, or let Flux follow it with a GitRepository of its own")
		return "", false
	}
	name, ok := joinLocal(k.dir, written)
	if !ok {
		s.problem(where, fmt.Sprintf("the path %q leaves the repository", written), "name a file inside of the repository, relative to this one")
		return "", false
	}
	return name, true
}

func (s *survey) problem(where locus, message, fix string) {
	s.problems = append(s.problems, problem{place: where(), rule: rollout.RuleBuildFailed, message: message, fix: fix})
}

// reject says why a file that is named at a place cannot be read.
func (s *survey) reject(where locus, name string, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.problem(where, fmt.Sprintf("%s does not exist", name), "add the file, or remove its name here")
	case errors.Is(err, errLink):
		s.problem(where, fmt.Sprintf("%s is a symbolic link, or lies behind one, and Flux leaves links out of what it packs", name), "commit the file itself instead of the link")
	case errors.Is(err, errIgnored):
		s.problem(where, fmt.Sprintf("%s is there, and Flux leaves it out of what it packs: a .sourceignore or spec.ignore of the GitRepository names it, "+
			"or Flux's own defaults do (https://fluxcd.io/flux/components/source/gitrepositories/#excluding-files)", name),
			"let .sourceignore include it (!/"+name+"), or remove its name here")
	case errors.Is(err, errOutside):
		s.problem(where, fmt.Sprintf("the path %q leaves the repository", name), "name a file inside of the repository, relative to this one")
	case errors.Is(err, errNotRegular):
		s.problem(where, fmt.Sprintf("%s is not a file", name), "name a file here")
	default:
		s.problem(where, fmt.Sprintf("%s cannot be read: %v", name, rootCause(err)), "make it readable, or remove its name here")
	}
}

func rootCause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
