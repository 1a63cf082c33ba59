package rollouttest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// treeEntry is one line of a tree.
type treeEntry struct {
	mode string // as the API writes it, six digits: 040000
	name string
	oid  string
}

// kind is the type of the object that an entry names.
func (e treeEntry) kind() string {
	switch e.mode {
	case "040000":
		return "tree"
	case "160000":
		return "commit"
	}
	return "blob"
}

// parseTree reads a tree object.
func parseTree(data []byte) ([]treeEntry, error) {
	var entries []treeEntry
	for len(data) > 0 {
		head, rest, found := bytes.Cut(data, []byte{0})
		mode, name, split := strings.Cut(string(head), " ")
		if !found || !split || len(rest) < 20 {
			return nil, fmt.Errorf("a tree that cannot be read")
		}
		entries = append(entries, treeEntry{
			mode: strings.Repeat("0", max(0, 6-len(mode))) + mode,
			name: name,
			oid:  hex.EncodeToString(rest[:20]),
		})
		data = rest[20:]
	}
	return entries, nil
}

// tree returns the entries of a tree.
func (s *objectStore) tree(oid string) ([]treeEntry, error) {
	o, err := s.read(oid)
	if err != nil {
		return nil, err
	}
	if o.kind != "tree" {
		return nil, fmt.Errorf("%s is a %s: %w", oid, o.kind, errNoObject)
	}
	return parseTree(o.data)
}

// writeTree stores a tree.
func (s *objectStore) writeTree(entries []treeEntry) (string, error) {
	// Git sorts a directory as if its name ended in a slash.
	key := func(e treeEntry) string {
		if e.kind() == "tree" {
			return e.name + "/"
		}
		return e.name
	}
	slices.SortFunc(entries, func(a, b treeEntry) int { return strings.Compare(key(a), key(b)) })
	var data []byte
	for _, e := range entries {
		oid, err := hex.DecodeString(e.oid)
		if err != nil {
			return "", fmt.Errorf("write a tree: %q: %w", e.oid, err)
		}
		data = fmt.Appendf(data, "%s %s\x00", strings.TrimLeft(e.mode, "0"), e.name)
		data = append(data, oid...)
	}
	return s.write("tree", data)
}

// treeChange replaces what stands at a path; an empty oid removes it.
type treeChange struct {
	path string
	mode string
	oid  string
}

// changeTree applies changes to a tree, or to nothing where base is empty, and
// returns the id of the result. A directory that has become empty is gone, as
// Git has it.
func (s *objectStore) changeTree(base string, changes []treeChange) (string, error) {
	var entries []treeEntry
	if base != "" {
		var err error
		if entries, err = s.tree(base); err != nil {
			return "", err
		}
	}
	below := map[string][]treeChange{}
	var directories []string
	for _, change := range changes {
		name, rest, nested := strings.Cut(change.path, "/")
		if err := checkPathPart(change.path, name); err != nil {
			return "", err
		}
		if nested {
			if below[name] == nil {
				directories = append(directories, name)
			}
			below[name] = append(below[name], treeChange{path: rest, mode: change.mode, oid: change.oid})
			continue
		}
		entries = without(entries, name)
		if change.oid != "" {
			entries = append(entries, treeEntry{mode: change.mode, name: name, oid: change.oid})
		}
	}
	for _, name := range directories {
		var err error
		if entries, err = s.changeDirectory(entries, name, below[name]); err != nil {
			return "", err
		}
	}
	return s.writeTree(entries)
}

// changeDirectory applies changes to one of a tree's directories.
func (s *objectStore) changeDirectory(entries []treeEntry, name string, changes []treeChange) ([]treeEntry, error) {
	base := ""
	for _, e := range entries {
		if e.name == name && e.kind() == "tree" {
			base = e.oid
		}
	}
	oid, err := s.changeTree(base, changes)
	if err != nil {
		return nil, err
	}
	entries = without(entries, name)
	if oid != emptyTree {
		entries = append(entries, treeEntry{mode: "040000", name: name, oid: oid})
	}
	return entries, nil
}

// emptyTree is the id of the tree with nothing in it.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

func without(entries []treeEntry, name string) []treeEntry {
	return slices.DeleteFunc(entries, func(e treeEntry) bool { return e.name == name })
}

// checkPathPart refuses the paths that Git refuses.
func checkPathPart(path, part string) error {
	if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") || strings.Contains(part, "\x00") {
		return fmt.Errorf("tree.path contains a malformed path component: %s", strconv.Quote(path))
	}
	return nil
}

// find returns the entry at a path below a tree. The second result is false
// where there is none.
func (s *objectStore) find(tree, path string) (treeEntry, bool, error) {
	entry := treeEntry{mode: "040000", oid: tree}
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if part == "" {
			continue
		}
		if entry.kind() != "tree" {
			return treeEntry{}, false, nil
		}
		entries, err := s.tree(entry.oid)
		if err != nil {
			return treeEntry{}, false, err
		}
		at := slices.IndexFunc(entries, func(e treeEntry) bool { return e.name == part })
		if at < 0 {
			return treeEntry{}, false, nil
		}
		entry = entries[at]
	}
	return entry, true, nil
}
