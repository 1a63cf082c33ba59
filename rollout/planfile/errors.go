package planfile

import (
	"fmt"
	"slices"
	"strings"
)

// An Error is one thing that is wrong with a plan.
type Error struct {
	// File is the name that the plan was read under.
	File string
	// Line and Column count from 1. They are 0 where the file as a whole is
	// meant; Column alone is 0 where the YAML parser tells the line only.
	Line, Column int
	// Message says what is wrong.
	Message string
	// Hint says what to do about it.
	Hint string

	cause error
}

// Error returns "file:line:column: message", and the hint on a line of its own.
func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where += fmt.Sprintf(":%d", e.Line)
	}
	if e.Column > 0 {
		where += fmt.Sprintf(":%d", e.Column)
	}
	return fmt.Sprintf("%s: %s\n  hint: %s", where, e.Message, e.Hint)
}

// Unwrap returns what the operating system said of a file that could not be
// read, so that errors.Is knows fs.ErrNotExist.
func (e *Error) Unwrap() error { return e.cause }

// Errors is everything that is wrong with a plan, sorted by line. Every error
// of this package is of this type:
//
//	var invalid planfile.Errors
//	if errors.As(err, &invalid) { … }
type Errors []*Error

// maxListed is how many errors the text of Errors shows. A file that is not a
// plan at all can have a hundred thousand.
const maxListed = 50

// Error lists the first fifty errors, each on lines of its own, and says how
// many more there are. All of them are in e.
func (e Errors) Error() string {
	texts := make([]string, 0, maxListed+1)
	for i, err := range e {
		if i == maxListed {
			texts = append(texts, fmt.Sprintf("%s: and %d more errors", err.File, len(e)-maxListed))
			break
		}
		texts = append(texts, err.Error())
	}
	return strings.Join(texts, "\n")
}

// Unwrap lets errors.As find the first [*Error], and errors.Is its cause.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

// sort orders by place. It is stable, so that two errors of one place stay in
// the order in which they were found.
func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}

// maxQuoted is how many runes of a value an error repeats. The file is hostile,
// and an error has to fit on a screen.
const maxQuoted = 60

// quote repeats a value of the file in a form that cannot move the cursor of a
// terminal.
func quote(value string) string {
	if runes := []rune(value); len(runes) > maxQuoted {
		value = string(runes[:maxQuoted]) + "…"
	}
	return fmt.Sprintf("%q", value)
}
