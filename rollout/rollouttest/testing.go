package rollouttest

// TB is the part of testing.TB that [New] needs; a *testing.T is one.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
	TempDir() string
}

// New starts a GitHub for a test and closes it at the test's end. The test
// fails if the GitHub was asked anything that it does not know.
func New(t TB, opts Options) *GitHub {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	g, err := Start(opts)
	if err != nil {
		t.Fatalf("start a GitHub: %v", err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Errorf("close the GitHub: %v", err)
		}
		for _, request := range g.Unexpected() {
			t.Errorf("the GitHub was asked something that it does not know: %s", request)
		}
	})
	return g
}
