package tools

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// A Cache is where what was built is kept.
type Cache struct {
	// Root is e2e/tools, with the modules.
	Root string
	// Dir is where the cache is.
	Dir string
	// Out gets a line for each thing that has to be built.
	Out io.Writer
}

// Open finds the user's cache. Root is e2e/tools.
func Open(root string, out io.Writer) (Cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return Cache{}, fmt.Errorf("find the directory for what is built: %w", err)
	}
	return Cache{Root: root, Dir: filepath.Join(dir, "k8s-ops", "e2e"), Out: out}, nil
}

// Build returns the path of a program's binary, which it builds unless that was
// done before.
func (c Cache) Build(ctx context.Context, p Program) (string, error) {
	version, err := p.Version(c.Root)
	if err != nil {
		return "", err
	}
	dir, err := c.place(p.Name+"-"+version, []string{p.Module}, p.how(version))
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, p.Name)
	err = c.make(dir, fmt.Sprintf("Building %s %s", p.Name, version), func(into string) error {
		return c.compile(ctx, p, version, filepath.Join(into, p.Name))
	})
	if err != nil {
		return "", fmt.Errorf("build %s %s (its modules come from the module proxy, go env GOPROXY): %w", p.Name, version, err)
	}
	return binary, nil
}

// compile makes a program's binary.
func (c Cache) compile(ctx context.Context, p Program, version, binary string) (err error) {
	args := []string{"build", compiler, "-ldflags=" + p.linker(version), "-o", binary}
	if len(p.patches) > 0 {
		dir, err := os.MkdirTemp("", "k8s-ops-e2e-patched-*")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		modfile, err := c.patched(ctx, p, dir)
		if err != nil {
			return err
		}
		args = append(args, "-modfile="+modfile)
	}
	_, err = c.run(ctx, p.Module, append(args, p.Package)...)
	return err
}

// place is the directory of something in the cache: its key is made of the
// modules that it comes from, of the Go that builds it, and of how.
func (c Cache) place(name string, modules []string, how string) (string, error) {
	var key bytes.Buffer
	for _, module := range modules {
		for _, file := range []string{"go.mod", "go.sum"} {
			data, err := os.ReadFile(filepath.Join(c.Root, module, file))
			if err != nil {
				return "", fmt.Errorf("find the key of %s: %w", name, err)
			}
			fmt.Fprintf(&key, "%s/%s %d\n%s", module, file, len(data), data)
		}
	}
	fmt.Fprintf(&key, "%s %s %s\n%s", runtime.Version(), runtime.GOOS, runtime.GOARCH, how)
	sum := sha256.Sum256(key.Bytes())
	return filepath.Join(c.Dir, name, hex.EncodeToString(sum[:8])), nil
}

// make fills a directory of the cache that is not there yet.
func (c Cache) make(dir, what string, fill func(into string) error) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	started := time.Now()
	if _, err := fmt.Fprintf(c.Out, "%s …\n", what); err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	into, err := os.MkdirTemp(parent, ".making-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(into) }()
	if err := fill(into); err != nil {
		return err
	}
	if err := os.Rename(into, dir); err != nil && !exists(dir) {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%s: %d s\n", what, int(time.Since(started).Seconds()))
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// run runs the go command in one of the modules.
func (c Cache) run(ctx context.Context, module string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = filepath.Join(c.Root, module)
	// Without C nothing of this machine decides how a program comes out.
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s in %s: %w\n%s", args[0], command.Dir, err, said.Bytes())
	}
	return out, nil
}
