package rollouttest

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // Git checks its packs so.
	"encoding/binary"
	"fmt"
)

// draft is a store on top of this one, for very many objects: they are kept in
// memory and published as one pack, for a file costs more than all else. A
// draft belongs to one goroutine.
func (s *objectStore) draft() *objectStore {
	return &objectStore{git: s.git, path: s.path, parent: s, byOID: map[string]int{}, commits: map[string]*commit{}}
}

// publish writes a draft's objects into the repository.
func (s *objectStore) publish(ctx context.Context) error {
	var pack bytes.Buffer
	pack.WriteString("PACK")
	for _, number := range []int{2, len(s.drafted)} { // the format's version, and how many
		pack.Write(binary.BigEndian.AppendUint32(nil, uint32(number))) //nolint:gosec // Never that many.
	}
	kinds := map[string]byte{"commit": 1, "tree": 2, "blob": 3, "tag": 4}
	for _, o := range s.drafted {
		// Four bits of the size stand beside the kind, seven in each byte that
		// follows; the highest bit says that one follows.
		size := len(o.data)
		head := kinds[o.kind]<<4 | byte(size&15)
		for size >>= 4; size > 0; size >>= 7 {
			pack.WriteByte(head | 0x80)
			head = byte(size & 0x7f)
		}
		pack.WriteByte(head)
		pack.Write(s.packed(o.data))
	}
	sum := sha1.Sum(pack.Bytes()) //nolint:gosec // Git checks its packs so.
	pack.Write(sum[:])
	if _, err := s.git.run(ctx, s.path, pack.Bytes(), "index-pack", "--stdin"); err != nil {
		return fmt.Errorf("write %d objects: %w", len(s.drafted), err)
	}
	return nil
}
