package schedule

import "fmt"

// An Error is what is wrong with a text, without the text: "is no date". Way is
// what to write instead.
type Error struct{ What, Way string }

func (e *Error) Error() string { return e.What }

func fail(what, way string) error { return &Error{what, way} }

// quote repeats a part of a text. The texts are hostile, and some have no
// limit of their own.
func quote(part string) string {
	const enough = 30
	if runes := []rune(part); len(runes) > enough {
		part = string(runes[:enough]) + "…"
	}
	return fmt.Sprintf("%q", part)
}
