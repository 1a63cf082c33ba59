package flux

import (
	"bytes"
	"path"
	"slices"

	"github.com/fluxcd/pkg/sourceignore"
)

// changes are the files that differ from a tree that was verified before. nil
// says that everything may.
type changes map[string]bool

// newChanges reads them from a list, nil for everything. A change of the plan, or
// of what Flux packs, may change everything.
func newChanges(files []string, planFile string) changes {
	if files == nil {
		return nil
	}
	all := changes{}
	for _, file := range files {
		if file = path.Clean(file); file == planFile || path.Base(file) == sourceignore.IgnoreFile {
			return nil
		}
		all[file] = true
	}
	return all
}

// spare tells whether a directory need not be built: nothing in it changed, and
// nothing in it leads anywhere. So it can have no finding that was not there
// before.
func (c changes) spare(s *survey) bool {
	if c == nil || s.helm.file != "" || len(s.plugins) > 0 || len(s.entry.overlay.Only) > 0 {
		return false
	}
	if slices.ContainsFunc(s.order, func(k *kustomization) bool { return c[k.file] || k.hasGenerators() }) {
		return false
	}
	return !slices.ContainsFunc(slices.Concat(s.files, s.contents), func(file string) bool { return c[file] || s.leads(file) }) && !c.within(s)
}

// within tells whether a file changed below a directory whose kustomization Flux
// generates: one that is gone is named nowhere.
func (c changes) within(s *survey) bool {
	if s.entry.generated == nil {
		return false
	}
	for file := range c {
		if s.entry.dir == "." || len(file) > len(s.entry.dir) && file[:len(s.entry.dir)+1] == s.entry.dir+"/" {
			return true
		}
	}
	return false
}

// hasGenerators tells whether a kustomization makes objects of anything but
// manifests.
func (k *kustomization) hasGenerators() bool {
	return len(k.spec.Generators) > 0 || len(k.spec.HelmCharts) > 0 || len(k.spec.HelmChartInflationGenerator) > 0
}

// leading are texts of which a manifest that leads anywhere has one: those of
// Flux's own groups, and the values of the chart that makes a FluxInstance.
var leading = [][]byte{
	[]byte(sourceGroup), []byte(kustomizeGroup), []byte(imageGroup), []byte(operatorGroup), []byte(chartOfInstance), []byte("instance:"),
}

// leads tells whether a manifest can be one that Flux makes sources or directories
// of.
func (s *survey) leads(file string) bool {
	content, err := s.tree.read(file)
	return err != nil || slices.ContainsFunc(leading, func(text []byte) bool { return bytes.Contains(content, text) })
}

// mentions tells whether a text stands in any file of a directory, or in what is
// added to it.
func (d *directory) mentions(name string) bool {
	for _, k := range d.order {
		if bytes.Contains(k.content, []byte(name)) {
			return true
		}
	}
	return slices.ContainsFunc(d.files, func(file string) bool {
		content, err := d.tree.read(file)
		return err != nil || bytes.Contains(content, []byte(name))
	})
}
