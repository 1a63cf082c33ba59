package suite

import (
	"github.com/monosense/k8s-ops/e2e/internal/process"
)

// CompileAlone runs what compiles the targets of this checkout. Suites run side by
// side, and mage writes a file into the checkout while it compiles, under a name that
// is always the same.
func CompileAlone(compile func() error) (err error) {
	release, err := process.Alone("compile")
	if err != nil {
		return err
	}
	err = compile()
	if unlocked := release(); err == nil {
		err = unlocked
	}
	return err
}
