// Package gitrepo reads and moves the branches of any Git remote: a path,
// https or ssh.
//
// # Model
//
// A [Remote] speaks Git's own protocol through go-git's transport layer, and
// keeps no clone: what it needs it asks for. The commits between two heads
// are one fetch without trees (`filter tree:0`), whatever the length of the
// history; the trees of the heads come in the session that tells the heads, and
// the ledger's state is one fetch of depth 1. The files of a commit are one, too,
// and what each of some commits changes is one without files (`filter blob:none`).
// Of a repository that is named by its path the git binary is asked for the same.
// A transaction is
// one receive-pack request with a command for each ref, their old values, and
// the `atomic` capability. It implements the ports [rollout.Remote] for remotes
// without a forge, [rollout.Branches], too, and [rollout.History],
// [rollout.Equivalents], [rollout.Trees] and half of [rollout.Exposer] for all.
//
// # Invariants
//
// A transaction names the old value of every ref that it moves, and the
// remote carries it out as a whole or not at all; a remote that cannot is
// refused. receive-pack does not check for a fast-forward: the caller has
// proved it for the old value that it names. Objects other than the ledger's own,
// and those of a commit that was asked for, are never sent. Credentials go to the remote alone: not to child
// processes, not into URLs or errors; and over ssh to no host whose key is not
// known beforehand.
//
// # Concurrency
//
// A Remote may be used by several goroutines; each call opens its own
// session.
//
// # Not handled
//
// Shallow remotes are refused: Git answers questions of ancestry wrongly and
// silently on them. SHA-256 repositories are refused. A remote that does not
// offer `filter` sends trees and files along with the commits, all of which
// pass through memory, and is not asked for the trees of the heads. A remote that hides refs (receive.hideRefs) drops the
// command of a hidden one, and carries out the other.
//
// There is no log of pushes, so arrivals come from the ledger. A revision that
// a force-push took away and another brought back, with nobody looking in
// between, keeps its arrival. The time is that of whoever runs it, and nothing
// tells whether it is right.
package gitrepo
