package rollouttest

import (
	"encoding/base64"
	"hash/crc32"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
)

// Kind is what sort of account a token belongs to.
type Kind string

const (
	// KindUser is a person with a fine-grained personal access token.
	KindUser Kind = "user"
	// KindApp is an installation of a GitHub App.
	KindApp Kind = "app"
	// KindActions is a workflow's own GITHUB_TOKEN. It can never have the
	// workflows permission.
	KindActions Kind = "actions"
	// KindDeployKey stands in for a deploy key: it works for Git only, always
	// with write access. The real one goes through ssh.
	KindDeployKey Kind = "deploy-key"
)

// ActionsAppID is the id of GitHub Actions' own app. It is refused as a bypass
// actor of a repository's ruleset (reported by users, three times).
const ActionsAppID = 15368

// Identity says whom a token belongs to and what it may do.
type Identity struct {
	// Login is the account's name. A Kind of KindActions is always
	// "github-actions[bot]".
	Login string
	// Kind is KindUser where it is empty.
	Kind Kind
	// Permissions maps a repository permission (contents, workflows, actions,
	// administration, statuses, …) to "read" or "write". Reading "metadata"
	// is always allowed, and so is reading anything of a public repository.
	Permissions map[string]string
	// Repositories are the owner/name of those that the token is given. Nil
	// is all of them. It hides private repositories, and is read only to
	// public ones that it does not name.
	Repositories []string
	// Scopes are those of a classic token, as it is told them. They are shown, and
	// grant nothing: that is for Permissions. Nil is a token that has none.
	Scopes []string
	// AppID is a KindApp's id, as a ruleset's bypass actor names it.
	AppID int64
}

// AllPermissions are all the permissions that the stand-in asks for.
func AllPermissions() map[string]string {
	all := map[string]string{}
	for _, name := range []string{
		"actions", "administration", "contents", "environments", "metadata", "pull_requests", "secrets", "statuses", "workflows",
	} {
		all[name] = "write"
	}
	return all
}

// AddToken makes a token known, or changes whom it belongs to.
func (g *GitHub) AddToken(token string, who Identity) {
	if who.Kind == "" {
		who.Kind = KindUser
	}
	who.Permissions = maps.Clone(who.Permissions)
	if who.Kind == KindActions {
		who.Login = "github-actions[bot]"
		who.AppID = ActionsAppID
		delete(who.Permissions, "workflows")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.identities[token] = who
}

// anonymous is who comes without a token.
func (i Identity) anonymous() bool { return i.Login == "" }

// given says whether the token was given the repository.
func (i Identity) given(r *Repository) bool {
	return !i.anonymous() && (i.Repositories == nil || slices.ContainsFunc(i.Repositories, func(slug string) bool {
		return strings.EqualFold(slug, r.Slug())
	}))
}

// sees says whether the repository exists as far as this identity can tell.
func (i Identity) sees(r *Repository) bool { return !r.private || i.given(r) }

// may says whether the identity has a permission at a level. Of a public repository
// everybody may read all but what only those see who administer it.
func (i Identity) may(r *Repository, permission, level string) bool {
	shut := r.private || permission == "administration" || permission == "secrets"
	if level == "read" && (!shut || permission == "metadata") {
		return i.sees(r)
	}
	if i.Kind == KindDeployKey {
		return permission == "contents" && i.given(r)
	}
	has := i.Permissions[permission]
	return i.given(r) && (has == "write" || has == level)
}

// refusal is what GitHub says to an identity that lacks a permission.
func (i Identity) refusal() string {
	if i.Kind == KindUser {
		return "Resource not accessible by personal access token"
	}
	return "Resource not accessible by integration"
}

// accountID is stable for a login, so that it need not be stored. GraphQL shows
// it as an Int, which has 31 bits.
func accountID(login string) int64 {
	return int64(crc32.ChecksumIEEE([]byte(strings.ToLower(login))) & math.MaxInt32)
}

// caller is who sends a request.
type caller struct {
	Identity
	known bool // false for a token that nobody has
}

// identify finds the identity of a request. One without a token is anonymous.
func (g *GitHub) identify(r *http.Request) caller {
	token := tokenOf(r.Header.Get("Authorization"))
	if token == "" {
		return caller{known: true}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	who, known := g.identities[token]
	return caller{Identity: who, known: known}
}

// tokenOf reads the token out of an Authorization header of any of the kinds
// that GitHub takes: "token X", "Bearer X", and Basic with X as the password
// or, as some clients have it, as the user name.
func tokenOf(header string) string {
	scheme, value, _ := strings.Cut(header, " ")
	switch strings.ToLower(scheme) {
	case "token", "bearer":
		return strings.TrimSpace(value)
	case "basic":
		decoded, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return value
		}
		user, password, _ := strings.Cut(string(decoded), ":")
		if password == "" || password == "x-oauth-basic" {
			return user
		}
		return password
	}
	return header
}
