package flux

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resource"

	"github.com/monosense/k8s-ops/rollout/flux/internal/substitute"
)

// A directory is one that clusters apply, with what a Flux Kustomization adds
// to it. It is surveyed and built once, however many clusters and Flux
// Kustomizations apply it so.
type directory struct {
	// survey holds the problems that kept it from being built. There are no
	// resources then.
	*survey
	name        string
	overlay     overlay
	artifact    *artifact
	helmCommand string
	opened      sync.Once
	// skipped tells that it was not built, since nothing in it changed. built is
	// it all the same, for whoever asks for what is in it.
	skipped  bool
	building sync.Once
	built    *directory

	// resources are all that was built. relevant are those of them that the
	// rules are about, configMaps the ConfigMaps, by namespace and name, and
	// unnamed those whose name or namespace a variable decides.
	resources  []*manifest
	relevant   []*manifest
	configMaps map[configMapName]*manifest
	unnamed    []*manifest
	// encrypted are the Secrets that sops has encrypted, and defective what cannot
	// be applied, nor anything beside it. Flux leaves out what is nameless.
	encrypted, defective, nameless []*manifest
	// variable tells whether anything in it has a variable.
	variable bool

	// origins are the files of its objects, where they are what stands there, and
	// places is nil until a place in the directory is asked for.
	origins  map[identity]string
	locating sync.Once
	places   *locator
}

// A manifest is one built object, before Flux substitutes variables in it.
type manifest struct {
	group, version, kind, namespace, name string
	node                                  *yaml.Node
	resource                              *resource.Resource
	// variable tells whether substitution would change anything in it, and
	// text is what would be substituted in.
	variable bool
	written  sync.Once
	text     string
	broken   error
	// defect is what keeps Flux from applying it, and at the keys that lead to
	// it; nil are those of the defect itself.
	defect *defect
	at     []string
}

func newManifest(r *resource.Resource) *manifest {
	node := r.YNode()
	m := &manifest{
		kind:      text(field(node, "kind")),
		namespace: text(field(node, fieldMetadata, fieldNamespace)),
		name:      text(field(node, fieldMetadata, fieldName)),
		node:      node, resource: r,
		variable: hasDollar(node) && !isExempt(node),
	}
	m.group, m.version = splitVersion(text(field(node, "apiVersion")))
	if m.defect = defectOf(node); m.version == "" {
		m.defect, m.at = lacksVersion, []string{"kind"}
	}
	return m
}

// substituteKey is the label or annotation that exempts an object from
// substitution (fluxcd/pkg kustomize, SubstituteVariables).
const substituteKey = "kustomize.toolkit.fluxcd.io/substitute"

func isExempt(node *yaml.Node) bool {
	return text(field(node, fieldMetadata, "labels", substituteKey)) == "disabled" ||
		text(field(node, fieldMetadata, "annotations", substituteKey)) == "disabled"
}

// hasDollar tells whether there is a key or a value that substitution could
// change.
func hasDollar(node *yaml.Node) bool {
	if node.Kind == yaml.ScalarNode {
		i := strings.IndexByte(node.Value, '$')
		return i >= 0 && i+1 < len(node.Value) && strings.ContainsAny(node.Value[i+1:], "{$")
	}
	for _, child := range node.Content {
		if hasDollar(child) {
			return true
		}
	}
	return false
}

// yaml is the manifest's text, in which Flux substitutes. The error says what
// envsubst does not understand in it, whatever the variables are.
func (m *manifest) yaml() (string, error) {
	m.written.Do(func() {
		written, err := m.resource.AsYAML()
		if m.text = string(written); err != nil {
			m.broken = err
			return
		}
		m.broken = substitute.Parse(m.text)
	})
	return m.text, m.broken
}

// An identity tells the objects of one build apart.
type identity struct{ group, version, kind, namespace, name string }

func (m *manifest) identity() identity {
	return identity{m.group, m.version, m.kind, m.namespace, m.name}
}

