package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// WriteTree draws what every cluster applies as a tree: a line for each
// directory that is applied, with what it follows, and how many objects it
// brings; and below it what is not known, and what is broken.
func WriteTree(w io.Writer, r rollout.Rendering) error {
	var b strings.Builder
	for i, c := range r.Clusters {
		if i > 0 {
			b.WriteString("\n")
		}
		writeTree(&b, c)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteRenderingJSON writes the same for programs.
func WriteRenderingJSON(w io.Writer, r rollout.Rendering) error { return write(w, r) }

func writeTree(b *strings.Builder, c rollout.RenderedCluster) {
	head := oneLine(c.Cluster) + " (stage " + oneLine(c.Stage)
	if c.Branch != "" {
		head += ", follows " + oneLine(c.Branch)
	}
	total := 0
	for _, a := range c.Applications {
		total += a.Count
	}
	fmt.Fprintf(b, "%s): %s in %s\n", head, Count(total, "object"), countDirectories(len(c.Applications)))
	drawNode(b, c.Applications, nil, "")
}

func countDirectories(n int) string {
	if n == 1 {
		return "1 directory"
	}
	return fmt.Sprintf("%d directories", n)
}

// drawNode draws the applications whose chain goes on from one, in the order in
// which they were reached.
func drawNode(b *strings.Builder, all []rollout.Application, from []string, indent string) {
	var children []rollout.Application
	for _, a := range all {
		if len(a.Chain) == len(from)+1 && slices.Equal(a.Chain[:len(from)], from) {
			children = append(children, a)
		}
	}
	for i, a := range children {
		branch, below := "├─ ", "│  "
		if i == len(children)-1 {
			branch, below = "└─ ", "   "
		}
		fmt.Fprintf(b, "%s%s%s\n", indent, branch, applicationLine(a))
		for _, broken := range a.Broken {
			fmt.Fprintf(b, "%s%s✗ %s\n", indent, below, oneLine(broken))
		}
		for _, unknown := range a.Unknown {
			fmt.Fprintf(b, "%s%s? not known: %s\n", indent, below, oneLine(unknown))
		}
		// Several Flux Kustomizations can have one name, in other namespaces.
		if slices.IndexFunc(children, func(other rollout.Application) bool { return slices.Equal(other.Chain, a.Chain) }) == i {
			drawNode(b, all, a.Chain, indent+below)
		}
	}
}

func applicationLine(a rollout.Application) string {
	name := "entry point"
	if a.Name != "" {
		name = a.Name
	}
	parts := []string{name, a.Path}
	if a.Branch != "" {
		parts = append(parts, "@"+a.Branch)
	} else if a.Source != "" {
		parts = append(parts, "of "+a.Source)
	}
	if a.Count > 0 || len(a.Unknown) == 0 {
		parts = append(parts, Count(a.Count, "object"))
	}
	return oneLine(strings.Join(parts, "  "))
}

// The bounds of a diff that people read: GitHub takes a megabyte of a job's
// summary, and nobody reads that much.
const (
	linesOfObject = 200
	linesOfDiff   = 4000
	bytesOfDiff   = 250_000
	// objectsOfDiff are named.
	objectsOfDiff = 2000
)

// Diff says what clusters would get new, object by object. Where that is more than
// anybody reads, the rest is named and not shown.
func Diff(from, to string, diffs []rollout.ClusterDiff) Document {
	var d Document
	left, bytes, objects := linesOfDiff, bytesOfDiff, objectsOfDiff
	for _, c := range diffs {
		d.Heading("%s (stage %s): %s", c.Cluster, c.Stage, tallyDiff(c))
		if len(c.Changes) == 0 && len(c.Broken) == 0 {
			d.Line("nothing that %s renders differs between %s and %s", c.Cluster, oneLine(from), oneLine(to))
		}
		named := c.Changes[:min(objects, len(c.Changes))]
		for _, change := range named {
			d.Line("%s %s, by %s", change.Kind, oneLine(change.Object.String()), oneLine(strings.Join(change.Chain, " › ")))
			shown := firstLines(change.Diff, linesWithin(change.Diff, bytes, min(linesOfObject, left)))
			d.Code("diff", shown)
			left -= strings.Count(shown, "\n")
			bytes -= len(shown)
		}
		if objects -= len(named); len(named) < len(c.Changes) {
			d.Line("… and %s more; -json has them all", Count(len(c.Changes)-len(named), "object"))
		}
		notSeen(&d, c.Broken, c.Unknown)
	}
	return d
}

// notSeen says what is missing from what is shown.
func notSeen(d *Document, broken, unknown []string) {
	for _, why := range broken {
		d.Line("not rendered: %s", oneLine(why))
	}
	for _, what := range unknown {
		d.Line("not known: %s", oneLine(what))
	}
}

// linesWithin is how many lines of a text, at most so many, fit into some bytes.
func linesWithin(text string, bytes, most int) int {
	lines := 0
	for line := range strings.Lines(text) {
		if bytes -= len(line); bytes < 0 || lines >= most {
			break
		}
		lines++
	}
	return lines
}

// firstLines are the first of some lines, and how many more there are.
func firstLines(text string, most int) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) <= most {
		return text
	}
	return strings.Join(lines[:max(0, most)], "") + fmt.Sprintf("… and %d more lines; -json has them all\n", len(lines)-max(0, most))
}

