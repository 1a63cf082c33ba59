package rollouttest

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1" //nolint:gosec // Git names its objects so.
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// zeroOID is how Git writes "no object".
const zeroOID = "0000000000000000000000000000000000000000"

// errNoObject says that a name names no object.
var errNoObject = errors.New("no such object")

// objectStore reads and writes the objects of one bare repository. It reads
// through one long-lived git process and writes loose objects itself, so that
// a test does not start a process for each object.
type objectStore struct {
	git  gitRunner
	path string

	// A draft has a parent to read what it has not, and keeps what is written
	// to it until it is published.
	parent  *objectStore
	drafted []object
	byOID   map[string]int // into drafted

	mu      sync.Mutex
	reader  *exec.Cmd
	stop    context.CancelFunc
	in      io.WriteCloser
	out     *bufio.Reader
	packer  *zlib.Writer
	commits map[string]*commit
}

func newObjectStore(git gitRunner, path string) *objectStore {
	return &objectStore{git: git, path: path, commits: map[string]*commit{}}
}

// object is one Git object.
type object struct {
	oid  string
	kind string // commit, tree, blob, tag
	data []byte
}

// read returns the object that a revision expression names: an id, possibly
// shortened, "refs/heads/main", "main:path/of/a/file".
func (s *objectStore) read(expression string) (object, error) {
	if expression == "" || strings.ContainsAny(expression, "\n\x00") || expression[0] == '-' {
		return object{}, fmt.Errorf("%q: %w", expression, errNoObject)
	}
	if s.parent != nil {
		if at, found := s.byOID[expression]; found {
			return s.drafted[at], nil
		}
		return s.parent.read(expression)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(); err != nil {
		return object{}, err
	}
	if _, err := io.WriteString(s.in, expression+"\n"); err != nil {
		return object{}, fmt.Errorf("ask git for %q: %w", expression, err)
	}
	header, err := s.out.ReadString('\n')
	if err != nil {
		return object{}, fmt.Errorf("ask git for %q: %w", expression, err)
	}
	header = strings.TrimSuffix(header, "\n")
	if strings.HasSuffix(header, " missing") || strings.HasSuffix(header, " ambiguous") {
		return object{}, fmt.Errorf("%q: %w", expression, errNoObject)
	}
	fields := strings.Fields(header)
	if len(fields) != 3 {
		return object{}, fmt.Errorf("ask git for %q: it answered %q", expression, header)
	}
	size, err := strconv.Atoi(fields[2])
	if err != nil {
		return object{}, fmt.Errorf("ask git for %q: it answered %q", expression, header)
	}
	data := make([]byte, size+1) // and a line end
	if _, err := io.ReadFull(s.out, data); err != nil {
		return object{}, fmt.Errorf("read %q: %w", expression, err)
	}
	return object{oid: fields[0], kind: fields[1], data: data[:size]}, nil
}

// start starts the reading process, once. The caller holds s.mu.
func (s *objectStore) start() error {
	if s.reader != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := s.git.command(ctx, s.path, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		cancel()
		return fmt.Errorf("start git: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return fmt.Errorf("start git: %w", err)
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return fmt.Errorf("start git: %w", err)
	}
	s.reader, s.stop, s.in, s.out = cmd, cancel, in, bufio.NewReader(out)
	return nil
}

// close ends the reading process.
func (s *objectStore) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader == nil {
		return
	}
	s.stop()
	_ = s.reader.Wait()
	s.reader = nil
}

// write stores an object, unless it is there, and returns its id.
func (s *objectStore) write(kind string, data []byte) (string, error) {
	raw := append(fmt.Appendf(nil, "%s %d\x00", kind, len(data)), data...)
	sum := sha1.Sum(raw) //nolint:gosec // Git names its objects so.
	oid := hex.EncodeToString(sum[:])
	if s.parent != nil {
		if _, found := s.byOID[oid]; !found {
			s.byOID[oid] = len(s.drafted)
			s.drafted = append(s.drafted, object{oid: oid, kind: kind, data: data})
		}
		return oid, nil
	}
	dir := filepath.Join(s.path, "objects", oid[:2])
	file := filepath.Join(dir, oid[2:])
	if _, err := os.Stat(file); err == nil {
		return oid, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("write a %s: %w", kind, err)
	}
	if err := writeAtomically(file, s.packed(raw)); err != nil {
		return "", fmt.Errorf("write a %s: %w", kind, err)
	}
	return oid, nil
}

// packed compresses something as Git wants it. Making a compressor costs more
// than using it, so there is one.
func (s *objectStore) packed(data []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out bytes.Buffer
	if s.packer == nil {
		s.packer = zlib.NewWriter(&out)
	} else {
		s.packer.Reset(&out)
	}
	_, _ = s.packer.Write(data) // into memory
	_ = s.packer.Close()
	return out.Bytes()
}

// writeAtomically makes a file appear with all its content or not at all.
func writeAtomically(file string, data []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), "tmp_obj_*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(data)
	if err := errors.Join(err, temporary.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return os.Rename(temporary.Name(), file)
}

// commit is a commit, read.
type commit struct {
	oid       string
	tree      string
	parents   []string
	author    signature
	committer signature
	message   string
}

// signature is who did something to a commit, and when by their own clock.
type signature struct {
	name, email string
	when        time.Time
}

// commit returns the commit with an id. What is not a commit is errNoObject.
func (s *objectStore) commit(oid string) (*commit, error) {
	s.mu.Lock()
	known := s.commits[oid]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	o, err := s.read(oid)
	if err != nil {
		return nil, err
	}
	if o.kind != "commit" {
		return nil, fmt.Errorf("%s is a %s: %w", oid, o.kind, errNoObject)
	}
	c := parseCommit(o)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commits[c.oid] = c
	return c, nil
}

// parseCommit reads a commit object. Git has checked its form already.
func parseCommit(o object) *commit {
	c := &commit{oid: o.oid}
	head, message, _ := strings.Cut(string(o.data), "\n\n")
	c.message = strings.TrimSuffix(message, "\n")
	for line := range strings.SplitSeq(head, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "tree":
			c.tree = value
		case "parent":
			c.parents = append(c.parents, value)
		case "author":
			c.author = parseSignature(value)
		case "committer":
			c.committer = parseSignature(value)
		}
	}
	return c
}

// parseSignature reads "Name <email> 1700000000 +0000".
func parseSignature(line string) signature {
	name, rest, _ := strings.Cut(line, " <")
	email, stamp, _ := strings.Cut(rest, "> ")
	seconds, _, _ := strings.Cut(stamp, " ")
	unix, _ := strconv.ParseInt(seconds, 10, 64)
	return signature{name: name, email: email, when: time.Unix(unix, 0).UTC()}
}

// writeCommit stores a commit and returns its id.
func (s *objectStore) writeCommit(c commit) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", c.tree)
	for _, parent := range c.parents {
		fmt.Fprintf(&b, "parent %s\n", parent)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\n%s", c.author, c.committer, c.message)
	if !strings.HasSuffix(c.message, "\n") {
		b.WriteByte('\n')
	}
	return s.write("commit", []byte(b.String()))
}

// String writes a signature as a commit has it, without what would end it
// early.
func (s signature) String() string {
	clean := strings.NewReplacer("<", "", ">", "", "\n", "", "\x00", "")
	return fmt.Sprintf("%s <%s> %d +0000", clean.Replace(s.name), clean.Replace(s.email), s.when.Unix())
}
