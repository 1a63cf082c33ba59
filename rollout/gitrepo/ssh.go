package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"
	"golang.org/x/net/proxy"

	"github.com/monosense/k8s-ops/rollout"
)

// overSSH reaches a repository through ssh.
//
// go-git's ssh transport would do but for three things: it connects before it
// is given a context, so that a host which accepts and then says nothing holds
// it forever; it wants to know the host's keys before it is known whether
// anything will be asked of the host at all; and of a refusal it keeps too
// little to tell an operator what to do.
type overSSH struct {
	// where is the remote as messages name it.
	where string
	// signer is the private key. Without one the agent is asked.
	signer ssh.Signer
	// hostKeys is [Options.HostKeys].
	hostKeys func(context.Context) ([]string, error)
}

func newOverSSH(o Options, where string) (overSSH, error) {
	s := overSSH{where: where, hostKeys: o.HostKeys}
	if len(o.Key) == 0 {
		return s, nil
	}
	var err error
	s.signer, err = parseKey(o.Key)
	return s, err
}

// NewUploadPackSession implements [transport.Transport].
func (s overSSH) NewUploadPackSession(e *transport.Endpoint, _ transport.AuthMethod) (transport.UploadPackSession, error) {
	return &sshSession{over: s, endpoint: e, service: transport.UploadPackServiceName}, nil
}

// NewReceivePackSession implements [transport.Transport].
func (s overSSH) NewReceivePackSession(e *transport.Endpoint, _ transport.AuthMethod) (transport.ReceivePackSession, error) {
	return &sshSession{over: s, endpoint: e, service: transport.ReceivePackServiceName}, nil
}

// parseKey reads a private key. What is wrong with it is said in words of our
// own: nothing of the text itself may end in a message.
func parseKey(text []byte) (ssh.Signer, error) {
	text = bytes.TrimSpace(text)
	signer, err := ssh.ParsePrivateKey(text)
	if err == nil {
		return signer, nil
	}
	p := &rollout.Problem{
		Kind: rollout.ErrUsage,
		What: "the private key for ssh cannot be read",
		Ways: []string{"give the whole file that `ssh-keygen -t ed25519 -N \"\" -f deploy-key` writes as deploy-key, from -----BEGIN to -----END, line breaks included"},
	}
	var locked *ssh.PassphraseMissingError
	if _, _, _, _, notPublic := ssh.ParseAuthorizedKey(text); notPublic == nil {
		p.What = "what was given as the private key for ssh is the public half of one"
	} else if errors.As(err, &locked) {
		p.What = "the private key for ssh is protected by a passphrase, and there is nobody to type it"
	}
	return nil, p
}

// connect dials and logs in. The context ends the attempt wherever it is.
func (s overSSH) connect(ctx context.Context, e *transport.Endpoint) (*ssh.Client, error) {
	address := sshAddress(e)
	config, err := s.config(ctx, e.User, address)
	if err != nil {
		return nil, err
	}
	conn, err := proxy.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, s.notLetIn(err)
	}
	return ssh.NewClient(c, channels, requests), nil
}

// config says who logs in, and which host is the right one.
func (s overSSH) config(ctx context.Context, user, address string) (*ssh.ClientConfig, error) {
	var config ssh.ClientConfig
	if s.signer != nil {
		config.User, config.Auth = user, []ssh.AuthMethod{ssh.PublicKeys(s.signer)}
	} else {
		agent, err := gitssh.NewSSHAgentAuth(user)
		if err != nil {
			return nil, &rollout.Problem{
				Kind: rollout.ErrNotPermitted, What: fmt.Sprintf("%s is reached by ssh, and there is no agent with a key for it", s.where), Cause: err,
				Ways: []string{"start an agent, and give it the key: `eval $(ssh-agent)`, `ssh-add`"},
			}
		}
		config.User, config.Auth = agent.User, []ssh.AuthMethod{ssh.PublicKeysCallback(agent.Callback)}
	}
	if config.User == "" {
		config.User = gitssh.DefaultUsername
	}
	known, algorithms, err := s.known(ctx, address)
	if err != nil {
		return nil, err
	}
	config.HostKeyAlgorithms = algorithms
	config.HostKeyCallback = func(host string, from net.Addr, key ssh.PublicKey) error {
		if known(host, from, key) == nil {
			return nil
		}
		return s.otherHost("shows the host key " + ssh.FingerprintSHA256(key))
	}
	return &config, nil
}

