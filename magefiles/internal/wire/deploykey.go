package wire

import (
	"context"
	"os"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
)

// A DeployKey is a key that may write to the repository, and who writes with
// it.
type DeployKey struct {
	// Private is its private half.
	Private []byte
	// Name and Email are the author of ledger entries: a key has no account.
	Name, Email string
	// URL is the ssh address where it is used. Default is the repository's.
	URL string
}

// deployKey reads the key from the environment. It is nil where there is none.
func deployKey(ctx context.Context) *DeployKey {
	private := os.Getenv("ROLLOUT_DEPLOY_KEY")
	if private == "" {
		return nil
	}
	name, email := identity(ctx)
	return &DeployKey{Private: []byte(private), Name: name, Email: email}
}

// keyed is a remote whose transactions go out with a deploy key, and which is
// observed like before. It is no [rollout.Gatekeeper], whatever the remote
// inside is: what that one would refuse a token does not concern the key.
type keyed struct {
	rollout.Remote
	rollout.Witness
	pushing *gitrepo.Remote
}

func newKeyed(client *github.Client, key DeployKey) (keyed, error) {
	if key.URL == "" {
		key.URL = client.SSHURL()
	}
	pushing, err := gitrepo.Open(gitrepo.Options{
		URL: key.URL, Key: key.Private, HostKeys: client.HostKeys, Name: key.Name, Email: key.Email, Now: time.Now,
	})
	return keyed{client, client, pushing}, err
}

// Commit implements [rollout.Remote].
func (k keyed) Commit(ctx context.Context, t rollout.Transaction) (rollout.SHA, error) {
	return k.pushing.Commit(ctx, t)
}
