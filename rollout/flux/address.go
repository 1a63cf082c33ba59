package flux

import (
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// An address is where a repository lives, however it is written: two
// addresses are equal if they are the same repository.
type address struct {
	// host has a port only where it is not the scheme's own.
	host string
	path string
}

var (
	// scpLike is git's short form of ssh: [user@]host:path. Flux refuses it,
	// but it says which repository was meant.
	scpLike      = regexp.MustCompile(`^(?:[^@/:]+@)?([^/:@\[\]]+):([^/].*)$`)
	defaultPorts = map[string]string{"ssh": "22", "git+ssh": "22", "https": "443", "http": "80", "git": "9418"}
)

// parseAddress reads a remote. It is false for a path, and for what is no
// remote at all.
func parseAddress(remote string) (address, bool) {
	remote = strings.TrimSpace(remote)
	if !strings.Contains(remote, "://") {
		match := scpLike.FindStringSubmatch(remote)
		if match == nil {
			return address{}, false
		}
		return newAddress("ssh", match[1], "", match[2]), true
	}
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" || u.Scheme == "file" {
		return address{}, false
	}
	return newAddress(u.Scheme, u.Hostname(), u.Port(), u.Path), true
}

func newAddress(scheme, host, port, path string) address {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	switch {
	// ssh.github.com:443 is GitHub's ssh for networks that block port 22
	// (docs.github.com, "Using SSH over the HTTPS port").
	case host == "ssh.github.com" && (port == "443" || port == "22" || port == ""):
		host, port = "github.com", ""
	case host == "www.github.com":
		host = "github.com"
	}
	if port != "" && port != defaultPorts[strings.ToLower(scheme)] {
		host = net.JoinHostPort(host, port)
	}
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	joined := strings.Join(parts, "/")
	if len(joined) > len(".git") && strings.EqualFold(joined[len(joined)-len(".git"):], ".git") {
		joined = joined[:len(joined)-len(".git")]
	}
	return address{host: host, path: joined}
}

// same compares two addresses. The case of a path is ignored, as GitHub
// ignores it: elsewhere two repositories that differ in nothing else would be
// taken for one, which errs on the side of a finding.
func (a address) same(other address) bool {
	return a.host == other.host && strings.EqualFold(a.path, other.path)
}

// planned is the plan's repository. It is false for a repository that is a
// path, which no cluster can reach: there the source says which repository it
// is.
func planned(repository rollout.Repository) (address, bool) {
	if repository.Forge == rollout.ForgeGitHub && repository.Host != "" {
		return newAddress("https", repository.Host, "", repository.Owner+"/"+repository.Name), true
	}
	return parseAddress(repository.URL)
}

// redact hides the credentials that a URL may carry.
func redact(remote string) string {
	u, err := url.Parse(remote)
	if err != nil && strings.Contains(remote, "://") {
		return "(a URL that cannot be read)"
	}
	if err != nil || u.User == nil {
		return remote
	}
	if _, secret := u.User.Password(); secret || u.Scheme == "https" || u.Scheme == "http" {
		u.User = url.User("redacted")
	}
	return u.String()
}
