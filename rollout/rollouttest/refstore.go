package rollouttest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ref is a name and what it points at.
type ref struct {
	name string // refs/heads/main
	oid  string
}

// resolve returns what a full ref name points at, or "" where there is no such
// ref. It reads the files that git wrote: a process for each question would be
// most of a test's time.
func (r *Repository) resolve(name string) string {
	if checkRefName(name) != nil {
		return ""
	}
	if data, err := os.ReadFile(filepath.Join(r.path, filepath.FromSlash(name))); err == nil {
		return strings.TrimSpace(string(data))
	}
	for _, packed := range r.packedRefs() {
		if packed.name == name {
			return packed.oid
		}
	}
	return ""
}

// refs lists the refs whose full name begins with a prefix, sorted by name.
func (r *Repository) refs(prefix string) []ref {
	oids := map[string]string{}
	for _, packed := range r.packedRefs() {
		oids[packed.name] = packed.oid
	}
	_ = filepath.WalkDir(filepath.Join(r.path, "refs"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".lock") {
			return nil //nolint:nilerr // A ref that vanished meanwhile is no ref.
		}
		data, err := os.ReadFile(path)
		name, relErr := filepath.Rel(r.path, path)
		if err == nil && relErr == nil {
			oids[filepath.ToSlash(name)] = strings.TrimSpace(string(data))
		}
		return nil
	})
	var found []ref
	for name, oid := range oids {
		if strings.HasPrefix(name, prefix) {
			found = append(found, ref{name: name, oid: oid})
		}
	}
	slices.SortFunc(found, func(a, b ref) int { return strings.Compare(a.name, b.name) })
	return found
}

// packedRefs reads what "git pack-refs" made.
func (r *Repository) packedRefs() []ref {
	data, err := os.ReadFile(filepath.Join(r.path, "packed-refs"))
	if err != nil {
		return nil
	}
	var packed []ref
	for line := range strings.SplitSeq(string(data), "\n") {
		oid, name, found := strings.Cut(line, " ")
		if found && len(oid) == 40 {
			packed = append(packed, ref{name: name, oid: oid})
		}
	}
	return packed
}

// revision returns the commit that a {ref} of the API means: a branch, a tag,
// "heads/main", a full ref name, "HEAD", or an id, possibly shortened.
func (r *Repository) revision(name string) (*commit, error) {
	if name == "HEAD" {
		name = "refs/heads/" + r.head
	}
	for _, full := range []string{"refs/heads/" + name, "refs/tags/" + name, "refs/" + name, name} {
		if !strings.HasPrefix(full, "refs/") {
			continue
		}
		if oid := r.resolve(full); oid != "" {
			return r.peel(oid)
		}
	}
	if !isHex(name) || len(name) < 4 || len(name) > 40 {
		return nil, fmt.Errorf("%q: %w", name, errNoObject)
	}
	return r.peel(name)
}

// peel returns the commit that an object is, or that a tag points at.
func (r *Repository) peel(oid string) (*commit, error) {
	o, err := r.objects.read(oid + "^{commit}")
	if err != nil {
		return nil, err
	}
	return r.objects.commit(o.oid)
}

// contains says whether ancestor is descendant or one of its ancestors.
func (r *Repository) contains(descendant, ancestor string) (bool, error) {
	seen := map[string]bool{}
	todo := []string{descendant}
	for len(todo) > 0 {
		oid := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if oid == ancestor {
			return true, nil
		}
		if seen[oid] {
			continue
		}
		seen[oid] = true
		c, err := r.objects.commit(oid)
		if err != nil {
			return false, err
		}
		todo = append(todo, c.parents...)
	}
	return false, nil
}

// moveRefs moves refs in one transaction of git. The caller holds r.refsMu and
// has compared the old values. A transaction that has begun is finished, whoever
// has hung up: a git that is killed leaves its locks, and nobody moves these refs
// any more.
func (r *Repository) moveRefs(ctx context.Context, updates []refUpdate) error {
	var script strings.Builder
	for _, u := range updates {
		switch {
		case u.after == zeroOID && u.before == zeroOID:
		case u.after == zeroOID:
			fmt.Fprintf(&script, "delete %s %s\n", u.ref, u.before)
		case u.before == zeroOID:
			fmt.Fprintf(&script, "create %s %s\n", u.ref, u.after)
		default:
			fmt.Fprintf(&script, "update %s %s %s\n", u.ref, u.after, u.before)
		}
	}
	_, err := r.github.git.run(context.WithoutCancel(ctx), r.path, []byte(script.String()), "update-ref", "--stdin")
	return err
}

var errRefName = errors.New("not a valid ref name")

// checkRefName keeps to the rules of git check-ref-format, and to names below
// refs/.
func checkRefName(name string) error {
	bad := !strings.HasPrefix(name, "refs/") || strings.Count(name, "/") < 2 ||
		strings.ContainsAny(name, " ~^:?*[\\\x7f") || strings.Contains(name, "..") || strings.Contains(name, "@{") ||
		strings.HasSuffix(name, ".") || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' })
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock")
	}
	if bad {
		return fmt.Errorf("%q: %w", name, errRefName)
	}
	return nil
}

// isHex says whether a string could be an object's id, or its beginning.
func isHex(s string) bool { return s != "" && strings.Trim(s, "0123456789abcdef") == "" }

// isOID says whether a string has the form of an object's full id.
func isOID(s string) bool { return len(s) == 40 && isHex(s) }
