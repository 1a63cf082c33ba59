package flux

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux/internal/substitute"
)

// A reach is all that a cluster applies: its entry point, the directories that
// the Flux Kustomizations in it name, those that the ones in these name, and so
// on.
type reach struct {
	verifier *verifier
	cluster  cluster
	// own are the directories that are this cluster's only.
	own map[string]*directory
	// applications are all, the entry point first.
	applications []*application
	// objects are those that the rules are about, by what they are told apart
	// by. There is more than one where several applications bring it.
	objects map[key][]*object
	order   []key
	// followed are the Flux Kustomizations that were, as they are written, and
	// waiting those whose variables are not there yet.
	followed map[string]bool
	queue    []*object
	waiting  []waiting
	// sought are the ConfigMaps that were asked for, by their name.
	sought map[configMapName]sought
	// astray are the violations of what leads nowhere, or nobody knows where.
	astray []violation
	// before is the cluster as it was rendered before, nil at first, and lacking
	// are the ConfigMaps that a Flux Kustomization cannot do without and did not
	// find.
	before  *reach
	lacking map[need]bool
}

// A need is what a Flux Kustomization takes variables from.
type need struct {
	kustomization key
	configMap     string
}

// The bounds of what a cluster can apply: only Flux Kustomizations that make
// ever new ones are beyond them.
const (
	mostApplications = 10_000
	deepest          = 32
)

// mostVisits is how often a cluster is rendered before its variables have to stay
// as they are.
const mostVisits = 8

// reachFrom renders a cluster as it is when it has come to rest: Flux reconciles
// again and again, and then finds ConfigMaps that came later, or that it brings
// itself.
func (v *verifier) reachFrom(c cluster, e entryPoint) *reach {
	own := map[string]*directory{}
	r := v.visit(c, e, own, nil)
	for i := 1; i < mostVisits && r.outdated(); i++ {
		r = v.visit(c, e, own, r)
	}
	return r
}

// visit renders a cluster with the variables that it had before.
func (v *verifier) visit(c cluster, e entryPoint, own map[string]*directory, before *reach) *reach {
	r := &reach{
		verifier: v, cluster: c, own: own, objects: map[key][]*object{}, followed: map[string]bool{},
		sought: map[configMapName]sought{}, before: before, lacking: map[need]bool{},
	}
	r.enter(&application{directory: r.open(e.dir, v.tree.artifact(""), overlay{Entry: true, Only: e.only})})
	for len(r.queue) > 0 || len(r.waiting) > 0 {
		if len(r.queue) == 0 {
			// Nothing more comes but by one that waits: it has to do without.
			next := r.waiting[0]
			r.waiting = r.waiting[1:]
			r.apply(next.kustomization, true)
			continue
		}
		next := r.queue[0]
		r.queue = r.queue[1:]
		r.follow(next)
	}
	r.settle()
	r.before = nil
	return r
}

// outdated tells whether some application has other variables now that all is
// there.
func (r *reach) outdated() bool {
	after := &reach{verifier: r.verifier, cluster: r.cluster, before: r, lacking: map[need]bool{}}
	return slices.ContainsFunc(r.applications, func(a *application) bool {
		if a.by == nil {
			return false
		}
		now := after.variablesOf(a.by)
		return now.Key() != a.variables.Key()
	})
}

func (r *reach) open(dir string, a *artifact, o overlay) *directory {
	return r.verifier.open(dir, a, o, r.own, r.cluster.home())
}

// enter adds what an application brings, and queues what that brings.
func (r *reach) enter(a *application) {
	r.applications = append(r.applications, a)
	a.read()
	r.add(a.objects)
	a.made = r.made(a)
	r.add(a.made)
	var found []*object
	for _, o := range slices.Concat(a.objects, a.made) {
		if o.is(kustomizeGroup, kindKustomization) {
			found = append(found, o)
		}
	}
	// What applies the entry point itself comes first: it overrules what
	// somebody applied by hand.
	entry := r.entry().directory.name
	slices.SortStableFunc(found, func(x, y *object) int { return contains(y, entry) - contains(x, entry) })
	r.queue = append(r.queue, found...)
	r.release()
}

