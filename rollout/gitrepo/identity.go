package gitrepo

import "github.com/go-git/go-git/v5/config"

// Identity is who Git's own configuration says the user is: user.name and
// user.email of the global configuration, or of the system's. Both are empty
// where neither says anything.
func Identity() (name, email string) {
	for _, scope := range []config.Scope{config.GlobalScope, config.SystemScope} {
		c, err := config.LoadConfig(scope)
		if err == nil && c.User.Name != "" {
			return c.User.Name, c.User.Email
		}
	}
	return "", ""
}
