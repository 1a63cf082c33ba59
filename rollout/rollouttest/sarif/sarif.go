// Package sarif checks logs against the schema of SARIF 2.1.0. Only tests use
// it.
//
// # Model
//
// [Validate] holds a log against the schema as Microsoft ships it (npm
// @microsoft/jest-sarif). It is kept in the user's cache directory, so that only
// the first run needs npm and the network.
//
// # Invariants
//
// Where the schema cannot be had, the test is skipped with the reason; with
// CI=true in the environment it fails.
//
// # Concurrency
//
// Validate may be called from anywhere.
//
// # Not handled
//
// What the standard says and its schema cannot express.
package sarif

import (
	"bytes"
	"context"
	"os"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/monosense/k8s-ops/rollout/rollouttest/internal/npm"
)

// TB is the part of testing.TB that this package needs.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Validate fails the test if the log does not fit the schema.
func Validate(t TB, log []byte) {
	t.Helper()
	schema, err := load()
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatalf("the schema of SARIF is missing: %v", err)
	case err != nil:
		t.Skipf("the schema of SARIF is missing: %v", err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(log))
	if err != nil {
		t.Fatalf("the log is no JSON: %v", err)
	}
	if err := schema.Validate(document); err != nil {
		t.Errorf("the log does not fit the schema of SARIF 2.1.0: %v", err)
	}
}

// load reads the schema, once for all tests of a process.
var load = sync.OnceValues(func() (*jsonschema.Schema, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // npm itself is very patient
	defer cancel()
	const file = "lib/schemas/sarif-2.1.0-rtm.5.json"
	text, err := npm.SARIF.File(ctx, file)
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(file, document); err != nil {
		return nil, err
	}
	return compiler.Compile(file)
})
