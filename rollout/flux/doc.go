// Package flux renders what each Flux cluster would apply, offline, from a
// checkout, and verifies that a cluster can only ever apply its stage's branch.
//
// # Model
//
// A cluster's entry point is what somebody applied to it by hand: the
// kustomization in clusters/<name>/flux, `flux bootstrap`'s in
// clusters/<name>/flux-system, or a FluxInstance. What the cluster applies is its
// reach: the entry point; the directories that the Flux Kustomizations of the
// plan's source in it name in spec.path; those that the ones in these name, and
// so on. Each is rendered as kustomize-controller renders it:
//
//	artifact   what source-controller packs of the tree: no symbolic links, and
//	           nothing that .sourceignore or spec.ignore leaves out
//	overlay    the directory's kustomization, which Flux writes anew, or one that
//	           it generates, with what the Flux Kustomization adds:
//	           targetNamespace, namePrefix, nameSuffix, components, patches, images
//	survey     every kustomization that the build will read is read once, and
//	           every path in it looked up: what is missing, remote or outside of
//	           the repository is found here, with its line
//	build      krusty builds it in process: no plugins, no load restriction but
//	           the repository's root
//	applied    what kustomize-controller reads of that: lists are taken apart, and
//	           what is kustomize's own or has no name is left out
//	variables  spec.postBuild: ConfigMaps that the cluster gets from the tree,
//	           Secrets that nobody knows, and what is written inline
//	rules      the objects of the whole reach are checked against the cluster's
//	           stage, so patches, components, generators and variables all count
//	places     only where a rule is violated: a second build with kustomize's
//	           origin and transformer annotations tells which manifest or patch
//	           set the field, and the YAML nodes tell the line
//
// The module in the directory oracle holds all of this against Flux's own packages.
//
// A directory is built once for each overlay, however many clusters and Flux
// Kustomizations apply it. Variables are substituted in those objects only that a
// rule is about, or that somebody asks to see.
//
// What the entry point brings counts only until Flux applies the same manifest:
// most clusters apply their own entry point, with patches and variables.
//
// A value that nobody can know offline is not guessed: a variable that a Secret
// may set stays a mark in the text (package substitute), and a rule that depends
// on it says so.
//
// A file that is named and has no text is a finding, though kustomize takes it
// for nothing to apply: Flux would prune what stood in it. One with a comment
// is taken for meant.
//
// # Invariants
//
// Nothing outside of the repository's root is read, and no symbolic link is
// followed. Nothing is fetched: the survey refuses every remote base and every
// URL in a field that kustomize loads, and the build may read no kustomization
// that the survey has not passed. The one exception is helm, which runs only for
// entry points that use it, since Flux starts none. Files that would exhaust the
// memory or the stack of the process (an anchor that contains itself, aliases that
// expand without bound, hundreds of levels) are refused before kustomize sees them,
// and Flux Kustomizations that make ever new ones come to an end. Every broken
// input is a finding; an error means that nothing could be verified at all.
//
// helm is started by kustomize with the environment of this process, and
// kustomize has no seam for another one. It is therefore given a fixed shell
// script (helm.sh, in a temporary directory next to a link to the real helm)
// that passes on an allowlist of variables: a token never reaches helm.
// Unsetting the variables of this process for the time of the build would
// take them away from everything that runs beside it, and inflating charts
// without kustomize would be a second implementation of its namespaces, values
// and merges.
//
// # Concurrency
//
// [Verify] may be called from anywhere. It looks at clusters side by side; builds
// run one at a time, because krusty keeps the OpenAPI schema in package variables
// (kubernetes-sigs/kustomize#3659). What only one cluster applies is forgotten
// with it, so memory does not grow with the number of clusters.
//
// # Not handled
//
// docs/rendering.md lists what Flux does and this package does not, and what is
// reported instead: remote bases, decryption, ResourceSets, Helm releases, other
// repositories, and the objects that a program inside the cluster creates.
//
// A Helm chart that is not in the tree is pulled by helm into the chart home, as
// `kustomize build --enable-helm` does; helmGlobals.configHome is refused, because
// helm executes the plugins it finds there. Charts need a POSIX shell. kustomize
// and helm run to their end when the context ends: it is looked at between
// clusters. kustomize's own warnings on deprecated fields go to the standard error
// of the process.
package flux
