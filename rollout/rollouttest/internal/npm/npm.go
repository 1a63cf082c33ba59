// Package npm fetches single files out of npm packages, for tests that compare
// the stand-in with GitHub's own descriptions, and reports with their schemas.
//
// # Model
//
// A [Package] is pinned by its version and its integrity. [Package.File] has
// "npm pack" fetch the package's archive, checks it, and keeps the one file in
// the user's cache directory, where the next run finds it.
//
// # Invariants
//
// A file in the cache came out of an archive with the pinned integrity, and is
// complete.
//
// # Concurrency
//
// Several processes may fetch the same file; each writes its own copy and the
// last one stays.
//
// # Not handled
//
// Dependencies, install scripts and everything else about npm.
package npm

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Package is one version of an npm package.
type Package struct {
	Name    string
	Version string
	// Integrity is the archive's SHA-512 as npm writes it: "sha512-…".
	Integrity string
}

// The descriptions of GitHub's interfaces.
var (
	// OpenAPI describes the REST interface.
	OpenAPI = Package{
		Name: "@octokit/openapi", Version: "23.0.2",
		Integrity: "sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
	}
	// GraphQL describes the GraphQL interface.
	GraphQL = Package{
		Name: "@octokit/graphql-schema", Version: "15.26.1",
		Integrity: "sha512-RFDC2MpRBd4AxSRvUeBIVeBU7ojN/SxDfALUd7iVYOSeEK3gZaqR2MGOysj4Zh2xj2RY5fQAUT+Oqq7hWTraMA==",
	}
)

// SARIF has Microsoft's copy of the schema of SARIF 2.1.0.
var SARIF = Package{
	Name: "@microsoft/jest-sarif", Version: "1.0.0-beta.0",
	Integrity: "sha512-A1fOhPd6Ic5iDk4F9YPw1qNB4XF+7+IviR7xl8r2F6QzQkx5cpY9LsGk2rExiFIEcBbjpVnSmwWGBukASkiQ9A==",
}

// Axe finds out what of a page is not accessible.
var Axe = Package{
	Name: "axe-core", Version: "4.14.1",
	Integrity: "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
}

// CacheDir is where fetched files are kept.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w", err)
	}
	return filepath.Join(dir, "k8s-ops"), nil
}

// File returns a file of the package, named by its path inside it.
func (p Package) File(ctx context.Context, path string) ([]byte, error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	kept := filepath.Join(cache, "npm", strings.ReplaceAll(p.Name, "/", "-")+"-"+p.Version, filepath.FromSlash(path))
	if data, err := os.ReadFile(kept); err == nil {
		return data, nil
	}
	data, err := p.fetch(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("fetch %s of the npm package %s@%s: %w", path, p.Name, p.Version, err)
	}
	return data, Keep(kept, data)
}

// Keep writes a file into the cache; it appears complete or not at all.
func Keep(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("keep %s: %w", path, err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".fetched-*")
	if err != nil {
		return fmt.Errorf("keep %s: %w", path, err)
	}
	_, err = temporary.Write(data)
	if err := errors.Join(err, temporary.Close()); err != nil {
		return fmt.Errorf("keep %s: %w", path, errors.Join(err, os.Remove(temporary.Name())))
	}
	return os.Rename(temporary.Name(), path)
}

// fetch has npm fetch the archive, checks it, and reads one file out of it.
func (p Package) fetch(ctx context.Context, path string) (data []byte, err error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return nil, fmt.Errorf("npm is needed: %w", err)
	}
	dir, err := os.MkdirTemp("", "npm-pack-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cmd := exec.CommandContext(ctx, npm, "pack", "--silent", "--pack-destination", dir, p.Name+"@"+p.Version)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm pack: %w: %s", err, strings.TrimSpace(string(out)))
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return nil, fmt.Errorf("npm pack made %d archives", len(archives))
	}
	archive, err := os.ReadFile(archives[0])
	if err != nil {
		return nil, err
	}
	sum := sha512.Sum512(archive)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != p.Integrity {
		return nil, fmt.Errorf("the archive's integrity is %s, not %s", got, p.Integrity)
	}
	return extract(strings.NewReader(string(archive)), "package/"+path)
}

// extract reads one file out of an archive.
func extract(archive io.Reader, path string) ([]byte, error) {
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		return nil, err
	}
	files := tar.NewReader(unzipped)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the archive has no such file")
		}
		if err != nil {
			return nil, err
		}
		if header.Name == path {
			return io.ReadAll(files)
		}
	}
}
