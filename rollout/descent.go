package rollout

import "container/heap"

// A descent goes down a history on two sides together, children before parents:
// on that of what was had, and on that of what is new to it.
type descent struct {
	// waiting are the places to go to, had tells of each on which side it is, and
	// new counts those that wait and are new.
	waiting places
	had     map[int]bool
	new     int
}

// to has a descent go to some commits, as far as they have a place. What one side
// has is not new.
func (d *descent) to(commits []SHA, had bool, at map[SHA]int) {
	for _, sha := range commits {
		place, ok := at[sha]
		if !ok {
			continue
		}
		before, known := d.had[place]
		switch {
		case !known:
			heap.Push(&d.waiting, place)
			if !had {
				d.new++
			}
		case had && !before:
			d.new--
		}
		d.had[place] = had || before
	}
}

// next takes the first of the places that wait. All its children were taken
// before, so nothing more is learned of it.
func (d *descent) next() (place int, had bool) {
	place, _ = heap.Pop(&d.waiting).(int)
	if !d.had[place] {
		d.new--
	}
	return place, d.had[place]
}

// places are a heap.
type places []int

func (p places) Len() int           { return len(p) }
func (p places) Less(i, j int) bool { return p[i] < p[j] }
func (p places) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }

// Push implements [heap.Interface].
func (p *places) Push(x any) {
	place, _ := x.(int)
	*p = append(*p, place)
}

// Pop implements [heap.Interface].
func (p *places) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}
