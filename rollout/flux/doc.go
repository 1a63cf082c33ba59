// Package flux builds what each Flux cluster would apply, and verifies that a
// cluster can only ever apply its stage's branch.
//
// # Model
//
// A cluster's entry point is the kustomization in clusters/<name>/flux. It is
// checked in four steps:
//
//	survey    every kustomization that the build will read is read once, and
//	          every path in it looked up: what is missing, remote or outside
//	          of the repository is found here, with its line
//	build     krusty builds the entry point in process, as Flux's
//	          kustomize-controller does: no plugins, no load restriction but
//	          the repository's root
//	rules     the built objects are checked, so patches, components,
//	          generators and replacements all count
//	places    only where a rule is violated: a second build with kustomize's
//	          origin and transformer annotations tells which manifest or patch
//	          set the field, and the YAML nodes tell the line
//
// A clean tree is therefore built once and searched never.
//
// # Invariants
//
// Nothing outside of the repository's root is read, also not through a
// symbolic link, and nothing is fetched: the survey refuses every remote base
// and every URL in a field that kustomize loads, and the build may read no
// kustomization that the survey has not passed. The one exception is helm,
// which runs only for trees that use it. Files that would exhaust the memory
// or the stack of the process (an anchor that contains itself, aliases that
// expand without bound, hundreds of levels) are refused before kustomize sees them. Every broken
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
// [Verify] may be called from anywhere. Builds run one at a time, because
// krusty keeps the OpenAPI schema in package variables
// (kubernetes-sigs/kustomize#3659).
//
// # Not handled
//
// The directories that Flux Kustomizations name in spec.path are not built:
// the entry point is. Variables that Flux substitutes after the build
// (spec.postBuild) stay as they are written; a branch that is a variable is a
// finding. An object that a program inside the cluster creates, say from a
// FluxInstance or a ResourceSet, is not seen. A Helm chart that is not in the
// tree is pulled by helm into the chart home, as `kustomize build
// --enable-helm` does; helmGlobals.configHome is refused, because helm
// executes the plugins it finds there. Charts need a POSIX shell. kustomize and helm run to their end
// when the context ends: it is looked at between clusters. kustomize's own
// warnings on deprecated fields go to the standard error of the process.
package flux
