package tools

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/monosense/k8s-ops/e2e/internal/process"
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

// place is the directory of something in the cache: its key is made of the
// module that it comes from, of the Go that builds it, and of how.
func (c Cache) place(name string, m Module, how string) (string, error) {
	var key bytes.Buffer
	for _, file := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(c.Root, m.Name, file))
		if err != nil {
			return "", fmt.Errorf("find the key of %s: %w", name, err)
		}
		fmt.Fprintf(&key, "%s/%s %d\n%s", m.Name, file, len(data), data)
	}
	fmt.Fprintf(&key, "%s %s %s\n%s", runtime.Version(), runtime.GOOS, runtime.GOARCH, how)
	sum := sha256.Sum256(key.Bytes())
	return filepath.Join(c.Dir, name, hex.EncodeToString(sum[:8])), nil
}

// make fills a directory of the cache that is not there yet. One process makes something
// at a time: most of what is compiled is the same, and whoever waited for it finds it.
func (c Cache) make(dir, what string, fill func(into string) error) (err error) {
	if exists(dir) {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	release, err := process.Alone(filepath.Join(c.Dir, "lock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if exists(dir) {
		return nil
	}
	into, err := begin(parent)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(into)) }()
	started := time.Now()
	if _, err := fmt.Fprintf(c.Out, "%s …\n", what); err != nil {
		return err
	}
	if err := fill(into); err != nil {
		return err
	}
	if err := os.Rename(into, dir); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%s: %d s\n", what, int(time.Since(started).Seconds()))
	return err
}

// begin makes the directory for something that is being made. What others have begun
// there was killed: nobody else makes anything.
func begin(parent string) (into string, err error) {
	const making = ".making-*"
	left, err := filepath.Glob(filepath.Join(parent, making))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return "", fmt.Errorf("remove what a killed run has left: %w", err)
		}
	}
	return os.MkdirTemp(parent, making)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// download gets the source of a program.
func (c Cache) download(ctx context.Context, m Module, p Program) (dir string, err error) {
	out, err := c.run(ctx, m, "mod", "download", "-json", p.Repository)
	if err != nil {
		return "", err
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(out, &downloaded); err != nil {
		return "", fmt.Errorf("understand what go mod download says: %w", err)
	}
	return downloaded.Dir, nil
}

// run runs the go command in one of the modules.
func (c Cache) run(ctx context.Context, m Module, args ...string) ([]byte, error) {
	return process.Output(ctx, process.Command{
		Name: "go " + args[0], Path: "go", Args: args, Dir: filepath.Join(c.Root, m.Name),
		// Without C nothing of this machine decides how a program comes out.
		Env: append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off"),
	})
}
