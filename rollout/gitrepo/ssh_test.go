package gitrepo_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
	"github.com/monosense/k8s-ops/rollout/rollouttest/contract"
	"github.com/monosense/k8s-ops/rollout/rollouttest/sshserver"
)

// with logs in with a key, and knows these host keys.
func with(key []byte, hostKeys []string) func(*gitrepo.Options) {
	return func(o *gitrepo.Options) {
		o.Key = key
		o.HostKeys = func(context.Context) ([]string, error) { return hostKeys, nil }
	}
}

// sshHost serves the repository as k8s-ops.git.
func sshHost(t *testing.T, r *repository) *sshserver.Server {
	t.Helper()
	return sshserver.New(t, sshserver.Git(filepath.Dir(r.bare)))
}

func TestContractOverSSH(t *testing.T) {
	over := func(t *testing.T) contract.Fixture {
		r := empty(t)
		// As Git hosts have it: https servers give out any commit, git by itself
		// none but the heads.
		r.in(r.bare, "config", "uploadpack.allowFilter", "true")
		r.in(r.bare, "config", "uploadpack.allowReachableSHA1InWant", "true")
		s := sshHost(t, r)
		remote := open(t, s.URL("k8s-ops.git"), with(s.NewKey(t), s.HostKeys()))
		return contract.Fixture{Remote: remote, History: remote, URL: r.bare}
	}
	contract.TestRemote(t, over)
	contract.TestHistory(t, over)
}

func TestPromotionWithAKey(t *testing.T) {
	r, a, b, ledger := begun(t)
	s := sshHost(t, r)
	made, err := open(t, s.URL("k8s-ops.git"), with(s.NewKey(t), s.HostKeys())).Commit(t.Context(), promotion(a, b, ledger))
	if err != nil {
		t.Fatal(err)
	}
	unchanged(t, r, b, b, made)
}

// Neither of these gets as far as to the repository, and each says what to do.
func TestKeysThatAreRefused(t *testing.T) {
	r, a, b, ledger := begun(t)
	readOnly := sshserver.New(t, func(ctx context.Context, c sshserver.Command) int {
		if c.Service == "git-receive-pack" {
			return c.Fail("ERROR: The key you are authenticating with has been marked as read only.")
		}
		return sshserver.Git(filepath.Dir(r.bare))(ctx, c)
	})
	noRepository := sshserver.New(t, func(_ context.Context, c sshserver.Command) int {
		return c.Fail("ERROR: Repository not found.")
	})
	unwell := sshserver.New(t, func(_ context.Context, c sshserver.Command) int {
		return c.Fail("ERROR: \x1b[31mno space left" + strings.Repeat("!", 10_000))
	})
	plain := sshHost(t, r)
	stranger, _ := sshserver.NewKey(t)
	for name, c := range map[string]struct {
		host *sshserver.Server
		key  []byte
		kind error
		says []string
	}{
		"a key that nobody knows": {plain, stranger, rollout.ErrNotPermitted, []string{"the host knows no such key SHA256:", "Allow write access"}},
		"a key that may read":     {readOnly, readOnly.NewKey(t), rollout.ErrNotPermitted, []string{"refuses git-receive-pack to the key SHA256:", "has been marked as read only", "Allow write access"}},
		"another repository's":    {noRepository, noRepository.NewKey(t), rollout.ErrNotPermitted, []string{"Repository not found", "misspelt"}},
		"a host that is unwell":   {unwell, unwell.NewKey(t), rollout.ErrRefused, []string{"no space left"}},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := open(t, c.host.URL("k8s-ops.git"), with(c.key, c.host.HostKeys())).Commit(t.Context(), promotion(a, b, ledger))
			if !errors.Is(err, c.kind) || errors.Is(err, rollout.ErrUncertain) || made != "" {
				t.Errorf("Commit: %s, %v", made, err)
			}
			says(t, err, append(c.says, c.host.URL("k8s-ops.git"))...)
			if len(err.Error()) > 2000 || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("an operator reads %q", err)
			}
			unchanged(t, r, a, b, ledger)
		})
	}
}

