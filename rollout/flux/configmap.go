package flux

import "slices"

// A configMapName is what a ConfigMap is asked for by.
type configMapName struct{ namespace, name string }

// A sought ConfigMap is what the first applications have of it, the last word
// first: each of them is asked once, however many want to know.
type sought struct {
	asked int
	found *object
}

// configMap finds a ConfigMap among all that the cluster applies.
func (r *reach) configMap(wanted configMapName) *object {
	s := r.sought[wanted]
	if s.asked == len(r.applications) {
		return s.found
	}
	unasked := r.applications[s.asked:]
	for _, a := range slices.Backward(unasked) {
		if o := a.configMap(a.directory, wanted); o != nil {
			s.found = o
			break
		}
	}
	for i := len(unasked) - 1; i >= 0 && s.found == nil; i-- {
		if a := unasked[i]; a.directory.skipped && a.directory.mentions(wanted.name) {
			s.found = a.configMap(a.directory.unskipped(r.verifier), wanted)
		}
	}
	s.asked = len(r.applications)
	r.sought[wanted] = s
	return s.found
}

// configMap finds a ConfigMap among what is applied here, built as d.
func (a *application) configMap(d *directory, wanted configMapName) *object {
	if m, ok := d.configMaps[wanted]; ok {
		o, _ := a.make(m)
		return o
	}
	for _, m := range d.unnamed {
		if o, ok := a.make(m); ok && o.namespace == wanted.namespace && o.name == wanted.name {
			return o
		}
	}
	return nil
}
