package flux

import (
	"path"
	"reflect"
	"sync"

	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
)

// readPlain reads a directory whose kustomizations only list manifests, all of
// kinds that kustomize finds no references in: building it changes nothing then,
// and takes ten times as long. Entry points are like that, and there is one for
// each cluster. It is false for every other directory, and for one in which
// anything is odd: kustomize says best what is wrong with it.
func (d *directory) readPlain(files *parser) ([]*resource.Resource, bool) {
	p := plain{
		survey: d.survey, view: &view{survey: d.survey}, parser: files,
		seen: map[identity]bool{}, byDir: map[string]*kustomization{}, origins: map[identity]string{},
	}
	for _, k := range d.order {
		if !k.onlyLists() {
			return nil, false
		}
		p.byDir[k.dir] = k
	}
	ok := p.enter(d.entry, 0)
	if ok {
		d.origins = p.origins
	}
	return p.found, ok
}

type plain struct {
	*survey
	*parser
	view  *view
	byDir map[string]*kustomization
	seen  map[identity]bool
	found []*resource.Resource
	// origins are the files of what was found.
	origins map[identity]string
}

// A parser parses manifests as kustomize does, and those of one content once:
// many clusters have copies of one file.
type parser struct {
	factory *resource.Factory
	mu      sync.Mutex
	// parsed are by their content, of which size is the sum.
	parsed map[string][]*resource.Resource
	size   int
}

// mostParsed is how many bytes of manifests are kept: so many, that a file which
// the next cluster has, too, is still there, and so few, that the files which
// only one cluster has do not pile up.
const mostParsed = 1 << 20

func newParser() *parser {
	return &parser{factory: provider.NewDefaultDepProvider().GetResourceFactory(), parsed: map[string][]*resource.Resource{}}
}

// parse returns the objects of a manifest. They may be another directory's, too.
func (p *parser) parse(content []byte) ([]*resource.Resource, error) {
	p.mu.Lock()
	known, ok := p.parsed[string(content)]
	p.mu.Unlock()
	if ok {
		return known, nil
	}
	found, err := p.factory.SliceFromBytes(content)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.size += len(content); p.size > mostParsed {
		clear(p.parsed)
		p.size = len(content)
	}
	p.parsed[string(content)] = found
	return found, nil
}

// onlyLists tells whether a kustomization has nothing but resources.
func (k *kustomization) onlyLists() bool {
	rest := k.spec
	rest.TypeMeta, rest.MetaData, rest.Resources = types.TypeMeta{}, nil, nil
	return !k.plugin && len(k.spec.Resources) > 0 && reflect.DeepEqual(rest, types.Kustomization{})
}

// enter reads what a kustomization lists, in its order.
func (p *plain) enter(k *kustomization, depth int) bool {
	if depth > len(p.order) {
		return false // it lists itself
	}
	for _, written := range k.spec.Resources {
		name, ok := joinLocal(k.dir, written)
		if !ok {
			return false
		}
		if below := p.byDir[path.Clean(name)]; below != nil {
			if !p.enter(below, depth+1) {
				return false
			}
			continue
		}
		if !p.read(name) {
			return false
		}
	}
	return true
}

func (p *plain) read(name string) (ok bool) {
	// The parser panics on some invalid objects, as kustomize does.
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	content, err := p.view.ReadFile(p.tree.abs(name))
	if err != nil {
		return false
	}
	resources, err := p.parse(content)
	if err != nil {
		return false
	}
	for _, r := range resources {
		if !p.take(r, name) {
			return false
		}
	}
	return true
}

// localConfig is the annotation of objects that kustomize leaves out of what it
// builds.
const localConfig = "config.kubernetes.io/local-config"

func (p *plain) take(r *resource.Resource, file string) bool {
	m := newManifest(r)
	id := m.identity()
	if id.namespace == "default" {
		id.namespace = "" // kustomize takes them for the same
	}
	_, local := r.GetAnnotations()[localConfig]
	if local || m.name == "" || p.seen[id] || !refersToNothing(m) {
		return false
	}
	p.seen[id], p.origins[m.identity()] = true, file
	p.found = append(p.found, r)
	return true
}

// refersToNothing tells whether kustomize's name reference transformer has
// nothing to do with a kind (api/internal/konfig/builtinpluginconsts,
// namereference.go).
func refersToNothing(m *manifest) bool {
	switch m.group {
	case sourceGroup, kustomizeGroup, helmGroup, imageGroup, operatorGroup, "notification.toolkit.fluxcd.io":
		return true
	case "":
		return m.kind == kindConfigMap || m.kind == "Namespace"
	}
	return false
}
