package rollouttest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// gitRunner runs the real git binary, away from the caller's environment and
// configuration.
type gitRunner struct {
	binary string
	env    []string
}

// newGitRunner finds git. home is a directory of the stand-in's own.
func newGitRunner(home string) (gitRunner, error) {
	binary, err := exec.LookPath("git")
	if err != nil {
		return gitRunner{}, fmt.Errorf("the stand-in needs git: %w", err)
	}
	return gitRunner{binary: binary, env: []string{
		"PATH=" + filepath.Dir(binary) + string(os.PathListSeparator) + "/usr/local/bin:/usr/bin:/bin",
		"HOME=" + home,
		"LC_ALL=C",
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
	}}, nil
}

// command prepares git in a repository.
func (g gitRunner) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, g.binary, args...)
	cmd.Dir = path
	cmd.Env = append([]string{"GIT_DIR=" + path}, g.env...)
	return cmd
}

// run runs git in a repository with something on its standard input, and
// returns what it prints. An error carries what git said.
func (g gitRunner) run(ctx context.Context, path string, stdin []byte, args ...string) (string, error) {
	cmd := g.command(ctx, path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(stderr.String())
		return stdout.String(), fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, said)
	}
	return stdout.String(), nil
}

// makeBare writes an empty bare repository, which is five entries, without
// starting git: tests make very many.
func makeBare(path, branch string) error {
	for _, dir := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(path, dir), 0o755); err != nil {
			return err
		}
	}
	// GitHub serves any object that a client names, and partial clones.
	config := "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n\tlogallrefupdates = false\n" +
		"[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n" +
		"[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[receive]\n\tautogc = false\n"
	if err := os.WriteFile(filepath.Join(path, "config"), []byte(config), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(path, "HEAD"), []byte("ref: refs/heads/"+branch+"\n"), 0o644)
}
