package sarif

import (
	"fmt"
	"strings"
	"testing"
)

// A recorder is a test that notes what it is told.
type recorder struct {
	*testing.T
	errors []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func TestValidate(t *testing.T) {
	const log = `{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [` +
		`{"message": {"text": "m"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.yaml"}, "region": {"startLine": 1}}}]}]}]}`
	for name, test := range map[string]struct {
		old, new string
		errors   int
	}{
		"a good log":      {"", "", 0},
		"another version": {`"2.1.0"`, `"2.0.0"`, 1},
		"no driver":       {`"driver"`, `"drover"`, 1},
		"line 0":          {`"startLine": 1`, `"startLine": 0`, 1},
		"no URI":          {`"a.yaml"`, `"a b%zz.yaml"`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{T: t}
			Validate(r, []byte(strings.Replace(log, test.old, test.new, 1)))
			if len(r.errors) != test.errors {
				t.Errorf("%d errors, want %d: %v", len(r.errors), test.errors, r.errors)
			}
		})
	}
}