// WriteDiffJSON writes the same for programs.
func WriteDiffJSON(w io.Writer, diffs []rollout.ClusterDiff) error {
	if diffs == nil {
		diffs = []rollout.ClusterDiff{}
	}
	for i := range diffs {
		if diffs[i].Changes == nil {
			diffs[i].Changes = []rollout.ObjectChange{}
		}
	}
	return write(w, diffs)
}

func tallyDiff(c rollout.ClusterDiff) string {
	tally := tallyChanges(c.Changes)
	switch {
	case len(c.Broken) == 0:
		return tally
	case len(c.Changes) == 0:
		return "not rendered"
	}
	return tally + ", and not all of it rendered"
}

func tallyChanges(changes []rollout.ObjectChange) string {
	counts := map[rollout.ObjectChangeKind]int{}
	for _, c := range changes {
		counts[c.Kind]++
	}
	var parts []string
	for _, kind := range []rollout.ObjectChangeKind{rollout.ObjectAdded, rollout.ObjectChanged, rollout.ObjectRemoved} {
		if n := counts[kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	if len(parts) == 0 {
		return "no change"
	}
	return strings.Join(parts, ", ")
}

// Exposure says which changes the clusters of each stage get that no cluster
// before them has met.
func Exposure(e rollout.Exposure) Document {
	var d Document
	for _, s := range e.Stages {
		d.Heading("%s: %d%% of the files and %d%% of the objects that change were exercised", s.Stage, s.FilesExercised(), s.ObjectsExercised())
		switch unexercised := len(s.Unexercised()); {
		case len(s.Files) == 0 && len(s.Objects) == 0:
			d.Line("nothing that the clusters of %s render changes between %s and %s", s.Stage, e.From.Short(), e.To.Short())
		case unexercised > 0:
			d.Line("%s that %s renders, no cluster of a stage before it does: a soak says nothing about %s",
				Count(unexercised, "changed file"), s.Stage, pronoun(unexercised))
		}
		d.Table([]string{"FILE", strings.ToUpper(s.Stage), "EXERCISED BY"}, limited(fileRows(s.Files)))
		d.Table([]string{"OBJECT", "CHANGE", strings.ToUpper(s.Stage), "EXERCISED BY"}, limited(objectRows(s.Objects)))
		notSeen(&d, s.Broken, s.Unknown)
		for _, idle := range s.Idle {
			d.Line("meets nothing: %s", oneLine(idle))
		}
	}
	if len(e.Unused) > 0 {
		d.Heading("%s that no cluster renders", Count(len(e.Unused), "changed file"))
		d.Line("%s", oneLine(strings.Join(shortened(e.Unused), ", ")))
	}
	return d
}

// WriteExposureJSON writes the same for programs.
func WriteExposureJSON(w io.Writer, e rollout.Exposure) error { return write(w, e) }

func pronoun(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

const nobody = "nobody"

// fileRows put first what nobody met.
func fileRows(files []rollout.ExposedFile) [][]string {
	var met, unmet [][]string
	for _, f := range files {
		if len(f.Exercised) == 0 {
			unmet = append(unmet, []string{f.Name, strings.Join(f.Clusters, ", "), nobody})
		} else {
			met = append(met, []string{f.Name, strings.Join(f.Clusters, ", "), strings.Join(f.Exercised, ", ")})
		}
	}
	return append(unmet, met...)
}

func objectRows(objects []rollout.ExposedObject) [][]string {
	var met, unmet [][]string
	for _, o := range objects {
		row := []string{o.Object.String(), string(o.Kind), strings.Join(o.Clusters, ", "), nobody}
		if len(o.Exercised) == 0 {
			unmet = append(unmet, row)
		} else {
			row[3] = strings.Join(o.Exercised, ", ")
			met = append(met, row)
		}
	}
	return append(unmet, met...)
}

// unusedShown is how many names of unused files are shown.
const unusedShown = 10

func shortened(names []string) []string {
	if len(names) <= unusedShown {
		return names
	}
	return append(slices.Clone(names[:unusedShown]), fmt.Sprintf("and %d more", len(names)-unusedShown))
}

// rowsOfExposure is how many rows of a table are shown.
const rowsOfExposure = 50

func limited(rows [][]string) [][]string {
	if len(rows) <= rowsOfExposure {
		return rows
	}
	more := slices.Clone(rows[0])
	clear(more)
	more[0] = fmt.Sprintf("… and %d more", len(rows)-rowsOfExposure)
	return append(slices.Clone(rows[:rowsOfExposure]), more)
}
