package rollout_test

import "testing"

// What a force-push took away is unblocked by what brings it back, and by
// nothing that was pushed in between.
func TestUnblocksContainsWhatItUnblocks(t *testing.T) {
	s := tell(t, `
		0  push A
		0  release A
		1  push P
		2  push S<A
		3  push M<S,P
		0  say R This reverts commit @P.
		4  push R
		5  look`)
	for _, v := range decide(s).Verdicts {
		if name(v.Revision.SHA) == "P" && name(v.Unblocks) != "R" {
			t.Errorf("P is unblocked by %s, want R", name(v.Unblocks))
		}
	}
}