// open surveys and builds a directory with an overlay, or returns the one that
// it built before. The home of a cluster is built for that cluster only, and
// forgotten with it: of thousands of clusters, each has one.
func (v *verifier) open(name string, a *artifact, o overlay, own map[string]*directory, home string) *directory {
	key := name + "\x00" + a.ignore + "\x00" + o.key()
	v.mu.Lock()
	shared := v.directories
	if name == home || strings.HasPrefix(name, home+"/") {
		shared = own
	}
	d, ok := shared[key]
	if !ok {
		d = &directory{name: name, overlay: o, artifact: a}
		shared[key] = d
	}
	v.mu.Unlock()
	d.opened.Do(func() {
		d.prepare(v)
		v.phase.AddPieces(1)
	})
	return d
}

func (d *directory) prepare(v *verifier) {
	d.survey = surveyDirectory(d.artifact, d.name, d.overlay)
	helmCommand, problems := v.helmFor(d.survey, d.overlay)
	d.helmCommand, d.problems = helmCommand, append(d.problems, problems...)
	if len(d.problems) > 0 {
		return
	}
	if d.skipped = v.changed.spare(d.survey); !d.skipped {
		d.build(v)
	}
}

// unskipped is a directory that was skipped, built. It is another one, because
// clusters look at this one side by side.
func (d *directory) unskipped(v *verifier) *directory {
	d.building.Do(func() {
		surveyed := *d.survey
		d.built = &directory{survey: &surveyed, name: d.name, overlay: d.overlay, artifact: d.artifact, helmCommand: d.helmCommand}
		d.built.build(v)
	})
	return d.built
}

func (d *directory) build(v *verifier) {
	found, ok := d.readPlain(v.parser)
	if !ok {
		built, err := build(&view{survey: d.survey}, d.entry.dir, d.helmCommand)
		if err != nil {
			d.problems = d.diagnose(err, v.Plan.Source)
			return
		}
		found = built.Resources()
	}
	d.read(found)
	if v.rulesOnly {
		d.forget()
	}
}

func (d *directory) read(built []*resource.Resource) {
	d.configMaps = map[configMapName]*manifest{}
	for _, m := range d.applied(built) {
		d.resources = append(d.resources, m)
		d.variable = d.variable || m.variable
		if m.group == "" && m.kind == kindConfigMap {
			if m.variable && hasDollar(field(m.node, fieldMetadata)) {
				d.unnamed = append(d.unnamed, m)
			} else {
				d.configMaps[configMapName{m.namespace, m.name}] = m
			}
		}
		if m.group == "" && m.kind == kindSecret && !isEmpty(field(m.node, sopsKey)) {
			d.encrypted = append(d.encrypted, m)
		}
		if isRelevant(m) {
			d.relevant = append(d.relevant, m)
		}
		if m.defect != nil {
			d.defective = append(d.defective, m)
		}
	}
}

// forget lets go of what no rule looks at, which is most of what is built: its
// nodes take ten times the memory of its text.
func (d *directory) forget() {
	kept := map[*manifest]bool{}
	for _, m := range slices.Concat(d.relevant, d.unnamed, d.encrypted, d.defective, d.nameless, slices.Collect(maps.Values(d.configMaps))) {
		kept[m] = true
	}
	for _, m := range d.resources {
		if !kept[m] && !m.isBroken() {
			m.node, m.resource, m.text = nil, nil, ""
		}
	}
}

// isBroken tells whether a manifest has variables that envsubst does not
// understand.
func (m *manifest) isBroken() bool {
	if !m.variable {
		return false
	}
	_, err := m.yaml()
	return err != nil
}

// sopsKey is where sops notes how it encrypted an object.
const sopsKey = "sops"

// isRelevant tells whether the rules are about a manifest: all that Flux or its
// operator make branches and directories of.
func isRelevant(m *manifest) bool {
	switch m.group {
	case sourceGroup, kustomizeGroup, operatorGroup:
		return true
	case imageGroup:
		return m.kind == kindAutomation
	case helmGroup:
		return m.kind == kindHelmRelease
	}
	return false
}

// locator finds places in the directory. When it is asked for first, it builds
// the directory once more, unless it only lists manifests.
func (d *directory) locator() *locator {
	d.locating.Do(func() {
		if d.origins != nil {
			d.places = listed(d.survey, d.origins)
		} else {
			d.places = newLocator(d.survey, d.helmCommand)
		}
	})
	return d.places
}
