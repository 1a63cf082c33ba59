package report

import (
	"io"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

type (
	// ExplainJSON is why pending commits are where they are, for each stage.
	ExplainJSON struct {
		Stages []ExplanationJSON `json:"stages"`
	}
	// ExplanationJSON is the answer of one stage.
	ExplanationJSON struct {
		Name   string     `json:"name"`
		Branch string     `json:"branch"`
		At     *time.Time `json:"at,omitempty"`
		DecisionJSON
		// Subjects are all pending revisions, newest first, or the one commit
		// that was asked about.
		Subjects []SubjectJSON `json:"subjects"`
		// Instead says where the commit is that is not pending here.
		Instead string `json:"instead,omitempty"`
		Error   string `json:"error,omitempty"`
	}
	// SubjectJSON is a pending commit, and the verdict on the revision with
	// which it came.
	SubjectJSON struct {
		CommitJSON
		// CameWith is that revision, where the commit is not one.
		CameWith rollout.SHA `json:"cameWith,omitempty"`
		// Arrival is left out where nothing says when it was.
		Arrival *time.Time `json:"arrival,omitempty"`
		// In are the oldest pending revisions that contain it, and Containers
		// is how many there are.
		In         []rollout.SHA   `json:"in"`
		Containers int             `json:"containers"`
		Outcome    rollout.Outcome `json:"outcome"`
		Reason     string          `json:"reason"`
		// RetryAt is when it can go out by itself.
		RetryAt *time.Time `json:"retryAt,omitempty"`
		// GoesOut tells that it goes out now.
		GoesOut bool        `json:"goesOut"`
		Blocks  []BlockJSON `json:"blocks"`
		// Unblocks is the newer revision by which it goes out that does not
		// without it.
		Unblocks rollout.SHA `json:"unblocks,omitempty"`
		// Exposure is what is known of the revision with which it came.
		Exposure *ExposureJSON `json:"exposure,omitempty"`
	}
)

// WriteExplainJSON writes explanations as [ExplainJSON].
func WriteExplainJSON(w io.Writer, explanations []rollout.Explanation) error {
	out := ExplainJSON{Stages: []ExplanationJSON{}}
	for _, x := range explanations {
		out.Stages = append(out.Stages, explanationJSON(x))
	}
	return write(w, out)
}

func explanationJSON(x rollout.Explanation) ExplanationJSON {
	out := ExplanationJSON{
		Name: x.Stage.Name, Branch: x.Stage.Branch, At: known(x.At), DecisionJSON: decisionJSON(x.Decision),
		Subjects: []SubjectJSON{}, Instead: x.Instead,
	}
	if x.Err != nil {
		out.Error = x.Err.Error()
	}
	goesOut := goingOut(x.Decision)
	for _, s := range x.Subjects {
		one := subjectJSON(s)
		one.GoesOut = goesOut[s.Commit.SHA]
		out.Subjects = append(out.Subjects, one)
	}
	return out
}

func subjectJSON(s rollout.Subject) SubjectJSON {
	v := s.Verdict
	out := SubjectJSON{
		CommitJSON: commitJSON(s.Commit), In: append([]rollout.SHA{}, s.In...), Containers: s.Containers,
		Outcome: v.Outcome, Reason: v.Reason(), RetryAt: known(v.RetryAt),
		Blocks: append([]BlockJSON{}, blocksJSON(v.Blocks)...), Unblocks: v.Unblocks, Exposure: exposureJSON(s.Exposure),
	}
	if v.Revision.SHA != s.Commit.SHA {
		out.CameWith = v.Revision.SHA
	}
	if v.Revision.Recorded {
		out.Arrival = known(v.Revision.Arrival)
	}
	return out
}