func TestHostsThatAreNotKnown(t *testing.T) {
	r, a, b, ledger := begun(t)
	s := sshHost(t, r)
	_, ed25519 := sshserver.NewKey(t)
	commit := func(t *testing.T, hostKeys ...string) error {
		t.Helper()
		_, err := open(t, s.URL("k8s-ops.git"), with(s.NewKey(t), hostKeys)).Commit(t.Context(), promotion(a, b, ledger))
		return err
	}
	t.Run("another key of the kind", func(t *testing.T) {
		err := commit(t, ed25519)
		if !errors.Is(err, rollout.ErrRefused) || errors.Is(err, rollout.ErrUncertain) {
			t.Error(err)
		}
		says(t, err, "shows the host key SHA256:", "nothing was sent", "compare it")
	})
	t.Run("only keys of a kind that it has not", func(t *testing.T) {
		err := commit(t, rsaKey(t))
		if !errors.Is(err, rollout.ErrRefused) {
			t.Error(err)
		}
		says(t, err, "no host key of a kind that is known")
	})
	t.Run("keys that cannot be read", func(t *testing.T) {
		says(t, commit(t, "ssh-new AAAA", ""), "none of the 2 host keys")
	})
	t.Run("no word of it", func(t *testing.T) {
		t.Setenv("SSH_KNOWN_HOSTS", filepath.Join(t.TempDir(), "none"))
		says(t, commit(t), "nothing says which host keys", "ssh-keyscan")
	})
	t.Run("nobody can be asked", func(t *testing.T) {
		asked := errors.New("the forge is down")
		_, err := open(t, s.URL("k8s-ops.git"), func(o *gitrepo.Options) {
			o.Key = s.NewKey(t)
			o.HostKeys = func(context.Context) ([]string, error) {
				return nil, &rollout.Problem{Kind: rollout.ErrUnavailable, What: asked.Error()}
			}
		}).Commit(t.Context(), promotion(a, b, ledger))
		if !errors.Is(err, rollout.ErrUnavailable) || err.Error() != asked.Error() {
			t.Error(err)
		}
	})
	unchanged(t, r, a, b, ledger)

	// Any one of its keys is enough, and one of a kind to come does no harm.
	for _, known := range s.HostKeys() {
		if _, err := open(t, s.URL("k8s-ops.git"), with(s.NewKey(t), []string{"ssh-new AAAA", known})).Observe(t.Context(), query("main")); err != nil {
			t.Error(err)
		}
	}
}

// rsaKey is the public half of a key of a kind that the host has none of.
func rsaKey(t *testing.T) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(public))
}

// What a user's own ssh does, without a key and without host keys: it asks the
// agent and known_hosts.
func TestAgentAndKnownHosts(t *testing.T) {
	r := newRepository(t)
	s := sshHost(t, r)
	known := filepath.Join(t.TempDir(), "known_hosts")
	host, port, err := net.SplitHostPort(s.Address())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(known, fmt.Appendf(nil, "[%s]:%s %s\n", host, port, s.HostKeys()[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSH_KNOWN_HOSTS", known)
	t.Setenv("SSH_AUTH_SOCK", agentWith(t, s.NewKey(t)))
	o, err := open(t, s.URL("k8s-ops.git")).Observe(t.Context(), query("main"))
	if err != nil || o.Heads["main"] != r.head("main") {
		t.Errorf("%v, %v", o.Heads, err)
	}

	t.Setenv("SSH_AUTH_SOCK", filepath.Join(t.TempDir(), "none"))
	_, err = open(t, s.URL("k8s-ops.git")).Observe(t.Context(), query("main"))
	if !errors.Is(err, rollout.ErrNotPermitted) {
		t.Error(err)
	}
	says(t, err, "there is no agent with a key for it", "ssh-add")
}

// agentWith is the socket of an ssh agent that has one key.
func agentWith(t *testing.T, private []byte) string {
	t.Helper()
	key, err := ssh.ParseRawPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "agent") // a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keys, c) }()
		}
	}()
	return listener.Addr().String()
}

