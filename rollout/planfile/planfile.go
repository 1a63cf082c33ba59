package planfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
)

// maxSize is how large a plan may be, in bytes. A plan of a hundred clusters
// has some four thousand.
const maxSize = 1 << 20

// Options is what a plan cannot know of the place where it is read.
type Options struct {
	// GitHubHosts are hosts, besides github.com and *.ghe.com, that are GitHub:
	// what GH_HOST and gh's configuration name. Default is none.
	GitHubHosts []string
	// Now is what windows are measured by: those of allow may not all be over,
	// and have to open within five years. Default is not to look at windows
	// with a from or an until.
	Now time.Time
}

// A File is a plan and where in the file it says what.
type File struct {
	// Plan is what the file says.
	Plan rollout.Plan

	path         string
	clusterLines map[string]int
}

// Path returns the name that the plan was read under.
func (f *File) Path() string { return f.path }

// ClusterLine returns the line on which the plan puts the cluster into a stage,
// counted from 1, and 0 for a cluster that the plan does not have.
func (f *File) ClusterLine(cluster string) int { return f.clusterLines[cluster] }

// Load reads the plan at the path. Its error is an [Errors]; that of a file
// which is not there is also fs.ErrNotExist.
func Load(path string, options Options) (*File, error) {
	data, err := read(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return Parse(path, data, options)
}

// read stops one byte after the limit: Parse refuses what is larger, and a file
// without an end is not read to its end.
func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(file, maxSize+1))
}

func unreadable(path string, err error) Errors {
	problem := &Error{
		File:    path,
		Message: fmt.Sprintf("the plan cannot be read: %v", rootCause(err)),
		Hint:    "name a file that this user may read",
		cause:   err,
	}
	if errors.Is(err, fs.ErrNotExist) {
		problem.Message = "there is no plan here"
		problem.Hint = "run it from the repository's root, where clusters/ is"
	}
	return Errors{problem}
}

// rootCause leaves out the path, which the error's place already says.
func rootCause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// Parse reads a plan from memory. The name stands in errors, and a relative
// repository path is resolved against the directory above the name's own: for
// clusters/rollout.yaml that is the repository's root. The error is an
// [Errors].
func Parse(name string, data []byte, options Options) (*File, error) {
	b := &binder{file: name}
	file := b.parse(data, options)
	if len(b.errs) > 0 {
		b.errs.sort()
		return nil, b.errs
	}
	return file, nil
}

func (b *binder) parse(data []byte, options Options) *File {
	root := b.nodes(data)
	if root == nil {
		return nil
	}
	var doc document
	b.document(root, &doc)
	return b.check(doc, options)
}

// nodes returns the root of the only document, or nil after an error.
func (b *binder) nodes(data []byte) *yaml.Node {
	if !b.plainText(data) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		b.failAt(1, 1, emptyHint, "the plan is empty")
		return nil
	} else if err != nil {
		b.syntax(err)
		return nil
	}
	if err := decoder.Decode(&second); err == nil {
		b.failAt(second.Line, second.Column, "keep one plan in the file, and remove the others with their ---", "a second YAML document begins here")
		return nil
	} else if !errors.Is(err, io.EOF) {
		b.syntax(err)
		return nil
	}
	if b.refuseIndirection(&first); len(b.errs) > 0 {
		return nil
	}
	return first.Content[0]
}

// plainText refuses bytes that a YAML parser would answer badly, or not at all.
func (b *binder) plainText(data []byte) bool {
	if len(data) > maxSize {
		b.fail(text{}, "a plan is a page or two; is this the right file?", "the plan is larger than %d bytes", maxSize)
		return false
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		indentation := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
		if tab := bytes.IndexByte(indentation, '\t'); tab >= 0 {
			b.failAt(i+1, tab+1, "indent with spaces, two for each level", "a tab in the indentation, which YAML does not allow")
		}
		if invalid := runesBefore(line, isInvalid); invalid >= 0 {
			b.failAt(i+1, invalid+1, "save the file as UTF-8", "not UTF-8")
		} else if control := runesBefore(line, isControl); control >= 0 {
			b.failAt(i+1, control+1, "remove it; an editor may not show it", "a control character")
		}
	}
	return len(b.errs) == 0
}

// isInvalid holds for a byte that is not UTF-8. Size tells it from the
// character that stands for one.
func isInvalid(r rune, size int) bool { return r == utf8.RuneError && size == 1 }

// isControl leaves the carriage return of a line end to the YAML parser, and
// tabs behind the indentation, too.
func isControl(r rune, _ int) bool { return unicode.IsControl(r) && r != '\r' && r != '\t' }

// runesBefore returns how many runes stand before the first that fits, and -1
// if none does.
func runesBefore(line []byte, fits func(r rune, size int) bool) int {
	for count := 0; len(line) > 0; count++ {
		r, size := utf8.DecodeRune(line)
		if fits(r, size) {
			return count
		}
		line = line[size:]
	}
	return -1
}

// yamlLine is how the YAML library names a line, and all that it says of a
// place: its syntax errors are no type. It is the line where the parser gave
// up, often the one after the mistake.
var yamlLine = regexp.MustCompile(`^line ([0-9]+): `)

func (b *binder) syntax(err error) {
	message, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if match := yamlLine.FindStringSubmatch(message); match != nil {
		line, _ = strconv.Atoi(match[1])
		message = message[len(match[0]):]
	}
	const hint = "look at this line and the one before it: indentation, a missing colon, an open quote or bracket"
	b.failAt(line, 0, hint, "not valid YAML: %s", quoteControls(message))
}

// quoteControls keeps the library's wording readable, but lets no control
// character of the file through.
func quoteControls(message string) string {
	quoted := quote(message)
	return quoted[1 : len(quoted)-1]
}

// repositoryRoot returns the directory above the plan's own, absolute, so that
// what is resolved against it means the same wherever it is used.
func repositoryRoot(name string) (string, error) {
	return filepath.Abs(filepath.Dir(filepath.Dir(filepath.Clean(name))))
}
