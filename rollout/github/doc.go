// Package github reads and moves a repository's branches through GitHub's API,
// starts its workflows and looks after its settings.
//
// # Model
//
// A [Client] speaks for one token to one repository, through cli/go-gh. It
// implements the ports [rollout.Remote], [rollout.Gatekeeper],
// [rollout.Witness], [rollout.Workflows], [rollout.Settings], [rollout.Branches]
// and [rollout.Proposals]. What is read of the branches and
// of the ledger is one GraphQL query, so one consistent picture; a transaction
// is two objects that nothing refers to yet, and one updateRefs that moves the
// stage's branch and the ledger together, each from where it was observed. For
// whoever pushes with a deploy key instead, which the API takes from nobody,
// [Client.SSHURL] and [Client.HostKeys] say where to, and how to know the host.
//
// # Invariants
//
//   - No branch is moved without naming where it stood, and none by force but in a
//     transaction that makes a branch which stands there.
//   - What is sent twice is what only reads. Where the answer to a write is
//     lost, [rollout.ErrUncertain] says so, and nothing is sent again.
//   - The token goes to the API's host over https, and nowhere else: not to
//     where a redirect leads, not into an error, not into a log.
//   - Nothing comes from the environment or from gh's configuration but through
//     [Token], which the composition root calls.
//   - Nothing is cached but the repository's node ID and the name of its
//     default branch.
//
// # Concurrency
//
// A Client may be used by several goroutines, and several Clients may work on
// one repository: a transaction that was decided on an older state is refused.
//
// # Not handled
//
// Directories on the ledger branch are not read, and files that are not text
// are an error. A ruleset's patterns are compared to branches as [path.Match]
// does it, which knows less than GitHub: a ruleset that is not recognised costs
// no more than one ruleset too many. github.localhost, the one host that gh
// reaches without https, gets no token.
package github
