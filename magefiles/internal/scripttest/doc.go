// Package scripttest runs the scenarios of testdata/*.txtar: what an operator
// types, through the compiled binary of the targets, against a GitHub stand-in
// or a bare repository.
//
// # Model
//
// Each script has a stand-in of GitHub of its own, with the repository
// monosense/k8s-ops, whose clock only the script moves. The binary is the one
// that `mage -compile` makes; it is told of the stand-in by the variables that
// gh honours, and by nothing else.
//
// Besides the commands of testscript there are:
//
//	exits CODE COMMAND ARGS…      run a command that ends with this exit code
//	as LOGIN                      go on as somebody with a token of their own
//	push VAR SUBJECT [AUTHOR]     commit on main, and set VAR to the commit
//	pushes VAR N SUBJECT          push N commits at once; VAR is the last
//	revert VAR PUSHED             push what git revert makes of the commit in PUSHED
//	tell VAR FILE [PUSHED]        push with the file as message; take PUSHED's change back
//	merge VAR BRANCH              push a merge of a branch that begins at the head of main
//	tree VAR COMMIT               set VAR to the name of the commit's tree
//	twins VAR OTHER               push a merge of two commits that begin with the same digits
//	reports SHA CONTEXT STATE [T] post a commit status, with a description
//	commit VAR BRANCH SUBJECT     commit on another branch
//	change VAR PATH [FILE]        push the script's file or directory of that path to main, with the
//	                              file as message
//	cluster NAME BRANCH SHA [HOW] begin or change a stand-in of a live cluster: its source follows the
//	                              branch, and it has applied the commit; or is failed, suspended, down
//	clone DIR                     clone the repository into the script's directory
//	reset BRANCH SHA              point a branch somewhere, by force
//	delete BRANCH                 delete a branch, by force
//	clock DURATION                move the clock
//	stands BRANCH SHA             the branch points there
//	gone BRANCH                   the branch does not exist
//	fails METHOD PATH HOW         the next such request fails: 500, 502, cut, lost
//	races OPERATION BRANCH SHA    before the GraphQL operation, the branch moves (or is `gone`)
//	between OPERATION LOGIN ARGS… before the GraphQL operation, LOGIN runs rollout ARGS…
//	forget                        the push log loses its rows
//	token KIND                    use a token of kind actions, readonly, none, bad, or a classic one with
//	                              the scopes of classic or of repo
//	workflow FILE STATE           a workflow is active, disabled_inactivity, disabled_manually, …
//	key TITLE [HOW [AGE]]         add a deploy key that is used, unused, disabled, or only reads
//	keys [TITLES…]                these are the deploy keys
//	secrets [NAMES…]              these are the secrets of Actions
//	mends CHECK [OF]              run the command that release:doctor gives for what is wrong, after which
//	                              it finds that no more
//	requests N                    at most N requests since the last of this
//	waitfor                       until the failures have met their requests
//	ran EVENT CONCLUSION          a run of the workflow that promotes, which has just ended
//	pull NUMBER BRANCH BASE [FILE] that pull request is open, its branch begins so, and its text is the file
//	mergepull HOW NUMBER [VAR]    merge a pull request by merge, squash or rebase
//	allows METHOD…                the repository lets pull requests be merged so
//	branches NAME N               there are N branches below a name
//	cmpshort GOT WANT             the files are the same, whatever the commits
//	rewrite BRANCH N              make the last N commits anew, by somebody else; BRANCH_1 is the first
//	unprotect                     disable all rulesets
//	shows TEXT                    the output has the text, whatever the spacing
//	terminal COLUMNSxROWS ARGS…   run a command on a terminal, while the script goes on
//	screen TEXT                   the terminal shows the text, or will
//	press KEY                     press a key there: q, esc, ctrl+c, down, pgdown
//	resize COLUMNSxROWS           make the terminal as large as that
//	signal NUMBER                 send a signal to what runs there
//	left CODE                     it ends with the code, and leaves the terminal as it was
//
// What sets VAR to a commit also sets VAR_SHORT to its first digits, and VAR_BRANCH
// to those that names of branches have. $REPOSITORY is the directory of the
// repository.
//
// The condition gh is true where gh is installed, which it has to be in CI.
//
// `task` is the task binary, and $CHECKOUT the root of this repository.
//
// # Invariants
//
// Nothing outside a script's own directory is read or written; no script
// waits for time to pass.
//
// # Concurrency
//
// Scripts run in parallel.
//
// # Not handled
//
// A script cannot see inside the binary. That is what it is for.
package scripttest
