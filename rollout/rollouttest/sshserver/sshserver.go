// Package sshserver is an ssh host that serves Git repositories, for tests of
// what pushes with a key.
//
// # Model
//
// [New] starts a [Server] on this machine with host keys of its own. A client
// that logs in with a key that [Server.NewKey] made may start git-upload-pack
// and git-receive-pack, like at a Git host; what these do is up to the function
// that the server was given. [Git] is one that leaves it to git.
//
// # Invariants
//
// The protocol is the real one, of golang.org/x/crypto/ssh. Every key and every
// host key is made anew; none is written anywhere. What runs git hands it
// nothing of the environment.
//
// # Concurrency
//
// Each command runs in a goroutine of its own. The end of the test cuts all
// connections and waits for them.
//
// # Not handled
//
// Everything that is not a Git service: shells, subsystems, forwarding.
package sshserver

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// A Command is one service that a client starts.
type Command struct {
	// Service is git-upload-pack or git-receive-pack.
	Service string
	// Path is that of the repository, as the client named it.
	Path string
	// In, Out and Err are the client's.
	In       io.Reader
	Out, Err io.Writer
	// Cut ends the connection at once, without a word.
	Cut func()
}

// Fail says why to the client, and is the exit code of a service that did not
// run.
func (c Command) Fail(why any) int {
	_, _ = fmt.Fprintln(c.Err, why)
	return 1
}

// A Server is one ssh host.
type Server struct {
	listener net.Listener
	serve    func(context.Context, Command) int
	hostKeys []ssh.Signer

	mu          sync.Mutex
	keys        map[string]bool // the public keys that may log in
	connections map[net.Conn]bool
	running     sync.WaitGroup
}

// New starts a server. What serve returns is the service's exit code; its
// context ends with the test.
func New(t testing.TB, serve func(context.Context, Command) int) *Server {
	t.Helper()
	s := &Server{serve: serve, keys: map[string]bool{}, connections: map[net.Conn]bool{}}
	config := &ssh.ServerConfig{PublicKeyCallback: s.logIn}
	for _, private := range []crypto.Signer{newEd25519(t), newECDSA(t)} {
		signer, err := ssh.NewSignerFromSigner(private)
		if err != nil {
			t.Fatal(err)
		}
		s.hostKeys = append(s.hostKeys, signer)
		config.AddHostKey(signer)
	}
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.running.Go(func() { s.accept(ctx, config) })
	t.Cleanup(func() {
		cancel()
		_ = s.listener.Close()
		s.CutAll()
		s.running.Wait()
	})
	return s
}

func newEd25519(t testing.TB) crypto.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func newECDSA(t testing.TB) crypto.Signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

// Address is the server's host and port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// URL is the address of a repository.
func (s *Server) URL(path string) string {
	return "ssh://git@" + s.Address() + "/" + strings.TrimPrefix(path, "/")
}

// HostKeys are the public keys of the server as lines of authorized_keys, one
// of each kind that it has.
func (s *Server) HostKeys() []string {
	var lines []string
	for _, key := range s.hostKeys {
		lines = append(lines, authorized(key.PublicKey()))
	}
	return lines
}

// NewKey makes a key that may log in, and returns its private half.
func (s *Server) NewKey(t testing.TB) []byte {
	t.Helper()
	private, public := NewKey(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[public] = true
	return private
}

// NewKey makes a key that nobody knows: the private half as PEM, the public
// half as a line of authorized_keys.
func NewKey(t testing.TB) (private []byte, public string) {
	t.Helper()
	key := newEd25519(t)
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), authorized(signer.PublicKey())
}

func authorized(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// CutAll ends all connections, without a word.
func (s *Server) CutAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for connection := range s.connections {
		_ = connection.Close()
	}
}

func (s *Server) logIn(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.keys[authorized(key)] {
		return nil, errors.New("nobody's key")
	}
	return nil, nil
}

func (s *Server) accept(ctx context.Context, config *ssh.ServerConfig) {
	for {
		connection, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.connections[connection] = true
		s.mu.Unlock()
		s.running.Go(func() { s.converse(ctx, connection, config) })
	}
}

// converse serves one connection until its client hangs up.
func (s *Server) converse(ctx context.Context, connection net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = connection.Close() }()
	_, channels, requests, err := ssh.NewServerConn(connection, config)
	if err != nil {
		return
	}
	s.running.Go(func() { ssh.DiscardRequests(requests) })
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		channel, asked, err := offered.Accept()
		if err != nil {
			return
		}
		s.running.Go(func() { s.run(ctx, connection, channel, asked) })
	}
}

// run runs the one service of a channel.
func (s *Server) run(ctx context.Context, connection net.Conn, channel ssh.Channel, asked <-chan *ssh.Request) {
	defer func() { _ = channel.Close() }()
	for request := range asked {
		var exec struct{ Command string }
		if request.Type != "exec" || ssh.Unmarshal(request.Payload, &exec) != nil {
			_ = request.Reply(false, nil)
			continue
		}
		service, quoted, _ := strings.Cut(exec.Command, " ")
		_ = request.Reply(true, nil)
		s.running.Go(func() { ssh.DiscardRequests(asked) })
		code := s.serve(ctx, Command{
			Service: service, Path: strings.Trim(quoted, "'"), In: channel, Out: channel, Err: channel.Stderr(),
			Cut: func() { _ = connection.Close() },
		})
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(code)}))
		return
	}
}

// Git has git serve the bare repositories below a directory.
func Git(dir string) func(context.Context, Command) int {
	return func(ctx context.Context, c Command) int {
		command := exec.CommandContext(ctx, "git", strings.TrimPrefix(c.Service, "git-"), filepath.Join(dir, filepath.Clean("/"+c.Path)))
		command.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		}
		command.Stdout, command.Stderr = c.Out, c.Err
		in, err := command.StdinPipe()
		if err != nil {
			return c.Fail(err)
		}
		if err := command.Start(); err != nil {
			return c.Fail(err)
		}
		// Wait would wait for the client's input to end; it may not, before
		// the client has read what git says.
		go func() {
			_, _ = io.Copy(in, c.In)
			_ = in.Close()
		}()
		var exit *exec.ExitError
		if err := command.Wait(); errors.As(err, &exit) {
			return exit.ExitCode()
		}
		return 0
	}
}
