package tools

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

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

// lanes is how many modules are built at once: one program compiles while another is
// linked, which keeps a single processor busy. A third would only take memory.
const lanes = 2

// BuildAll returns the paths of programs' binaries, by the programs' names. It builds
// what was not built before, the first one alone: without that, the lanes would each
// compile the standard library. Of a module one program is built after the other, since
// they share most of what is compiled. So that others do not compile the same, they wait.
func (c Cache) BuildAll(ctx context.Context, programs []Program) (paths map[string]string, err error) {
	release, err := process.Alone("build")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	c.Out = &oneAtATime{out: c.Out}
	var mu sync.Mutex
	paths = map[string]string{}
	build := func(ctx context.Context, programs []Program) error {
		for _, p := range programs {
			path, err := c.build(ctx, p)
			if err != nil {
				return err
			}
			mu.Lock()
			paths[p.Name] = path
			mu.Unlock()
		}
		return nil
	}
	first := min(1, len(programs))
	if err := build(ctx, programs[:first]); err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lanes)
	for _, programs := range byModule(programs[first:]) {
		group.Go(func() error { return build(ctx, programs) })
	}
	return paths, group.Wait()
}

// Build returns the path of one program's binary, as BuildAll does.
func (c Cache) Build(ctx context.Context, p Program) (string, error) {
	paths, err := c.BuildAll(ctx, []Program{p})
	return paths[p.Name], err
}

// byModule groups programs by the modules that pin them, in the order of both.
func byModule(programs []Program) [][]Program {
	var groups [][]Program
	for _, p := range programs {
		at := slices.IndexFunc(groups, func(group []Program) bool { return group[0].Module == p.Module })
		if at < 0 {
			groups = append(groups, []Program{p})
			continue
		}
		groups[at] = append(groups[at], p)
	}
	return groups
}

// oneAtATime lets lanes write lines to what takes one at a time.
type oneAtATime struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *oneAtATime) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(line)
}

// build returns the path of a program's binary, which it builds unless that was
// done before.
func (c Cache) build(ctx context.Context, p Program) (string, error) {
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
	args := slices.Concat([]string{"build"}, compiler, []string{"-ldflags=" + p.linker(version), "-o", binary})
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
	return process.Output(ctx, process.Command{
		Name: "go " + args[0], Path: "go", Args: args, Dir: filepath.Join(c.Root, module),
		// Without C nothing of this machine decides how a program comes out.
		Env: append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off"),
	})
}
