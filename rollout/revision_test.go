package rollout_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
)

func TestParseSHA(t *testing.T) {
	full := strings.Repeat("0123456789", 4)
	for given, want := range map[string]rollout.SHA{
		full:                            rollout.SHA(full),
		strings.Repeat("ABCDEFabcd", 4): rollout.SHA(strings.Repeat("abcdefabcd", 4)),
		full[:39]:                       "",
		full + "0":                      "",
		full[:39] + "g":                 "",
		"-" + full[:39]:                 "",
		full[:38] + "é":                 "",
		"":                              "",
		strings.Repeat("０", 13) + "0":   "",
	} {
		got, err := rollout.ParseSHA(given)
		if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, rollout.ErrUsage) {
			t.Errorf("ParseSHA(%q) = %q, %v; want %q", given, got, err, want)
		}
	}
}

func TestParsePrefix(t *testing.T) {
	for given, want := range map[string]rollout.Prefix{
		"1a2b3c4":              "1a2b3c4",
		"1A2B3C4D":             "1a2b3c4d",
		string(sha("A")):       rollout.Prefix(sha("A")),
		"1a2b3c":               "",
		string(sha("A")) + "0": "",
		"main":                 "",
		"-direct":              "",
		"HEAD~10":              "",
		"":                     "",
	} {
		got, err := rollout.ParsePrefix(given)
		if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, rollout.ErrUsage) {
			t.Errorf("ParsePrefix(%q) = %q, %v; want %q", given, got, err, want)
		}
	}
	if !rollout.Prefix("41").Of(sha("A")) || rollout.Prefix("42").Of(sha("A")) {
		t.Error("Of mistakes one commit for another")
	}
}

func TestSubject(t *testing.T) {
	for message, want := range map[string]string{
		"One\n\nTwo\n":  "One",
		"\r\n\nOne\r\n": "One",
		"One":           "One",
		"":              "",
		"\n\n":          "",
		"  One  \nTwo":  "One",
	} {
		if got := (rollout.Commit{Message: message}).Subject(); got != want {
			t.Errorf("the subject of %q is %q, want %q", message, got, want)
		}
	}
}

func TestProblem(t *testing.T) {
	cause := errors.New("connection reset\n")
	err := error(&rollout.Problem{Kind: rollout.ErrUnavailable, What: "read main", Cause: cause, Ways: []string{"try again", "or later"}})
	if got, want := err.Error(), "read main: connection reset\n  → try again\n  → or later"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !errors.Is(err, rollout.ErrUnavailable) || !errors.Is(err, cause) || errors.Is(err, rollout.ErrUsage) {
		t.Error("neither its kind nor its cause can be told")
	}
}
