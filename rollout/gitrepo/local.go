package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/monosense/k8s-ops/rollout"
)

// local reaches a repository by its path, through git's own upload-pack and
// receive-pack.
//
// go-git's file transport would do but for two things: it hands the whole
// environment, tokens included, to git and so to the repository's hooks; and
// it cannot switch on `uploadpack.allowFilter`, without which asking for
// commits brings every file along. Opening the repository with go-git instead
// would read the index of all its objects, which grows with the history.
type local struct{}

// NewUploadPackSession implements [transport.Transport].
func (local) NewUploadPackSession(e *transport.Endpoint, _ transport.AuthMethod) (transport.UploadPackSession, error) {
	return &localSession{path: e.Path, service: "upload-pack"}, nil
}

// NewReceivePackSession implements [transport.Transport].
func (local) NewReceivePackSession(e *transport.Endpoint, _ transport.AuthMethod) (transport.ReceivePackSession, error) {
	return &localSession{path: e.Path, service: "receive-pack"}, nil
}

// A localSession asks as git does over http: one process a question, so that
// nothing is left running when the caller goes away.
type localSession struct {
	path, service string
}

// AdvertisedReferences implements [transport.Session].
func (s *localSession) AdvertisedReferences() (*packp.AdvRefs, error) {
	return s.AdvertisedReferencesContext(context.Background())
}

// AdvertisedReferencesContext implements [transport.Session].
func (s *localSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	out, err := s.git(ctx, nil, "--advertise-refs")
	if err != nil {
		return nil, err
	}
	refs := packp.NewAdvRefs()
	err = refs.Decode(bytes.NewReader(out))
	switch {
	case s.service == "receive-pack" && errors.Is(err, packp.ErrEmptyAdvRefs):
		return refs, nil
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && refs.IsEmpty() && s.service == "upload-pack":
		return nil, transport.ErrEmptyRemoteRepository
	}
	return refs, err
}

// UploadPack implements [transport.UploadPackSession].
func (s *localSession) UploadPack(ctx context.Context, request *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	var in bytes.Buffer
	if err := request.UploadRequest.Encode(&in); err != nil {
		return nil, err
	}
	if err := request.UploadHaves.Encode(&in, false); err != nil {
		return nil, err
	}
	in.WriteString("0009done\n")
	out, err := s.git(ctx, &in, "--stateless-rpc")
	if err != nil {
		return nil, err
	}
	answer := packp.NewUploadPackResponse(request)
	return answer, answer.Decode(io.NopCloser(bytes.NewReader(out)))
}

// ReceivePack implements [transport.ReceivePackSession].
func (s *localSession) ReceivePack(ctx context.Context, request *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	var in bytes.Buffer
	if err := request.Encode(&in); err != nil {
		return nil, err
	}
	out, err := s.git(ctx, &in, "--stateless-rpc")
	if err != nil {
		return nil, err
	}
	report := packp.NewReportStatus()
	if err := report.Decode(bytes.NewReader(out)); err != nil {
		return nil, err
	}
	return report, report.Error()
}

// Close implements [transport.Session].
func (s *localSession) Close() error { return nil }

func (s *localSession) git(ctx context.Context, in io.Reader, mode string) ([]byte, error) {
	command := exec.CommandContext(ctx, "git",
		"-c", "uploadpack.allowFilter=true", "-c", "uploadpack.allowReachableSHA1InWant=true",
		s.service, mode, "--", s.path)
	command.Env = environment()
	command.Stdin = in
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("git %s: %s: %w", s.service, rollout.Printable(strings.TrimSpace(errs.String()), 400), err)
	}
	return out.Bytes(), nil
}

// environment is what git needs of the environment, and nothing else: no
// token, and no GIT_DIR of a hook that this may be called from.
func environment() []string {
	env := []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "SYSTEMROOT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"} {
		if value, ok := os.LookupEnv(name); ok { //nolint:forbidigo // what a child process is given
			env = append(env, name+"="+value)
		}
	}
	return env
}
