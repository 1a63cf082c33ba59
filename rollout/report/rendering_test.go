package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

// A diff of thousands of objects stays one that GitHub takes and people can read,
// and says what it does not show.
func TestLongDiff(t *testing.T) {
	var c rollout.ClusterDiff
	for i := range 5000 {
		var diff strings.Builder
		for j := range 400 {
			fmt.Fprintf(&diff, "+line %d of %d\n", j, i)
		}
		c.Changes = append(c.Changes, rollout.ObjectChange{
			Object: rollout.RenderedObject{Kind: "ConfigMap", Name: fmt.Sprint("a-", i)}, Kind: rollout.ObjectAdded, Chain: []string{"apps"}, Diff: diff.String(),
		})
	}
	var text, markdown strings.Builder
	d := Diff("a", "b", []rollout.ClusterDiff{c})
	if err := d.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteMarkdown(&markdown); err != nil {
		t.Fatal(err)
	}
	if markdown.Len() > 1<<20 {
		t.Errorf("the summary has %d bytes", markdown.Len())
	}
	for _, want := range []string{"5000 added", "ConfigMap a-1999", "… and 3000 objects more; -json has them all", "… and 200 more lines; -json has them all", "… and 400 more lines"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the diff does not say %q", want)
		}
	}
}

// Lines that are long count for what they are.
func TestDiffOfLongLines(t *testing.T) {
	var c rollout.ClusterDiff
	for i := range 100 {
		c.Changes = append(c.Changes, rollout.ObjectChange{
			Object: rollout.RenderedObject{Kind: "ConfigMap", Name: fmt.Sprint("a-", i)}, Kind: rollout.ObjectAdded, Chain: []string{"apps"},
			Diff: strings.Repeat("+"+strings.Repeat("x", 1500)+"\n", 100),
		})
	}
	var markdown strings.Builder
	if err := Diff("a", "b", []rollout.ClusterDiff{c}).WriteMarkdown(&markdown); err != nil {
		t.Fatal(err)
	}
	if markdown.Len() > 1<<19 || !strings.Contains(markdown.String(), "ConfigMap a\\-99") && !strings.Contains(markdown.String(), "a-99") {
		t.Errorf("the summary has %d bytes, want half a megabyte at most, with the names of all", markdown.Len())
	}
}
