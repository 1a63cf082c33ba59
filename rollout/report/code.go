package report

import (
	"fmt"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// Code adds lines that are shown as they are: a diff, a manifest. The language
// is what Markdown calls it.
func (d *Document) Code(language, text string) {
	if text != "" {
		d.blocks = append(d.blocks, code{language, strings.TrimSuffix(text, "\n")})
	}
}

type code struct{ language, content string }

func (c code) text(w *strings.Builder, _ Page) {
	for line := range strings.SplitSeq(c.content, "\n") {
		fmt.Fprintf(w, "    %s\n", rollout.Printable(line, longestLine))
	}
}

// markdown fences the lines with more backticks than any of them has, so that
// none of them can end the block.
func (c code) markdown(w *strings.Builder) {
	fence := "```"
	for strings.Contains(c.content, fence) {
		fence += "`"
	}
	fmt.Fprintf(w, "%s%s\n", fence, c.language)
	for line := range strings.SplitSeq(c.content, "\n") {
		fmt.Fprintf(w, "%s\n", rollout.Printable(line, longestLine))
	}
	fmt.Fprintf(w, "%s\n\n", fence)
}
