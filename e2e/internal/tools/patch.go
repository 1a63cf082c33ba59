package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A patch changes one place of a program's source as it is built, where a defect of it
// makes a test fail now and then. It has to fit: once, or nothing is built.
type patch struct {
	// File is below the root of the program's repository.
	file     string
	from, to string
}

// Where a step fails, act ends before it has read all that the step said: it waits for
// the rest only where the step succeeds.
var actReadsAll = patch{
	file: "pkg/container/host_environment.go",
	from: "	err = cmd.Run()\n	if err != nil {\n		return err\n	}\n	if tty != nil {",
	to:   "	err = cmd.Run()\n	if tty != nil {",
}

// overlay writes patched copies of a program's files, and what tells the go command to
// take them (go help build: -overlay).
func (c Cache) overlay(ctx context.Context, p Program, into string) (path string, err error) {
	out, err := c.run(ctx, p.Module, "list", "-m", "-f", "{{.Dir}}", p.Repository)
	if err != nil {
		return "", err
	}
	root := strings.TrimSpace(string(out))
	replaced := map[string]string{}
	for i, patch := range p.patches {
		source := filepath.Join(root, filepath.FromSlash(patch.file))
		data, err := os.ReadFile(source)
		if err != nil {
			return "", err
		}
		if n := strings.Count(string(data), patch.from); n != 1 {
			return "", fmt.Errorf("what is patched in %s stands there %d times, and has to stand there once: look whether this version still needs it", patch.file, n)
		}
		copied := filepath.Join(into, fmt.Sprintf("patched-%d.go", i))
		if err := os.WriteFile(copied, []byte(strings.Replace(string(data), patch.from, patch.to, 1)), 0o600); err != nil {
			return "", err
		}
		replaced[source] = copied
	}
	data, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	path = filepath.Join(into, "overlay.json")
	return path, os.WriteFile(path, data, 0o600)
}
