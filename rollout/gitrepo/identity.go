package gitrepo

import (
	"context"
	"os"
	"os/exec"
	"strings"
)

// Identity is whom Git takes the caller for: GIT_COMMITTER_NAME and
// GIT_COMMITTER_EMAIL, or user.name and user.email, or what it makes of the
// operating system's account. Both are empty where Git knows nobody.
func Identity(ctx context.Context) (name, email string) {
	command := exec.CommandContext(ctx, "git", "var", "GIT_COMMITTER_IDENT")
	command.Env = environment()
	for _, variable := range []string{"GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"} {
		if value := os.Getenv(variable); value != "" { //nolint:forbidigo // what git itself would see
			command.Env = append(command.Env, variable+"="+value)
		}
	}
	out, err := command.Output()
	if err != nil {
		return "", ""
	}
	name, rest, _ := strings.Cut(string(out), " <")
	email, _, _ = strings.Cut(rest, "> ")
	return name, email
}
