package rollout_test

import "testing"

// What the push log and the ledger know, whole or in part, and what a
// force-push makes of it.
func TestArrivals(t *testing.T) {
	cases := []struct {
		name, story, want string
	}{
		{
			"a revision that was taken back and brought back starts anew", `
			0  push A
			0  release A
			1  push B
			2  push A
			9  push B
			30 look`,
			"wait until 33h: B@9h soaking",
		},
		{
			"so does one that comes back under another", `
			0  push A
			0  release A
			1  push B
			2  push C<A
			9  push D<B
			30 look`,
			"wait until 33h: D@9h soaking, B@9h soaking",
		},
		{
			"an amended tip keeps the older revision's arrival", `
			0  push A
			0  release A
			1  push B
			2  push C
			3  push C'<B
			26 look`,
			"promote B(B): C'@3h soaking, B@1h promotable",
		},
		{
			"a tip that was amended twice cannot prove what lay under it in between", `
			0  push A
			0  release A
			1  push B
			2  push C
			3  push C'<B
			4  push C''<B
			26 look`,
			"wait until 28h: C''@4h soaking, B@4h soaking",
		},
		{
			"a tip that was dropped leaves what lay under it", `
			0  push A
			0  release A
			1  push B
			2  push C
			3  push B
			26 look`,
			"promote B(B): B@1h promotable",
		},
		{
			"what two force-pushes in a row leave in place soaks on", `
			0  push A
			0  release A
			1  push B
			2  push C
			3  push D
			4  push C
			5  push B
			26 look`,
			"promote B(B): B@1h promotable",
		},
		{
			"what was taken away and brought back proves what it contains", `
			0  push A
			0  release A
			1  push B
			2  push C
			3  push D<B
			4  push C
			5  push E<B
			26 look`,
			"wait until 28h: E@5h soaking, B@4h soaking",
		},
		{
			"a branch that was deleted and made anew starts anew", `
			0  push A
			0  release A
			1  push B
			2  delete
			9  push B
			30 look`,
			"wait until 33h: B@9h soaking",
		},
		{
			"a merge of what was thrown away brings it back with the merge", `
			0  push A
			0  release A
			1  push B
			2  push C<A
			3  push M<C,B
			26 look`,
			"promote C(C): M@3h soaking, B@3h soaking, C@2h promotable",
		},
		{
			"the oldest rows are gone: the first that is there counts", `
			0  push A
			0  release A
			1  lost B
			2  lost C
			5  push D
			29 look`,
			"promote D(D C B): D@5h promotable, C@5h promotable",
		},
		{
			"a row in the middle is gone: the next one tells of it", `
			0  push A
			0  release A
			1  push B
			2  lost C
			5  push D
			26 look`,
			"promote B(B): D@5h soaking, C@5h soaking, B@1h promotable",
		},
		{
			"the newest row is gone: the head is recorded now", `
			0  push A
			0  release A
			1  push B
			2  lost C
			26 look`,
			"promote B(B): C@26h soaking, B@1h promotable; record C@26h",
		},
		{
			"a force-push that the log lost is seen by what was pushed next", `
			0  push A
			0  release A
			1  push B
			2  lost A
			9  push D<B
			26 look`,
			"wait until 33h: D@9h soaking, B@9h soaking",
		},
		{
			"the whole log is gone", `
			0  push A
			0  release A
			1  lost B
			2  lost C
			26 look`,
			"wait until 50h: C@26h soaking; record C@26h",
		},
		{
			"rows of one second keep their order", `
			0  push A
			0  release A
			1  push B
			1  push A
			1  push B
			1  push C
			25 look`,
			"promote C(C B): C@1h promotable, B@1h promotable",
		},
		{
			"a push and its undoing in one second", `
			0  push A
			0  release A
			1  push B
			1  push C
			1  push B
			25 look`,
			"promote B(B): B@1h promotable",
		},
		{
			"the ledger alone", `
			nolog
			0  push A
			0  release A
			1  push B
			2  note B
			3  push C
			4  push D
			5  note D
			26 look`,
			"promote B(B): D@5h soaking, B@2h promotable",
		},
		{
			"the ledger alone has not seen the head yet", `
			nolog
			0  push A
			0  release A
			1  push B
			2  note B
			3  push C
			26 look`,
			"promote B(B): C@26h soaking, B@2h promotable; record C@26h",
		},
		{
			"the ledger saw what was amended since", `
			nolog
			0  push A
			0  release A
			1  push B
			1  note B
			2  push C
			2  note C
			3  push C'<B
			26 look`,
			"promote B(B): C'@26h soaking, B@1h promotable; record C'@26h",
		},
		{
			"a clock that was ahead when the ledger was written holds up one revision", `
			nolog
			0  push A
			0  release A
			1  push B
			900 note B
			2  push C
			2  note C
			27 look`,
			"promote C(C B): C@2h promotable, B@900h soaking",
		},
		{
			"the ledger fills in what the log lost", `
			0  push A
			0  release A
			1  lost B
			2  note B
			3  push C
			26 look`,
			"promote B(B): C@3h soaking, B@2h promotable",
		},
		{
			"the log knows better than a late record", `
			0  push A
			0  release A
			1  push B
			9  note B
			25 look`,
			"promote B(B): B@1h promotable",
		},
		{
			"a record does not outlive a force-push that the log tells of", `
			0  push A
			0  release A
			1  lost B
			2  note B
			3  push A
			9  push B
			30 look`,
			"wait until 33h: B@9h soaking",
		},
		{
			"of one second, the force-push has the last word over the record", `
			0  push A
			0  release A
			1  lost B
			2  note B
			2  push A
			9  lost B
			10 push C
			30 look`,
			"wait until 34h: C@10h soaking, B@10h soaking",
		},
		{
			"a record of what was taken back hides nothing", `
			0  push A
			0  release A
			1  push B
			2  push C
			2.5 note C
			3  push D
			4  push E<B
			26 look`,
			"promote B(B): E@4h soaking, B@1h promotable",
		},
		{
			"a record shows that what it does not contain was gone", `
			0  push A
			0  release A
			1  push B
			2  lost C<A
			2  note C
			3  lost B
			4  push M<B,C
			26.5 look`,
			"wait until 28h: M@4h soaking, C@4h soaking, B@4h soaking",
		},
		{
			"a record of something that the log has not", `
			0  push A
			0  release A
			1  push B
			2  lost C
			3  note C
			27 look`,
			"promote C(C B): C@3h promotable, B@1h promotable",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { decides(t, c.story, c.want) })
	}
}

// The log goes on after the heads were read.
func TestRowsNewerThanTheObservedHead(t *testing.T) {
	cases := []struct {
		name, later, want string
	}{
		{"pushes change nothing", "26 push D\n27 push E", "promote B(B): C@20h soaking, B@1h promotable"},
		{"a force-push that took the head away stops everything", "26 push A", "wait until 50h: C@26h soaking, B@26h soaking; record C@26h"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := tell(t, `
				0  push A
				0  release A
				1  push B
				20 push C
				26 look`)
			after := tell(t, `
				0  push A
				0  release A
				1  push B
				20 push C
				`+c.later+`
				26 look`)
			before.Movements = after.Movements
			if got := describe(decide(before)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
