package gitrepo

import (
	"bytes"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/monosense/k8s-ops/rollout"
)

// A counter counts the objects of a pack as they come. It implements
// [packfile.Observer].
type counter struct {
	progress *rollout.Progress
	// phase is nil until the pack says how many come.
	phase *rollout.Phase
}

// OnHeader learns how many come.
func (c *counter) OnHeader(count uint32) error {
	c.phase = c.progress.Begin(rollout.Effort{What: "receiving", Parts: "objects", Total: int(count)})
	return nil
}

// OnInflatedObjectHeader counts one.
func (c *counter) OnInflatedObjectHeader(plumbing.ObjectType, int64, int64) error {
	c.phase.Add(1)
	return nil
}

// OnInflatedObjectContent takes no notice of what is in it.
func (c *counter) OnInflatedObjectContent(plumbing.Hash, int64, uint32, []byte) error { return nil }

// OnFooter takes no notice of the end.
func (c *counter) OnFooter(plumbing.Hash) error { return nil }

// A commitPrint is what git prints of commits, which are counted as they come.
type commitPrint struct {
	text  bytes.Buffer
	phase *rollout.Phase
	// ends are those of fields that were seen.
	ends int
}

// Write implements [io.Writer].
func (p *commitPrint) Write(text []byte) (int, error) {
	before := p.ends / commitFields
	p.ends += bytes.Count(text, []byte{0})
	p.phase.Add(p.ends/commitFields - before)
	return p.text.Write(text)
}
