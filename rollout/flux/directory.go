package flux

// A directory is one that clusters apply: an entry point, or what a Flux
// Kustomization names in spec.path. It is surveyed and built once, however many
// clusters and Flux Kustomizations name it.
type directory struct {
	// survey holds the problems that kept it from being built. There are no
	// objects then.
	*survey
	name        string
	helmCommand string
	// count is how many objects were built, and objects are those of them that
	// the rules are about.
	count   int
	objects objects
	// places is nil until a place in the directory is asked for.
	places *locator
}

// open surveys and builds the directory of a name, or returns the one that it
// built before.
func (v *verifier) open(name string) *directory {
	if resolved, err := v.tree.resolve(name); err == nil {
		name = resolved
	}
	if opened, ok := v.directories[name]; ok {
		return opened
	}
	d := &directory{survey: surveyDirectory(v.tree, name), name: name}
	helmCommand, helmProblems := v.helmFor(d.survey)
	d.helmCommand, d.problems = helmCommand, append(d.problems, helmProblems...)
	if len(d.problems) == 0 {
		d.build(v)
	}
	v.directories[name] = d
	return d
}

func (d *directory) build(v *verifier) {
	built, err := build(&view{survey: d.survey}, d.entry.dir, d.helmCommand)
	if err != nil {
		d.problems = d.diagnose(err, v.Plan.Source)
		return
	}
	d.count, d.objects = built.Size(), readObjects(built, d)
}

// locator finds places in the directory. It builds it once more, when it is
// asked for first.
func (d *directory) locator() *locator {
	if d.places == nil {
		d.places = newLocator(d.survey, d.helmCommand)
	}
	return d.places
}

// appliedTo are the objects as a Flux Kustomization with that targetNamespace
// applies them; empty is none.
func (d *directory) appliedTo(targetNamespace string) objects {
	if targetNamespace == "" {
		return d.objects
	}
	found := d.objects
	found.repositories = moved(found.repositories, targetNamespace)
	found.kustomizations = moved(found.kustomizations, targetNamespace)
	return found
}

// moved are copies of objects in another namespace.
func moved(objects []*object, namespace string) []*object {
	copies := make([]*object, len(objects))
	for i, o := range objects {
		copied := *o
		copied.namespace = namespace
		copies[i] = &copied
	}
	return copies
}

// sameManifest tells whether two objects are one manifest, which two
// directories apply alike, say a cluster's directory and the entry point in it.
func sameManifest(a, b *object) bool {
	if a.node == b.node {
		return true
	}
	keys := []string{fieldMetadata, fieldName}
	return equalTrees(a.node, b.node) &&
		a.in.locator().manifest(violation{object: a, keys: keys}) == b.in.locator().manifest(violation{object: b, keys: keys})
}
