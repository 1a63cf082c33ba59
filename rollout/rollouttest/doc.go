// Package rollouttest is a GitHub that runs on this machine: an HTTPS server
// with the REST and GraphQL interfaces, real Git repositories behind them, and
// GitHub's manners. Tests and the demo use it in the place of github.com, with
// unmodified clients: gh, git, go-gh, our own targets.
//
// # Model
//
// [Start] makes a [GitHub] with one or more repositories; each is a bare Git
// repository on disk ([Repository.Path]). It is laid out as GitHub Enterprise
// is: REST below /api/v3, GraphQL at /api/graphql, Git at /owner/name.git.
// [GitHub.Env] is what a client's environment needs to find it.
//
// Every change of a ref, whether it came by git push, REST, GraphQL or one of
// the scene setters ([Repository.Commit] and its like), goes through one place
// that checks it and writes the activity row. Rulesets, missing permissions
// and the refusal of changed workflow files are enforced there for all clients
// alike; the scene setters are refused only what Git itself refuses.
//
// Texts and shapes are GitHub's where they are known: from the OpenAPI
// description (npm @octokit/openapi), the GraphQL schema (npm
// @octokit/graphql-schema), the documentation, and what users report. Package
// openapi, below this one, checks traffic against the description.
//
// # Invariants
//
//   - A request that the stand-in does not know is answered 404, is listed by
//     [GitHub.Unexpected], and under [New] fails the test: a route, a query
//     parameter, a body key or a GraphQL field that is not implemented is never
//     quietly ignored.
//   - All timestamps, and the Date header of every answer, come from
//     [Options.Clock].
//   - updateRefs and an atomic git push move all their refs, or none.
//   - No token is recorded, and Git child processes inherit nothing from the
//     environment.
//
// # Concurrency
//
// Everything exported is safe for concurrent use. Ref changes of a repository
// happen one after the other. The callbacks of [GitHub.Before] and
// [GitHub.OnDispatch] run without any lock held, so they may use the GitHub
// they belong to.
//
// # Not handled
//
//   - HTTP/2, conditional requests (ETag), media types other than JSON and raw
//     contents, patches in comparisons, signatures, tags' own objects in GraphQL,
//     branch protection of the old kind; of pull requests, forks, reviews, drafts
//     and all that closes, labels or changes one.
//   - The texts of two GraphQL refusals that GitHub documents nowhere: a
//     beforeOid that does not match, and an update that is not a fast-forward.
//     Do not depend on them.
//   - GitHub's refusal to delete the default branch.
//   - ssh: a deploy key is stood in for by a token of [KindDeployKey].
//   - Old keys, rarely used parameters and endpoints that the toolkit must not
//     use, such as POST /merges: they are unknown requests on purpose.
package rollouttest
