package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// Going says in one line how far a run of a workflow has come.
func Going(run rollout.Run) string {
	line := fmt.Sprintf("run %d: %s", run.ID, rollout.Printable(run.Status, 40))
	if run.Conclusion != "" {
		line += ", " + rollout.Printable(run.Conclusion, 40)
	}
	var jobs []string
	for _, job := range run.Jobs {
		text := rollout.Printable(job.Name, 40) + " " + rollout.Printable(cmp.Or(job.Conclusion, job.Status), 40)
		if job.Step != "" {
			text += " at " + rollout.Printable(job.Step, 60)
		}
		jobs = append(jobs, text)
	}
	if len(jobs) > 0 {
		line += " (" + strings.Join(jobs, ", ") + ")"
	}
	return line + " " + rollout.Printable(run.URL, 200)
}
