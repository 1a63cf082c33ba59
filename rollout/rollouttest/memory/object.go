package memory

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// name is what Git calls an object.
func name(kind string, content []byte) rollout.SHA {
	sum := sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", kind, len(content)), content...))
	return rollout.SHA(hex.EncodeToString(sum[:]))
}

// encodeTree writes a flat tree of ordinary files.
func encodeTree(files map[string][]byte) []byte {
	var b bytes.Buffer
	for _, file := range slices.Sorted(maps.Keys(files)) {
		blob, err := hex.DecodeString(string(name("blob", files[file])))
		if err != nil {
			panic(err) // name has just encoded it
		}
		fmt.Fprintf(&b, "100644 %s\x00", file)
		b.Write(blob)
	}
	return b.Bytes()
}

// unsigned keeps what delimits an identity out of a name.
var unsigned = strings.NewReplacer("<", "", ">", "", "\n", " ", "\x00", "")

// encodeCommit writes a commit. Its committer is its author.
func encodeCommit(c rollout.Commit) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", c.Tree)
	for _, parent := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", parent)
	}
	author := unsigned.Replace(cmp.Or(c.Author, "nobody"))
	fmt.Fprintf(&b, "author %s <%s@example.com> %d +0000\n", author, strings.ReplaceAll(author, " ", "."), c.Authored.Unix())
	fmt.Fprintf(&b, "committer %s <%s@example.com> %d +0000\n\n%s", author, strings.ReplaceAll(author, " ", "."), c.Committed.Unix(), c.Message)
	return b.Bytes()
}

// decodeCommit reads a commit as Git stores it. Headers that it does not know
// are passed over, signatures above all.
func decodeCommit(content []byte) (rollout.Commit, error) {
	c := rollout.Commit{SHA: name("commit", content)}
	header, message, ok := strings.Cut(string(content), "\n\n")
	if !ok {
		return c, fmt.Errorf("commit %s has no message", c.SHA)
	}
	c.Message = message
	var err error
	for line := range strings.Lines(header) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "tree":
			c.Tree, err = rollout.ParseSHA(value)
		case "parent":
			var parent rollout.SHA
			parent, err = rollout.ParseSHA(value)
			c.Parents = append(c.Parents, parent)
		case "author":
			c.Author, c.Authored, err = decodeIdentity(value)
		case "committer":
			_, c.Committed, err = decodeIdentity(value)
		}
		if err != nil {
			return c, fmt.Errorf("commit %s: %w", c.SHA, err)
		}
	}
	return c, nil
}

// decodeIdentity reads `Name <address> seconds zone`.
func decodeIdentity(value string) (string, time.Time, error) {
	who, _, _ := strings.Cut(value, " <")
	when := strings.Fields(value[strings.LastIndex(value, ">")+1:])
	if len(when) != 2 {
		return who, time.Time{}, fmt.Errorf("%q says nothing of when", value)
	}
	seconds, err := strconv.ParseInt(when[0], 10, 64)
	return who, time.Unix(seconds, 0).UTC(), err
}
