package substitute

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fluxcd/pkg/envsubst"
)

// expressions are those of envsubst's own tests, and what operators write.
var expressions = []string{
	"", "text", "${A}", "a ${A} b ${B}", "${#A}", "${A^}", "${A^^}", "${A,}", "${A,,}", "${A:1}", "${A:1:2}", "${A: -2}", "${A:0:-1}",
	"${A=x}", "${A:=x}", "${A:-x y}", "${N:=x}", "${N:-${A}}", "${N:=a${A}b${B}c}", "${A/b/X}", "${A//b/X}", "${A/#a/X}", "${A/%c/X}", "${A/b/}",
	`${P/\//-}`, `${P//\//-}`, "${P#*/}", "${P##*/}", "${P%.*}", "${P%%.*}", "$${A}", "$A", "$$", "$$$${A}", "$$$${A}${B}", "$${N=${A}}",
	"${A:+x}", "${A:?x}", "${N}", "a\nb: ${A}\n", "${A:=$$x}", `${A:=\}}`, "${N:=\"quoted\"}", "${1}", "${_}",
	"${A", "${", "${}", "${A:", "${A/x", "${A B}", "${-}",
}

func known() *Variables {
	var v Variables
	for name, value := range map[string]string{"A": "abcABC", "B": "two words", "P": "path/to/file.tar.gz"} {
		v.Set(name, value)
	}
	return &v
}

// What is known is expanded as Flux expands it, also where other variables are
// not known.
func TestExpandAsFlux(t *testing.T) {
	open := known()
	open.open = true
	for _, text := range expressions {
		want, wantErr := envsubst.Eval(text, known().lookUp)
		if got, err := known().Expand(text); got != want && wantErr == nil || (err == nil) != (wantErr == nil) {
			t.Errorf("Expand(%q) = %q, %v, want %q, %v", text, got, err, want, wantErr)
		}
		got, err := open.Expand(text)
		if (err == nil) != (wantErr == nil) {
			t.Errorf("Expand(%q) with unknown ones: %v, want %v", text, err, wantErr)
		}
		if err == nil && IsKnown(got) && got != want {
			t.Errorf("Expand(%q) with unknown ones = %q, want %q", text, got, want)
		}
	}
}

func TestUnknown(t *testing.T) {
	v := known()
	v.Obscure()
	v.Set("A", "x")
	for text, want := range map[string]string{
		"${A}": "x", "${B}": "${B}", "${B:=main}": "${B}", "${B:0:0}": "${B}", "${#B}": "${B}", "${B^^}": "${B}", "${B%%*}": "${B}",
		"pre-${B}-${A}-${C}": "pre-${B}-x-${C}", "$${B}": "${B}", "${A:=${B}}": "x", "${A/x/${B}}": "${B}", "${A/${B}/y}": "${B}",
		"${A#${B}}": "${B}", "${A:${B}}": "${B}", "${A:0:${B}}": "${B}",
	} {
		got, err := v.Expand(text)
		if err != nil || Readable(got) != want {
			t.Errorf("Expand(%q) = %q, %v, want %q", text, Readable(got), err, want)
		}
		if IsKnown(got) != (!strings.Contains(want, "${") || strings.HasPrefix(text, "$$")) {
			t.Errorf("IsKnown(%q) = %t", text, IsKnown(got))
		}
	}
	if got := Unknown(opens + "B" + closes + " " + opens + "A" + closes + opens + "B" + closes); !slices.Equal(got, []string{"A", "B"}) {
		t.Errorf("Unknown = %q", got)
	}
}

// Later sources win, and a Secret may win over all before it.
func TestOrder(t *testing.T) {
	var v Variables
	if !v.Empty() {
		t.Error("nothing is something")
	}
	v.Set("A", "first")
	v.Set("A", "sec\nond\n")
	if got, err := v.Expand("${A}"); got != "second" || err != nil {
		t.Errorf("Expand = %q, %v", got, err)
	}
	before := v.Key()
	v.Obscure()
	if v.Empty() || v.Key() == before {
		t.Error("an unknown source makes no difference")
	}
	if got, _ := v.Expand("${A}"); IsKnown(got) {
		t.Errorf("Expand = %q, want an unknown one", got)
	}
}

func TestCheck(t *testing.T) {
	var v Variables
	v.Set("GOOD_1", "")
	if got := v.Check(); got != "" {
		t.Errorf("Check = %q", got)
	}
	v.Set("not-good", "")
	v.Set("1", "")
	if got := v.Check(); got != "1" {
		t.Errorf("Check = %q, want the first in order", got)
	}
}

func TestRefused(t *testing.T) {
	v := known()
	for name, text := range map[string]string{"marks": opens + "A" + closes, "escapes": strings.Repeat("$$", 1<<16)} {
		if got, err := v.Expand(text); err == nil {
			t.Errorf("%s: Expand = %.20q", name, got)
		}
	}
}

// What two values of a ConfigMap can blow up is refused, and not tried.
func TestRefusedForItsCost(t *testing.T) {
	v := known()
	v.Set("A", strings.Repeat("a", 1<<20))
	for name, text := range map[string]string{
		"replacement": "${A//a/${A}}", "nothing replaced": "${A///${A}}", "beginnings": "${A#*b}", "endings": "${A%%*b*c}", "often": strings.Repeat("${A}", 100),
		"nested": "${B:=${A//a/${A//a/${A//a/${A}}}}}", "deep": strings.Repeat("${A:=", 1<<21),
	} {
		if got, err := v.Expand(text); err == nil {
			t.Errorf("%s: Expand = %.20q", name, got)
		}
	}
	for name, text := range map[string]string{"once": "${A}", "replaced": "${A//a/bb}", "short": "${B:=x}${A:0:5}"} {
		if _, err := v.Expand(text); err != nil {
			t.Errorf("%s: Expand: %v", name, err)
		}
	}
}

// Whatever the text is: no panic; and where nothing unknown is left in it, what
// is unknown makes no difference.
func FuzzExpand(f *testing.F) {
	for _, text := range expressions {
		f.Add(text, "value", "other")
	}
	f.Fuzz(func(t *testing.T, text, one, two string) {
		if len(text) > 10_000 || !utf8.ValidString(one) || !utf8.ValidString(two) {
			return
		}
		open := known()
		open.open = true
		got, err := open.Expand(text)
		for _, value := range []string{one, two, ""} {
			all := known()
			for _, name := range []string{"N", "M", "X"} {
				all.Set(name, value)
			}
			want, wantErr := all.Expand(text)
			if err == nil && wantErr != nil || err == nil && IsKnown(got) && got != want {
				t.Fatalf("Expand(%q) = %q, and with N=%q it is %q (%v)", text, got, value, want, wantErr)
			}
		}
	})
}