func (r *reach) add(objects []*object) {
	for _, o := range objects {
		k := o.key()
		if len(r.objects[k]) == 0 {
			r.order = append(r.order, k)
		}
		r.objects[k] = append(r.objects[k], o)
	}
}

// contains is 1 of a Flux Kustomization whose path is a directory or one above
// it.
func contains(kustomization *object, dir string) int {
	if p := kustomization.path(); p == dir || p != "" && strings.HasPrefix(dir, p+"/") {
		return 1
	}
	return 0
}

// waiting is a Flux Kustomization whose variables cannot be read before a
// ConfigMap is there.
type waiting struct {
	kustomization *object
	missing       configMapName
}

// release queues those again that wait for a ConfigMap which is there now.
func (r *reach) release() {
	r.waiting = slices.DeleteFunc(r.waiting, func(w waiting) bool {
		there := r.configMap(w.missing) != nil
		if there {
			r.queue = append(r.queue, w.kustomization)
		}
		return there
	})
}

// follow enters the directory that a Flux Kustomization of the source names.
func (r *reach) follow(kustomization *object) {
	if r.overruled(kustomization) {
		return
	}
	if refused := refusals(kustomization); len(refused) > 0 {
		r.astray = append(r.astray, refused...)
		return
	}
	if !kustomization.sourceRef().isSource(r.verifier.Plan.Source) {
		return
	}
	if !isEmpty(field(kustomization.node, fieldSpec, "kubeConfig")) {
		r.stray(rollout.RuleOtherCluster, kustomization, "kubeConfig",
			fmt.Sprintf("%s applies %s to another cluster, and so what the branch of the stage %s says", kustomization,
				written(field(kustomization.node, fieldSpec, fieldPath)), r.cluster.stage.Name),
			"let that cluster's own Flux apply it, by the branch of its own stage; if the other cluster is of the same stage, turn the rule off in the plan with that reason")
		return
	}
	r.apply(kustomization, false)
}

// overruled tells whether what somebody applied by hand is applied by Flux,
// too, from the same manifest, but maybe with patches and variables.
func (r *reach) overruled(o *object) bool {
	return o.in.by == nil && slices.ContainsFunc(r.objects[o.key()], func(other *object) bool {
		return other.in.by != nil && sameManifest(o, other)
	})
}

func (r *reach) apply(kustomization *object, final bool) {
	d, known := r.destinationOf(kustomization)
	if !known {
		return
	}
	if missing, ok := r.missing(kustomization); ok && !final {
		r.waiting = append(r.waiting, waiting{kustomization, missing})
		return
	}
	variables := r.variablesOf(kustomization)
	mark := fmt.Sprint(kustomization.key(), fingerprint(field(kustomization.node, fieldSpec)), variables.Key())
	if r.followed[mark] {
		return
	}
	r.followed[mark] = true
	a := &application{by: kustomization, parent: kustomization.in, variables: variables}
	if len(r.applications) >= mostApplications || a.depth() > deepest {
		r.stray(rollout.RuleBuildFailed, kustomization, fieldPath, fmt.Sprintf("%s is one of more than %d Flux Kustomizations, or %d deep: they make ever new ones", kustomization, mostApplications, deepest),
			"let no Flux Kustomization apply a directory in which it stands itself under a name that changes")
		return
	}
	r.astray = append(r.astray, variables.problems...)
	a.directory = r.open(d, r.verifier.tree.artifact(r.ignored()), overlayOf(kustomization.node))
	r.enter(a)
}

// ignored is what the source leaves out.
func (r *reach) ignored() string {
	source := r.verifier.Plan.Source
	found := r.objects[key{sourceGroup, kindGitRepository, source.Namespace, source.Name}]
	if len(found) == 0 {
		return ""
	}
	return text(field(found[0].node, fieldSpec, "ignore"))
}

