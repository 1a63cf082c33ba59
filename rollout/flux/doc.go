// Package flux builds what each Flux cluster would apply, and verifies that a
// cluster can only ever apply its stage's branch.
//
// # Model
//
// A cluster's entry point is the kustomization in clusters/<name>/flux. What
// the cluster applies is its reach: the entry point's directory, those that the
// Flux Kustomizations of the plan's source in it name in spec.path, those that
// the ones in these name, and so on. It is checked in five steps:
//
//	survey    every kustomization that the build of a directory will read is
//	          read once, and every path in it looked up: what is missing,
//	          remote or outside of the repository is found here, with its line
//	build     krusty builds the directory in process, as Flux's
//	          kustomize-controller does: no plugins, no load restriction but
//	          the repository's root
//	reach     the Flux Kustomizations that were built lead to more directories:
//	          a path that leads to none is found here
//	rules     the built objects of the whole reach are checked against the
//	          cluster's stage, so patches, components, generators and
//	          replacements all count
//	places    only where a rule is violated: a second build with kustomize's
//	          origin and transformer annotations tells which manifest or patch
//	          set the field, and the YAML nodes tell the line
//
// A directory is built once, however many clusters and Flux Kustomizations name
// it; that an entry point applies itself, as it does in every cluster, costs
// nothing. A clean tree is searched never. What is wrong with a shared directory
// is a finding of each cluster that applies it, once.
//
// A second source is one that another manifest, or another patch of the same
// one, brings: two directories that apply one manifest alike, say a cluster's
// directory and the entry point in it, agree.
//
// A file that is named and has no text is a finding, though kustomize takes it
// for nothing to apply: Flux would prune what stood in it. One with a comment
// is taken for meant.
//
// # Invariants
//
// Nothing outside of the repository's root is read, also not through a
// symbolic link, and nothing is fetched: the survey refuses every remote base
// and every URL in a field that kustomize loads, and the build may read no
// kustomization that the survey has not passed. The one exception is helm,
// which runs only for trees that use it. Files that would exhaust the memory
// or the stack of the process (an anchor that contains itself, aliases that
// expand without bound, hundreds of levels) are refused before kustomize sees
// them. Every broken input is a finding; an error means that nothing could be
// verified at all.
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
// [Verify] may be called from anywhere. Builds run one at a time, because
// krusty keeps the OpenAPI schema in package variables
// (kubernetes-sigs/kustomize#3659).
//
// # Not handled
//
// A directory that spec.path names and that has no kustomization is not built:
// Flux generates one for it. Of what a Flux Kustomization does to what it
// applies, only spec.targetNamespace counts, as the namespace of its objects:
// spec.patches, spec.components, spec.images, spec.namePrefix and the like are
// not applied, and spec.kubeConfig is not looked at, so what goes to another
// cluster counts as this one's. The directories of a Flux Kustomization of
// another repository are not looked for here.
//
// Variables that Flux substitutes after the build (spec.postBuild) stay as they
// are written. Where one decides what is applied and nothing proves its value, it
// is a finding: as the branch, or the name of a sourceRef. As a namespace it may
// be the right one; a spec.path that has one is not followed; and a GitRepository
// whose spec.url has one is taken for another repository.
//
// An object that a program inside the cluster creates, say from a
// FluxInstance or a ResourceSet, is not seen. A Helm chart that is not in the
// tree is pulled by helm into the chart home, as `kustomize build
// --enable-helm` does; helmGlobals.configHome is refused, because helm
// executes the plugins it finds there. Charts need a POSIX shell. kustomize and
// helm run to their end when the context ends: it is looked at between clusters.
// kustomize's own warnings on deprecated fields go to the standard error of the
// process.
package flux
