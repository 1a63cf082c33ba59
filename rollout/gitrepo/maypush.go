package gitrepo

import (
	"context"
	"errors"

	"github.com/go-git/go-git/v5/plumbing/transport"
)

// MayPush finds out whether the remote takes pushes from here, and pushes nothing:
// it goes as far as `git push --dry-run` does. A remote lets nobody begin who may
// not write at all; what a rule forbids for one branch it says only afterwards. The
// error is of kind rollout.ErrNotPermitted where it does not.
func (r *Remote) MayPush(ctx context.Context) error {
	return r.patiently(ctx, "push to", func(ctx context.Context) error {
		session, err := r.at.writing()
		if err != nil {
			return err
		}
		defer session.Close()
		_, err = session.AdvertisedReferencesContext(ctx)
		if errors.Is(err, transport.ErrEmptyRemoteRepository) {
			return nil
		}
		return err
	})
}