func TestKeysThatCannotBeRead(t *testing.T) {
	private, public := sshserver.NewKey(t)
	key, err := ssh.ParseRawPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("s3cret"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(private), "\n")
	for name, c := range map[string]struct {
		key  string
		says string
	}{
		"a word":               {"s3cret", "the private key for ssh cannot be read"},
		"no line breaks":       {strings.ReplaceAll(string(private), "\n", ""), "line breaks included"},
		"half a key":           {strings.Join(lines[:3], "\n"), "from -----BEGIN to -----END"},
		"the public half":      {public, "is the public half"},
		"one with a passprase": {string(pem.EncodeToMemory(locked)), "is protected by a passphrase"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gitrepo.Open(gitrepo.Options{URL: "git@example.com:owner/name.git", Key: []byte(c.key)})
			if !errors.Is(err, rollout.ErrUsage) {
				t.Errorf("Open: %v", err)
			}
			says(t, err, c.says)
			for _, line := range strings.Fields(c.key) {
				if len(line) > 4 && strings.Contains(err.Error(), line) && !strings.Contains(line, "-----") {
					t.Errorf("the key is shown: %v", err)
				}
			}
		})
	}
	// As they come out of a form or an editor.
	for name, text := range map[string]string{
		"no last line break": strings.TrimSpace(string(private)),
		"more of them":       "\n\n" + string(private) + "\n\n",
		"those of Windows":   strings.ReplaceAll(string(private), "\n", "\r\n"),
	} {
		if _, err := gitrepo.Open(gitrepo.Options{URL: "ssh://git@example.com/owner/name.git", Key: []byte(text)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A key is nothing to any other remote.
func TestKeyIsForSSHAlone(t *testing.T) {
	r := newRepository(t)
	for _, url := range []string{r.bare, serve(t, r).url()} {
		if _, err := open(t, url, func(o *gitrepo.Options) { o.Key = []byte("no key") }).Observe(t.Context(), query("main")); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Whatever becomes of the answer, what may have been done is never called
// undone.
func TestAnswersThatSSHLoses(t *testing.T) {
	for name, done := range map[string]bool{"after it was done": true, "before it was done": false} {
		t.Run(name, func(t *testing.T) {
			r, a, b, ledger := begun(t)
			git := sshserver.Git(filepath.Dir(r.bare))
			s := sshserver.New(t, func(ctx context.Context, c sshserver.Command) int {
				if c.Service != "git-receive-pack" {
					return git(ctx, c)
				}
				defer c.Cut()
				if done {
					lost := &offerOnly{to: c.Out}
					c.Out = lost
					return git(ctx, c)
				}
				in := c.In
				c.In = io.MultiReader(io.LimitReader(in, 20), cutting{c.Cut})
				return git(ctx, c)
			})
			made, err := open(t, s.URL("k8s-ops.git"), with(s.NewKey(t), s.HostKeys())).Commit(t.Context(), promotion(a, b, ledger))
			if !errors.Is(err, rollout.ErrUncertain) || errors.Is(err, rollout.ErrMoved) || made == "" {
				t.Errorf("Commit: %s, %v", made, err)
			}
			says(t, err, "the connection was cut")
			if done {
				unchanged(t, r, b, b, made)
			} else {
				unchanged(t, r, a, b, ledger)
			}
		})
	}
}

// offerOnly lets pass what a service offers, which ends with a flush, and
// nothing after it.
type offerOnly struct {
	to    io.Writer
	ended bool
}

func (o *offerOnly) Write(p []byte) (int, error) {
	if !o.ended {
		_, _ = o.to.Write(p)
		o.ended = strings.HasSuffix(string(p), "0000")
	}
	return len(p), nil
}

// cutting cuts the connection when it is read.
type cutting struct{ cut func() }

func (c cutting) Read([]byte) (int, error) { c.cut(); return 0, io.EOF }

// A host that does not answer is not waited for, whatever it is that it does
// not answer.
func TestHostsThatSayNothing(t *testing.T) {
	r, a, b, ledger := begun(t)
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	git := sshserver.Git(filepath.Dir(r.bare))
	noOffer := sshserver.New(t, func(ctx context.Context, _ sshserver.Command) int { <-ctx.Done(); return 0 })
	noReport := sshserver.New(t, func(ctx context.Context, c sshserver.Command) int {
		if c.Service == "git-receive-pack" {
			c.Out = &offerOnly{to: c.Out}
			c.In = io.MultiReader(io.LimitReader(c.In, 20), waiting{ctx})
		}
		return git(ctx, c)
	})
	for name, c := range map[string]struct {
		url  string
		host *sshserver.Server
		kind error
	}{
		"no handshake": {"ssh://git@" + mute.Addr().String() + "/k8s-ops.git", noOffer, rollout.ErrUnavailable},
		"no offer":     {noOffer.URL("k8s-ops.git"), noOffer, rollout.ErrUnavailable},
		"no report":    {noReport.URL("k8s-ops.git"), noReport, rollout.ErrUncertain},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			remote := open(t, c.url, with(c.host.NewKey(t), c.host.HostKeys()), timeout(500*time.Millisecond))
			_, err := remote.Commit(t.Context(), promotion(a, b, ledger))
			if !errors.Is(err, c.kind) || time.Since(began) > 10*time.Second {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
			says(t, err, "no answer in time")
		})
	}
	unchanged(t, r, a, b, ledger)
}

// waiting is a client that sends no more.
type waiting struct{ context.Context }

func (w waiting) Read([]byte) (int, error) { <-w.Done(); return 0, io.EOF }
