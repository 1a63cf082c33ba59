package flux

import (
	"net/url"
	"regexp"
	"strings"
)

// remoteUser is what kustomize takes for the user name of a Git remote.
var remoteUser = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)

// isRemote tells whether kustomize could take a path for something to clone or
// to download. It is wider than kustomize's own parser (NewRepoSpecFromURL in
// api/internal/git, IsRemoteFile in api/internal/loader), which tries a clone
// also for a file that exists and does not parse.
func isRemote(written string) bool {
	lower := strings.ToLower(written)
	if u, err := url.Parse(written); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return true
	}
	return strings.Contains(lower, "://") ||
		strings.HasPrefix(lower, "git::") ||
		strings.HasPrefix(lower, "github.com/") || strings.HasPrefix(lower, "github.com:") ||
		remoteUser.MatchString(written)
}
