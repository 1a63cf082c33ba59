package github

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/cli/go-gh/v2/pkg/auth"
)

// SSHURL is the repository's address for whoever comes by ssh, as a deploy key
// does. It has ssh's own port, whatever the port of the API. A *.ghe.com
// tenancy wants its own name as the user (so gh has it, in
// ghrepo.FormatRemoteURL); everywhere else it is git.
func (c *Client) SSHURL() string {
	user, host := "git", c.options.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if auth.IsTenancy(host) {
		user, _, _ = strings.Cut(host, ".")
	}
	return fmt.Sprintf("ssh://%s@%s/%s.git", user, host, c.slug())
}

// HostKeys reads which public keys the host shows to whoever comes by ssh, each
// as a line of authorized_keys
// (https://docs.github.com/en/rest/meta/meta#get-apiname-meta-information).
// They come over https, so they are as certain as everything else that GitHub
// says. An Enterprise server does not tell its keys: then there are none, and
// no error.
func (c *Client) HostKeys(ctx context.Context) ([]string, error) {
	var answer struct {
		Keys []string `json:"ssh_keys"`
	}
	_, err := c.get(ctx, "meta", &answer)
	switch {
	case isStatus(err, http.StatusNotFound):
		return nil, nil
	case err != nil:
		return nil, c.explain("read the ssh host keys", err)
	}
	return answer.Keys, nil
}
