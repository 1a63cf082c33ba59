package planfile

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// entryPoints are paths below the repository's root.
type entryPoints []clusterText

// entryPoints are the entry points by cluster, as clean paths.
func (b *binder) entryPoints(all entryPoints, stages []stageSection) map[string]string {
	return b.byCluster("entries", all, stages, func(entry clusterText) string {
		b.checkPath(entry.Value, fmt.Sprintf("the entry point of %s,", quote(entry.Cluster.value)))
		return path.Clean(entry.Value.value)
	})
}

// oneOfThese is a hint that names the word that was meant, or else all.
func oneOfThese(word string, words []string) string {
	if guess := nearest(word, words); guess != "" {
		return fmt.Sprintf("did you mean %s?", quoteControls(guess))
	}
	return "write one of " + listed(words)
}

// listed names the first words, which may be anything.
func listed(words []string) string {
	const shown = 50
	var all []string
	for _, word := range words[:min(len(words), shown)] {
		all = append(all, quoteControls(word))
	}
	if more := len(words) - shown; more > 0 {
		all = append(all, fmt.Sprintf("or %d more", more))
	}
	return strings.Join(all, ", ")
}

// checkPath refuses what is not a path below the repository's root, written with
// slashes. A ./ before it and a / behind it are as people write directories.
func (b *binder) checkPath(at text, noun string) {
	const hint = "write a path below the repository's root, such as clusters/edge/flux, with slashes and without .."
	if !at.present() {
		return
	}
	plain := strings.TrimSuffix(strings.TrimPrefix(at.value, "./"), "/")
	switch {
	case strings.TrimSpace(at.value) == "":
		b.fail(at, hint, "%s is empty", strings.TrimSuffix(noun, ","))
	case len(at.value) > maxPath:
		b.fail(at, hint, "%s %s is longer than %d bytes", noun, quote(at.value), maxPath)
	case strings.ContainsFunc(strings.ReplaceAll(at.value, " ", ""), invisible):
		b.fail(at, hint, "%s %s has a character that nobody can see", noun, quote(at.value))
	case at.value != "." && at.value != "./" && (!fs.ValidPath(plain) || plain == "." || strings.Contains(plain, `\`)):
		b.fail(at, hint, "%s %s is no local path", noun, quote(at.value))
	}
}
