// Package workflowfile reads what a promotion hangs on in a file of GitHub
// Actions: what starts it, what its token may do, and whose code it runs.
//
// # Model
//
// [Parse] turns YAML into a [rollout.WorkflowFile]. It judges nothing.
//
// # Invariants
//
// A file that GitHub could not read is an error, and never a workflow without
// triggers. Somebody else's text is kept as it is written; whoever shows it makes
// it safe. Aliases are followed, as GitHub follows them, and nothing is read more
// than once for each place that names it: they cannot make a small file a large
// one.
//
// # Concurrency
//
// There is no state.
//
// # Not handled
//
// Expressions are text. What `with`, `env`, `if` and `run` say is not looked at.
package workflowfile
