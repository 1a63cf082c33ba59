package planfile

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/monosense/k8s-ops/rollout"
)

const spellings = "write https://host/owner/name, ssh://git@host/owner/name.git, git@host:owner/name.git, file:///path, or a path that begins with / or ./"

// The problems of an address never repeat it: it may hold a secret.
var (
	noAddress   = &problem{"is no address that the toolkit understands", spellings}
	credentials = &problem{
		"has a password or token in it",
		"remove it and revoke it: whoever reads the repository has it; give it to the toolkit through GH_TOKEN or a Git credential helper",
	}
)

// A remote is an address, taken apart.
type remote struct {
	// url is what a Git client is given.
	url string
	// scheme is https, http, ssh, or file, which also stands for a path.
	scheme string
	// host is in lower case, and has a port if the forge's API would: for ssh
	// the port is of no use to anybody else.
	host string
	// path has neither a slash at its ends nor a query.
	path string
}

func (b *binder) repository(doc document, options Options) rollout.Repository {
	at := text(doc.Repository)
	named := rollout.Forge(doc.Forge.value)
	if named != "" && named != rollout.ForgeGitHub && named != rollout.ForgeGit {
		b.fail(text(doc.Forge), "write github or git, or leave the key out", "forge is %s", quote(doc.Forge.value))
		named = ""
	}
	if !at.present() {
		return rollout.Repository{}
	}
	remote, problem := parseRemote(at.value, b.file)
	if problem != nil {
		b.fail(at, problem.hint, "repository %s", problem.message)
		return rollout.Repository{}
	}
	if named == rollout.ForgeGit || (named == "" && !isGitHub(remote.host, options.GitHubHosts)) {
		return rollout.Repository{URL: remote.url, Forge: rollout.ForgeGit}
	}
	repository, problem := remote.github()
	if problem != nil {
		b.fail(at, problem.hint, "repository %s", problem.message)
	}
	return repository
}

// isGitHub knows GitHub's own hosts, and those of GitHub Enterprise Cloud with
// data residency, as gh does: https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency
func isGitHub(host string, others []string) bool {
	return host == "github.com" || strings.HasSuffix(host, ".ghe.com") ||
		slices.ContainsFunc(others, func(other string) bool { return other != "" && strings.EqualFold(host, other) })
}

var (
	// gitHubOwner includes the underscore of managed users' names.
	gitHubOwner = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	gitHubName  = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

// github reads owner and name. Whatever spelling was used, a Git client is
// given https: that is what the forge's token opens.
func (r remote) github() (rollout.Repository, *problem) {
	owner, name, _ := strings.Cut(strings.TrimSuffix(r.path, ".git"), "/")
	if r.host == "" || !gitHubOwner.MatchString(owner) || !gitHubName.MatchString(name) || strings.Trim(name, ".") == "" {
		return rollout.Repository{}, &problem{
			"is no repository on GitHub",
			"write https://host/owner/name, or forge: git if the host is not GitHub",
		}
	}
	scheme := "https"
	if r.scheme == "http" {
		scheme = "http" // parseURL lets only this machine through
	}
	return rollout.Repository{
		URL:   scheme + "://" + r.host + "/" + owner + "/" + name + ".git",
		Forge: rollout.ForgeGitHub,
		Host:  r.host, Owner: owner, Name: name,
	}, nil
}

// parseRemote tells the spellings apart. Whatever Git would run as a program
// (ext::, a host that begins with a dash) is none of them.
func parseRemote(value, planName string) (remote, *problem) {
	switch {
	case strings.ContainsFunc(value, unicode.IsControl):
		return remote{}, noAddress
	case strings.HasPrefix(value, "/"), strings.HasPrefix(value, "./"), strings.HasPrefix(value, "../"):
		return parsePath(value, planName)
	case strings.ContainsFunc(value, unicode.IsSpace):
		return remote{}, noAddress
	case strings.Contains(value, "://"):
		return parseURL(value)
	}
	return parseScp(value)
}

func parsePath(value, planName string) (remote, *problem) {
	if strings.HasPrefix(value, "/") {
		return remote{url: filepath.Clean(value), scheme: "file"}, nil
	}
	root, err := repositoryRoot(planName)
	if err != nil {
		return remote{}, &problem{"is a relative path, and the working directory is unknown", "write an absolute path"}
	}
	return remote{url: filepath.Join(root, value), scheme: "file"}, nil
}

func parseURL(value string) (remote, *problem) {
	parsed, err := url.Parse(value)
	if err != nil || !strings.HasPrefix(value, parsed.Scheme+"://") { // err repeats the value
		return remote{}, noAddress
	}
	if problem := checkURL(parsed); problem != nil {
		return remote{}, problem
	}
	host := strings.ToLower(parsed.Host)
	if parsed.Scheme == "ssh" {
		host = strings.ToLower(parsed.Hostname())
	}
	return remote{
		url:    value,
		scheme: parsed.Scheme,
		host:   canonicalHost(host),
		path:   strings.Trim(parsed.Path, "/"),
	}, nil
}

func checkURL(parsed *url.URL) *problem {
	_, hasPassword := parsed.User.Password()
	switch {
	case hasPassword, parsed.User != nil && parsed.Scheme != "ssh":
		return credentials
	case parsed.RawQuery != "", parsed.ForceQuery, parsed.Fragment != "":
		return &problem{"has a query or a fragment", "end it where ? or # begins"}
	case parsed.User != nil && !sshUser.MatchString(parsed.User.Username()):
		return noAddress
	case strings.Trim(parsed.Path, "/") == "":
		return &problem{"does not say which repository", spellings}
	}
	switch parsed.Scheme {
	case "file":
		if parsed.Host != "" {
			return &problem{"is a file on another host", "write file:/// with three slashes, and the path"}
		}
		return nil
	case "http":
		if !isLoopback(parsed.Hostname()) {
			return &problem{"is not encrypted", "write https instead of http"}
		}
	case "https", "ssh":
	default:
		return &problem{"uses a protocol that the toolkit does not speak", spellings}
	}
	if !isHost(parsed) {
		return noAddress
	}
	return nil
}

var (
	hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)
	sshUser  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	scp      = regexp.MustCompile(`^([^@:/]+)@([^@:/]+):([A-Za-z0-9_./~][^@:]*)$`)
)

func isHost(parsed *url.URL) bool {
	if port := parsed.Port(); port != "" {
		if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
			return false
		}
	}
	host := parsed.Hostname()
	_, err := netip.ParseAddr(host)
	return hostName.MatchString(host) || err == nil
}

// isLoopback holds for this machine, by RFC 6761 with every name below
// localhost.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (err == nil && ip.IsLoopback())
}

// parseScp reads git@host:path. Git would take it without the user, too; the
// toolkit does not, since a forgotten ./ or scheme looks the same.
func parseScp(value string) (remote, *problem) {
	match := scp.FindStringSubmatch(value)
	switch at := strings.LastIndex(value, "@"); {
	case match == nil && at >= 0 && strings.Contains(value[:at], ":"):
		return remote{}, credentials
	case match == nil || !sshUser.MatchString(match[1]) || !hostName.MatchString(match[2]):
		return remote{}, noAddress
	}
	return remote{
		url:    value,
		scheme: "ssh",
		host:   canonicalHost(strings.ToLower(match[2])),
		path:   strings.Trim(match[3], "/"),
	}, nil
}

// canonicalHost takes www.github.com and ssh.github.com for github.com, as gh's
// NormalizeHostname does.
func canonicalHost(host string) string {
	if strings.HasSuffix(host, ".github.com") {
		return "github.com"
	}
	return host
}