// known are the host's keys: those that are given, or else those of the user's
// known_hosts. The algorithms are theirs, so that the host does not choose to
// show a key that nobody knows.
func (s overSSH) known(ctx context.Context, address string) (ssh.HostKeyCallback, []string, error) {
	var lines []string
	if s.hostKeys != nil {
		var err error
		if lines, err = s.hostKeys(ctx); err != nil {
			return nil, nil, err
		}
	}
	if len(lines) > 0 {
		return s.pinned(lines)
	}
	hosts, err := gitssh.NewKnownHostsDb()
	if err != nil {
		return nil, nil, &rollout.Problem{
			Kind: rollout.ErrUsage, What: fmt.Sprintf("nothing says which host keys %s has", s.where), Cause: err,
			Ways: []string{"put them into ~/.ssh/known_hosts: run `ssh-keyscan` for the host, and compare them with what whoever runs it publishes"},
		}
	}
	return hosts.HostKeyCallback(), hosts.HostKeyAlgorithms(address), nil
}

// pinned lets pass the keys of these lines alone. A key of a kind that is not
// known here is left out: a host gains new ones before it drops the old.
func (s overSSH) pinned(lines []string) (ssh.HostKeyCallback, []string, error) {
	var algorithms []string
	known := map[string]bool{}
	for _, line := range lines {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		switch {
		case err != nil:
			continue
		case key.Type() == ssh.KeyAlgoRSA:
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			algorithms = append(algorithms, key.Type())
		}
		known[string(key.Marshal())] = true
	}
	if len(known) == 0 {
		return nil, nil, &rollout.Problem{Kind: rollout.ErrRefused, What: fmt.Sprintf("none of the %d host keys that are given for %s can be read", len(lines), s.where)}
	}
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if !known[string(key.Marshal())] {
			return errors.New("another key")
		}
		return nil
	}, algorithms, nil
}

// sshAddress is where to dial. Like go-git and ssh itself it heeds the other
// name and port that the user's ssh configuration has for a host.
func sshAddress(e *transport.Endpoint) string {
	host, port := e.Host, e.Port
	if other := gitssh.DefaultSSHConfig.Get(e.Host, "Hostname"); other != "" {
		host = other
		if n, err := strconv.Atoi(gitssh.DefaultSSHConfig.Get(e.Host, "Port")); err == nil {
			port = n
		}
	}
	if port <= 0 {
		port = gitssh.DefaultPort
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port))
}

// notLetIn says in words why the host and we did not come together.
func (s overSSH) notLetIn(err error) error {
	var problem *rollout.Problem
	var kinds *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &kinds) && strings.Contains(err.Error(), "host key"):
		return s.otherHost("has no host key of a kind that is known of it")
	case strings.Contains(err.Error(), "unable to authenticate"):
		return &rollout.Problem{
			Kind: rollout.ErrNotPermitted,
			What: fmt.Sprintf("%s: the host knows no such key%s", s.where, s.fingerprint()),
			Ways: s.keyWays(),
		}
	default:
		return err
	}
}

// otherHost is the error of a host that is not known to be the right one.
func (s overSSH) otherHost(shows string) error {
	return &rollout.Problem{
		Kind: rollout.ErrRefused,
		What: fmt.Sprintf("%s: what answers there %s, so it may not be what it says it is: nothing was sent", s.where, shows),
		Ways: []string{"compare it with what whoever runs the host publishes, and find out what stands in between; a host whose key was changed has to be known by the new one"},
	}
}

// refusal is what the host said instead of serving the repository.
func (s overSSH) refusal(service, said string) error {
	said = strings.TrimPrefix(said, "ERROR: ")
	p := &rollout.Problem{
		Kind: rollout.ErrRefused,
		What: fmt.Sprintf("%s refuses %s to the key%s: %s", s.where, service, s.fingerprint(), rollout.Printable(said, 400)),
	}
	lower := strings.ToLower(said)
	for _, text := range []string{"read only", "read-only", "denied", "permission", "not allowed", "not found", "not exist", "not appear to be"} {
		if strings.Contains(lower, text) {
			p.Kind, p.Ways = rollout.ErrNotPermitted, s.keyWays()
		}
	}
	return p
}

// fingerprint names the key as GitHub's settings do, where it is a single one.
func (s overSSH) fingerprint() string {
	if s.signer == nil {
		return ""
	}
	return " " + ssh.FingerprintSHA256(s.signer.PublicKey())
}

func (s overSSH) keyWays() []string {
	return []string{
		"let the key be one that may write: on GitHub a deploy key of this very repository, with `Allow write access` (`gh repo deploy-key add deploy-key.pub --allow-write`)",
		"and correct the repository's address, if it is misspelt or was renamed",
	}
}
