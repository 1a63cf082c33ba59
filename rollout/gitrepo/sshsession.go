package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"

	"github.com/monosense/k8s-ops/rollout"
)

// An sshSession is one connection, on which one service runs: what it offers
// comes first, then a request, then its answer. It connects when it is first
// asked, with the context of who asks.
type sshSession struct {
	over     overSSH
	endpoint *transport.Endpoint
	service  string

	client  *ssh.Client
	running *ssh.Session
	in      io.WriteCloser
	out     io.Reader
	said    saying
}

// AdvertisedReferences implements [transport.Session].
func (s *sshSession) AdvertisedReferences() (*packp.AdvRefs, error) {
	return s.AdvertisedReferencesContext(context.Background())
}

// AdvertisedReferencesContext implements [transport.Session].
func (s *sshSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	var err error
	if s.client, err = s.over.connect(ctx, s.endpoint); err != nil {
		return nil, err
	}
	refs := packp.NewAdvRefs()
	err = s.exchange(ctx, func() error {
		if err := s.start(); err != nil {
			return err
		}
		err := refs.Decode(s.out)
		if errors.Is(err, packp.ErrEmptyInput) {
			return s.silence()
		}
		return err
	})
	switch {
	case s.service == transport.ReceivePackServiceName && errors.Is(err, packp.ErrEmptyAdvRefs):
		return refs, nil
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && refs.IsEmpty() && s.service == transport.UploadPackServiceName:
		return nil, transport.ErrEmptyRemoteRepository
	case err != nil:
		return nil, err
	}
	return refs, nil
}

// start runs the service.
func (s *sshSession) start() error {
	var err error
	if s.running, err = s.client.NewSession(); err != nil {
		return err
	}
	if s.in, err = s.running.StdinPipe(); err != nil {
		return err
	}
	if s.out, err = s.running.StdoutPipe(); err != nil {
		return err
	}
	s.running.Stderr = &s.said
	return s.running.Start(s.service + " " + quoted(s.endpoint.Path))
}

// quoted makes one word of a path for the shell at the other end, as git does.
func quoted(path string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
}

// silence is the error of a service that ended without an offer.
func (s *sshSession) silence() error {
	_ = s.running.Wait() // until all that it says has arrived
	if said := s.said.String(); said != "" {
		return s.over.refusal(s.service, said)
	}
	return io.ErrUnexpectedEOF
}

// UploadPack implements [transport.UploadPackSession]. The whole answer is read
// first, since the context ends with the call.
func (s *sshSession) UploadPack(ctx context.Context, request *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	var in bytes.Buffer
	if err := request.UploadRequest.Encode(&in); err != nil {
		return nil, err
	}
	if err := request.UploadHaves.Encode(&in, false); err != nil {
		return nil, err
	}
	in.WriteString("0009done\n")
	answer := packp.NewUploadPackResponse(request)
	err := s.exchange(ctx, func() error {
		if err := s.send(in.Bytes()); err != nil {
			return err
		}
		out, err := io.ReadAll(s.out)
		if err != nil {
			return err
		}
		return answer.Decode(io.NopCloser(bytes.NewReader(out)))
	})
	return answer, err
}

// ReceivePack implements [transport.ReceivePackSession].
func (s *sshSession) ReceivePack(ctx context.Context, request *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	var in bytes.Buffer
	if err := request.Encode(&in); err != nil {
		return nil, err
	}
	report := packp.NewReportStatus()
	err := s.exchange(ctx, func() error {
		if err := s.send(in.Bytes()); err != nil {
			return err
		}
		return report.Decode(s.out)
	})
	if err != nil {
		return nil, err
	}
	return report, report.Error()
}

func (s *sshSession) send(request []byte) error {
	if _, err := s.in.Write(request); err != nil {
		return err
	}
	return s.in.Close()
}

// exchange does something that waits for the other end, and cuts the connection
// when the context ends. What the other end said goes with the error.
func (s *sshSession) exchange(ctx context.Context, do func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = s.client.Close() })
	defer stop()
	err := do()
	var problem *rollout.Problem
	switch said := s.said.String(); {
	case err == nil, errors.As(err, &problem):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case said != "":
		return fmt.Errorf("the server says %q: %w", rollout.Printable(said, 400), err)
	default:
		return err
	}
}

// Close implements [transport.Session].
func (s *sshSession) Close() error {
	if s.client == nil {
		return nil
	}
	return s.client.Close()
}

// A saying keeps the beginning of what a service says about itself, and lets
// the rest go: a service may say any amount.
type saying struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (s *saying) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p[:min(len(p), 4096-s.text.Len())])
	return len(p), nil
}

func (s *saying) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimSpace(s.text.String())
}
