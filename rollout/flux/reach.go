package flux

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// A reach is all that a cluster applies: the directory of its entry point,
// those that the Flux Kustomizations in it name, those that the ones in these
// name, and so on.
type reach struct {
	verifier *verifier
	// objects are those of all directories; a directory that is applied to two
	// namespaces has them twice.
	objects
	// directories are all different, the entry point first.
	directories []*directory
	entered     map[application]bool
	// astray are the violations of the Flux Kustomizations that name no
	// directory.
	astray []violation
	// generated tells that some directory has no kustomization, so that Flux
	// generates one and nobody knows here what is in it.
	generated bool
}

// An application is a directory with the targetNamespace of the Flux
// Kustomization that applies it, empty where it has none.
type application struct {
	directory       *directory
	targetNamespace string
}

func (v *verifier) reachFrom(entry *directory) *reach {
	r := &reach{verifier: v, entered: map[application]bool{}}
	r.enter(application{directory: entry})
	return r
}

// enter adds what an application brings. One that is entered already adds
// nothing: every entry point is applied by a Flux Kustomization in it, too.
func (r *reach) enter(a application) {
	if r.entered[a] {
		return
	}
	r.entered[a] = true
	if !slices.Contains(r.directories, a.directory) {
		r.directories = append(r.directories, a.directory)
	}
	found := a.directory.appliedTo(a.targetNamespace)
	r.objects = r.with(found)
	for _, kustomization := range found.kustomizations {
		if kustomization.sourceRef().isSource(r.verifier.Plan.Source) {
			r.follow(kustomization)
		}
	}
}

// follow enters the directory that a Flux Kustomization of the source names. A
// path that is a variable may be any.
func (r *reach) follow(kustomization *object) {
	written := field(kustomization.node, fieldSpec, fieldPath)
	if hasVariable(text(written)) {
		return
	}
	if !isEmpty(written) && !isString(written) {
		r.stray(kustomization, fmt.Sprintf("spec.path is %s, and the API server only takes a string", describe(written)), pathFix)
		return
	}
	d := r.verifier.destination(text(written))
	switch {
	case d.message != "":
		r.stray(kustomization, d.message, d.fix)
	case !d.kustomized:
		r.generated = true
	default:
		r.enter(application{
			directory:       r.verifier.open(d.name),
			targetNamespace: text(field(kustomization.node, fieldSpec, "targetNamespace")),
		})
	}
}

func (r *reach) stray(kustomization *object, message, fix string) {
	r.astray = append(r.astray, violation{
		rule: rollout.RuleBuildFailed, object: kustomization, keys: []string{fieldSpec, fieldPath}, message: message, fix: fix,
	})
}

// place is where a violation has to be mended: what is missing belongs into the
// entry point.
func (r *reach) place(v violation) place {
	if v.object == nil {
		return r.entry().entry.find([]any{"resources"})
	}
	return v.object.in.locator().place(v)
}

// entry is the directory of the entry point.
func (r *reach) entry() *directory { return r.directories[0] }

// incomplete tells whether the cluster applies something that could not be
// built, so that what is not there may be in it.
func (r *reach) incomplete() bool {
	return len(r.astray) > 0 || slices.ContainsFunc(r.directories, func(d *directory) bool { return len(d.problems) > 0 })
}

// A destination is where a spec.path leads to.
type destination struct {
	// name is the directory's, without symbolic links.
	name string
	// kustomized tells that it has a kustomization.
	kustomized bool
	// message says why there is no such directory, and fix what to do.
	message, fix string
}

const pathFix = "write the path of a directory in the repository, relative to its root"

// destination looks up a spec.path. As for kustomize-controller, it is relative
// to the repository's root also with a leading slash, and an empty one is the
// root.
func (v *verifier) destination(written string) destination {
	if known, ok := v.destinations[written]; ok {
		return known
	}
	found := v.lookUp(written)
	v.destinations[written] = found
	return found
}

func (v *verifier) lookUp(written string) destination {
	name, ok := joinLocal(".", strings.TrimLeft(written, "/"))
	if !ok {
		return destination{message: fmt.Sprintf("spec.path %q leaves the repository", written), fix: pathFix}
	}
	resolved, err := v.tree.resolve(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return destination{message: fmt.Sprintf("there is no directory %s", name), fix: "add the directory with its manifests, or correct spec.path"}
	case isOutside(err):
		return destination{message: fmt.Sprintf("%s leads out of the repository through a symbolic link", name), fix: "commit the directory itself instead of the link"}
	case err != nil:
		return destination{message: fmt.Sprintf("%s cannot be read: %v", name, rootCause(err)), fix: pathFix}
	}
	if info, err := v.tree.stat(resolved); err != nil || !info.IsDir() {
		return destination{message: fmt.Sprintf("%s is not a directory", name), fix: pathFix}
	}
	return destination{name: resolved, kustomized: len(v.tree.kustomizationsIn(resolved)) > 0}
}
