// Package workflows runs this repository's GitHub workflows as they are written,
// by act, on this machine, against a stand-in of GitHub with real Git behind it.
//
// # Model
//
// A scene is one repository on a GitHub of its own, which somebody has set up as
// the README says: a copy of this repository, or another one that calls the
// workflow. A run is what comes of one event: act starts the jobs that the event
// asks for, in their order, and each job begins with an empty directory, checks
// out, compiles the targets and calls them.
//
// In testdata are the stand-ins for the actions: checkout clones from the stand-in
// for GitHub with git, setup-go looks for the Go that is here,
// create-github-app-token makes a token out of the key, and upload-pages-artifact and
// deploy-pages keep a site in the scene's directory.
//
// # Invariants
//
// The workflow file is the one in .github/workflows, byte for byte. The actions
// that it uses are replaced by those in testdata, under the commits that it names;
// an action or an input that has no stand-in there fails the test.
//
// What a job finds in its environment is PATH, a HOME of its own, the certificate
// of the stand-in, Go's caches, and where a site is published. No token is among it:
// a job has what the workflow gives it. The run's GITHUB_TOKEN has the permissions
// that the jobs of the workflow ask for, together.
//
// Nothing is masked, and no token, key or secret may be in what a run says.
//
// # Concurrency
//
// Scenarios run beside each other: they have nothing in common but Go's caches.
//
// # Not handled
//
// Environments, wait timers, concurrency groups, timeouts and the permissions of
// each single job: act does not know them. Package shelltest checks what is written
// of them.
package workflows
