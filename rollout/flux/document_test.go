package flux

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckBounds(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		want    error
	}{
		"plain":             {"a: b\n", nil},
		"anchor":            {"a: &a {b: c}\nd: *a\n", nil},
		"ampersand in text": {"a: '&'\nb: '*'\n", nil},
		"syntax error":      {"a: &a [*a\n", nil},
		"self":              {"a: &a [*a]\n", errSelfAlias},
		"self, deeper":      {"a: &a\n  b:\n    - c: *a\n", errSelfAlias},
		"merge":             {"a: &a\n  <<: *a\n", errSelfAlias},
		"second document":   {"a: b\n---\na: &a [*a]\n", errSelfAlias},
		"laughs":            {"a: &a [" + strings.Repeat("x,", 1000) + "]\nb: &b [" + strings.Repeat("*a,", 1000) + "]\nc: [" + strings.Repeat("*b,", 10) + "]\n", errTooLarge},
		"flow":              {strings.Repeat("[", 600) + strings.Repeat("]", 600), errTooDeep},
		"sequences":         {strings.Repeat("- ", 600) + "a\n", errTooDeep},
		"dashboard":         {"a: |\n  " + strings.Repeat("{[", 600) + "\n", nil},
	} {
		if err := checkBounds([]byte(test.content)); !errors.Is(err, test.want) {
			t.Errorf("%s: error = %v, want %v", name, err, test.want)
		}
	}
}

// FuzzDocuments: whatever is in bounds can be searched.
func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{
		"a: b\n---\n- a\n", "kind: List\nitems: [{a: b}]\n", "a: &a {b: c}\nd: *a\n", "? [a]\n: b\n", "a: &a [*a]\n", "\ufeffa:\r\n  - b\r\n",
		"- op: replace\n  path: /spec/ref\n  value: {branch: main}\n", "spec:\n  $patch: delete\n  ref: null\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, content []byte) {
		if checkBounds(content) != nil {
			return
		}
		nodes, _ := documents(content)
		for _, node := range nodes {
			defectOf(node)
			lineOf(node, fieldSpec, "ref", fieldBranch)
			patch{node: node}.sets(refKeys(fieldBranch), node)
			patch{node: node}.sets(refKeys(fieldBranch), nil)
		}
	})
}
