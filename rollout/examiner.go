package rollout

import (
	"context"
	"time"
)

// An Examiner is a forge that tells how it keeps what a rollout depends on, for
// `release:doctor`. Optional: of a remote without a forge there is nothing to
// tell. What the token may not see is an error of kind ErrNotPermitted.
type Examiner interface {
	// DefaultBranch is the one whose workflows the forge starts.
	DefaultBranch(ctx context.Context) (string, error)
	// File reads a file as a commit has it, or the default branch where the
	// commit is empty. It is nil where there is no such file.
	File(ctx context.Context, path string, at SHA) ([]byte, error)
	// FileLog lists the newest commits of the default branch that changed a file,
	// newest first.
	FileLog(ctx context.Context, path string, limit int) ([]SHA, error)
	// WorkflowState tells whether the forge starts a workflow.
	WorkflowState(ctx context.Context, workflow string) (WorkflowState, error)
	// DeployKeys lists the keys that reach the repository without an account.
	DeployKeys(ctx context.Context) ([]DeployKey, error)
	// Rights tells what the forge says of the token at hand.
	Rights(ctx context.Context) (Rights, error)
}

// WorkflowState is whether a forge starts a workflow, in GitHub's words.
type WorkflowState string

// The states of a workflow. It is started in the first alone.
const (
	WorkflowActive           WorkflowState = "active"
	WorkflowDeleted          WorkflowState = "deleted"
	WorkflowDisabledFork     WorkflowState = "disabled_fork"
	WorkflowDisabledIdle     WorkflowState = "disabled_inactivity"
	WorkflowDisabledManually WorkflowState = "disabled_manually"
	// WorkflowUnknown: the forge knows no such workflow.
	WorkflowUnknown WorkflowState = ""
)

// A DeployKey is an ssh key that reaches one repository.
type DeployKey struct {
	ID int64
	// Title is somebody's text.
	Title   string
	Created time.Time
	// LastUsed is zero where nobody has used it yet.
	LastUsed time.Time
	// ReadOnly says that it may not push, Disabled that the forge takes it no more.
	ReadOnly, Disabled bool
}

// Rights are what a forge says of a token.
type Rights struct {
	// Scopes are those of a token that has any, and Scoped says so: fine-grained
	// tokens and those of apps have none, and nobody tells what they may do.
	Scopes []string
	Scoped bool
}
