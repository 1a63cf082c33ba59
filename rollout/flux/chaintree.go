package flux

// A chainTree is a set of chains, as a tree of the names in them: a cluster can have
// thousands of chains, and of applications to hold against them.
type chainTree struct {
	// last says that a chain ends here.
	last bool
	next map[string]*chainTree
}

func (c *chainTree) add(chain []string) {
	for _, name := range chain {
		if c.next == nil {
			c.next = map[string]*chainTree{}
		}
		if c.next[name] == nil {
			c.next[name] = &chainTree{}
		}
		c = c.next[name]
	}
	c.last = true
}

// leadTo tells whether a chain is one of these, or leads on from it. None lead
// anywhere.
func (c *chainTree) leadTo(chain []string) bool {
	for _, name := range chain {
		if c == nil || c.last {
			break
		}
		c = c.next[name]
	}
	return c != nil && c.last
}
