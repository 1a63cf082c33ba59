package manifests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/monosense/k8s-ops/e2e/internal/schemas"
	"github.com/monosense/k8s-ops/e2e/internal/suite"
	"github.com/monosense/k8s-ops/e2e/internal/tools"
)

// root is the repository's, and modules is where the tools are pinned.
const (
	root    = "../.."
	modules = "../tools"
)

// shared is the checker that the tests have in common.
var shared checker

func TestMain(m *testing.M) { os.Exit(suite.Code(check(m))) }

func check(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "k8s-ops-e2e-schemas-*")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if shared, err = newChecker(context.Background(), dir); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// A checker is kubeconform with schemas.
type checker struct{ kubeconform, schemas string }

func newChecker(ctx context.Context, dir string) (checker, error) {
	cache, err := suite.Cache()
	if err != nil {
		return checker{}, err
	}
	binaries, err := cache.Build(ctx, tools.ForManifests)
	if err != nil {
		return checker{}, err
	}
	description, err := cache.Description(ctx)
	if err != nil {
		return checker{}, err
	}
	definitions, err := cache.Definitions(ctx)
	if err != nil {
		return checker{}, err
	}
	return checker{binaries.Path(tools.Kubeconform), schemas.Location(dir)}, schemas.Write(dir, description, definitions)
}

// A judgement is what kubeconform says of the objects of some files.
type judgement struct {
	Resources []struct {
		Filename string
		Msg      string
		Status   string
	}
	Summary struct{ Valid, Invalid, Errors, Skipped int }
}

// judge checks all files of a directory. What kubeconform finds is no error.
func (c checker) judge(dir string, args ...string) (judgement, error) {
	args = append([]string{"-strict", "-output=json", "-summary", "-schema-location=" + c.schemas}, append(args, dir)...)
	command := exec.Command(c.kubeconform, args...)
	out, err := command.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || len(out) == 0) {
		return judgement{}, fmt.Errorf("kubeconform: %w", err)
	}
	var j judgement
	if err := json.Unmarshal(out, &j); err != nil {
		return judgement{}, fmt.Errorf("understand kubeconform: %w\n%s", err, out)
	}
	return j, nil
}

// conforms is that so many objects of a directory are valid, and nothing else is
// there.
func conforms(t *testing.T, dir string, objects int, args ...string) {
	t.Helper()
	j, err := shared.judge(dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range j.Resources {
		t.Errorf("%s: %s", resource.Filename, resource.Msg)
	}
	if s := j.Summary; objects == 0 || s.Valid != objects || s.Invalid+s.Errors > 0 {
		t.Errorf("of %d objects %d are valid: %+v", objects, s.Valid, s)
	}
}

// put writes a file of a directory.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