// destinationOf looks up the path of a Flux Kustomization. It is false for one
// that leads nowhere, or nobody knows where.
func (r *reach) destinationOf(kustomization *object) (string, bool) {
	node := field(kustomization.node, fieldSpec, fieldPath)
	if names := substitute.Unknown(text(node)); len(names) > 0 {
		r.stray(rollout.RulePathUnknown, kustomization, fieldPath,
			fmt.Sprintf("%s applies %s, and what %s is, the repository does not say: %s does", kustomization, written(node),
				strings.Join(names, ", "), strings.Join(kustomization.in.variables.obscured, ", ")),
			"set the variable in a ConfigMap of the repository, or write the path out")
		return "", false
	}
	d := r.verifier.destination(text(node))
	if d.message != "" {
		r.stray(rollout.RuleBuildFailed, kustomization, fieldPath, d.message, d.fix)
	}
	return d.name, d.message == ""
}

func (r *reach) stray(rule string, o *object, key, message, fix string) {
	r.astray = append(r.astray, violation{rule: rule, object: o, keys: []string{fieldSpec, key}, message: message, fix: fix})
}

// settle drops what somebody applied by hand and Flux applies, too: the cluster
// keeps what Flux applies.
func (r *reach) settle() {
	for k, all := range r.objects {
		r.objects[k] = slices.DeleteFunc(slices.Clone(all), r.overruled)
	}
}

// of are the objects of a kind, in the order in which they were reached.
func (r *reach) of(group, kind string) []*object {
	var found []*object
	for _, k := range r.order {
		if k.group == group && k.kind == kind {
			found = append(found, r.objects[k]...)
		}
	}
	return found
}

// configMapFor finds the ConfigMap that a Flux Kustomization takes variables from.
func (r *reach) configMapFor(kustomization *object, name string) *object {
	wanted := configMapName{kustomization.namespace, name}
	if r.before != nil && !r.before.lacking[need{kustomization.key(), name}] {
		if found := r.before.configMap(wanted); found != nil {
			return found
		}
	}
	return r.configMap(wanted)
}

// entry is the application of the entry point.
func (r *reach) entry() *application { return r.applications[0] }

// incomplete tells whether the cluster applies something that could not be
// built, so that what is not there may be in it.
func (r *reach) incomplete() bool {
	return len(r.astray) > 0 || slices.ContainsFunc(r.applications, func(a *application) bool {
		return len(a.directory.problems) > 0 || len(a.failures) > 0
	})
}

// A destination is where a spec.path leads to.
type destination struct {
	// name is the directory's.
	name string
	// message says why there is no such directory, and fix what to do.
	message, fix string
}

const pathFix = "write the path of a directory in the repository, relative to its root"

// destination looks up a spec.path. As for kustomize-controller, it is relative
// to the repository's root also with a leading slash, and an empty one is the
// root.
func (v *verifier) destination(written string) destination {
	v.mu.Lock()
	found, ok := v.destinations[written]
	v.mu.Unlock()
	if ok {
		return found
	}
	found = v.lookUp(written)
	v.mu.Lock()
	v.destinations[written] = found
	v.mu.Unlock()
	return found
}

func (v *verifier) lookUp(written string) destination {
	name, ok := joinLocal(".", strings.TrimLeft(written, "/"))
	if !ok {
		return destination{message: fmt.Sprintf("spec.path %q leaves the repository", written), fix: pathFix}
	}
	mode, err := v.tree.stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return destination{message: fmt.Sprintf("there is no directory %s", name), fix: "add the directory with its manifests, or correct spec.path"}
	case errors.Is(err, errLink):
		return destination{
			message: fmt.Sprintf("%s is a symbolic link, or lies behind one, and Flux leaves links out of what it packs", name),
			fix:     "commit the directory itself instead of the link",
		}
	case err != nil:
		return destination{message: fmt.Sprintf("%s cannot be read: %v", name, rootCause(err)), fix: pathFix}
	case !mode.IsDir():
		return destination{message: fmt.Sprintf("%s is not a directory", name), fix: pathFix}
	}
	return destination{name: path.Clean(name)}
}

// written is a value for a message, with its unknown variables as people write
// them.
func written(node *yaml.Node) string {
	if isEmpty(node) {
		return "the root of the repository"
	}
	return substitute.Readable(describe(node))
}
