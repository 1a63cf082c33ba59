package report

import (
	"slices"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// exposed says how much of what a revision changes on the stage's clusters was
// exercised before, and what was not.
func exposed(d *Document, look *rollout.Look) {
	switch {
	case look == nil:
		return
	case look.Failed != "":
		d.Fact("Exposure", "not known: %s", oneLine(look.Failed))
		return
	case len(look.Files) == 0 && len(look.Objects) == 0 && len(look.Broken) == 0:
		d.Fact("Exposure", "nothing that the clusters of %s render changes", look.Stage)
		unseen(d, look)
		return
	}
	if len(look.Files)+len(look.Objects) > 0 {
		d.Fact("Exposure", "of what changes, %d%% of %s and %d%% of %s were exercised before",
			look.FilesExercised(), Count(len(look.Files), "file"), look.ObjectsExercised(), Count(len(look.Objects), "object"))
	}
	for _, broken := range shortened(look.Broken) {
		d.Fact("Exposure", "not rendered: %s", oneLine(broken))
	}
	unseen(d, look)
	d.Table([]string{"UNEXERCISED FILE", "CHANGED BY", "WHY"}, limited(unexercisedRows(look)))
	d.Table([]string{"UNEXERCISED OBJECT", "CHANGE", strings.ToUpper(look.Stage)}, limited(unexercisedObjects(look)))
}

// unseen says what the numbers leave out.
func unseen(d *Document, look *rollout.Look) {
	for _, unknown := range shortened(look.Unknown) {
		d.Fact("Exposure", "not known: %s", oneLine(unknown))
	}
	for _, idle := range shortened(look.Idle) {
		d.Fact("Exposure", "meets nothing: %s", oneLine(idle))
	}
}

// unexercisedRows put those first of which nobody says why.
func unexercisedRows(look *rollout.Look) [][]string {
	var rows [][]string
	for _, f := range look.Unexcused {
		rows = append(rows, []string{oneLine(f.Name), names(f.Commits[:min(1, len(f.Commits))], len(f.Commits)), "nobody says why"})
	}
	for _, f := range look.Excused {
		rows = append(rows, []string{oneLine(f.Name), f.Commit.Short(), rollout.OneLine(f.Reason, 2*subjectShown)})
	}
	return rows
}

func unexercisedObjects(look *rollout.Look) [][]string {
	var rows [][]string
	for _, o := range look.Objects {
		if len(o.Exercised) == 0 {
			rows = append(rows, []string{oneLine(o.Object.String()), string(o.Kind), strings.Join(o.Clusters, ", ")})
		}
	}
	return rows
}

type (
	// ExposureJSON is what was found out of the exposure of a revision.
	ExposureJSON struct {
		// Files and Objects are how many change on the stage's clusters, and
		// the others how many of these, in per cent, a cluster before met.
		Files            int `json:"files"`
		FilesExercised   int `json:"filesExercised"`
		Objects          int `json:"objects"`
		ObjectsExercised int `json:"objectsExercised"`
		// UnexercisedFiles and UnexercisedObjects are the others.
		UnexercisedFiles   []UnexercisedFileJSON   `json:"unexercisedFiles"`
		UnexercisedObjects []rollout.ExposedObject `json:"unexercisedObjects"`
		Broken             []string                `json:"broken,omitempty"`
		Unknown            []string                `json:"unknown,omitempty"`
		Idle               []string                `json:"idle,omitempty"`
		// Error says why nothing is known.
		Error string `json:"error,omitempty"`
	}
	// UnexercisedFileJSON is a file that no cluster before renders.
	UnexercisedFileJSON struct {
		Name string `json:"name"`
		// ChangedBy are the commits that change it, without those that say why.
		ChangedBy []rollout.SHA `json:"changedBy,omitempty"`
		// Excuse is why it may go out all the same, and ExcusedBy who says so.
		Excuse    string      `json:"excuse,omitempty"`
		ExcusedBy rollout.SHA `json:"excusedBy,omitempty"`
	}
)

func exposureJSON(look *rollout.Look) *ExposureJSON {
	if look == nil {
		return nil
	}
	out := &ExposureJSON{
		Files: len(look.Files), FilesExercised: look.FilesExercised(),
		Objects: len(look.Objects), ObjectsExercised: look.ObjectsExercised(),
		UnexercisedFiles: []UnexercisedFileJSON{}, UnexercisedObjects: []rollout.ExposedObject{},
		Broken: look.Broken, Unknown: look.Unknown, Idle: look.Idle, Error: look.Failed,
	}
	for _, f := range look.Unexcused {
		out.UnexercisedFiles = append(out.UnexercisedFiles, UnexercisedFileJSON{Name: f.Name, ChangedBy: f.Commits})
	}
	for _, f := range look.Excused {
		out.UnexercisedFiles = append(out.UnexercisedFiles, UnexercisedFileJSON{Name: f.Name, Excuse: f.Reason, ExcusedBy: f.Commit})
	}
	slices.SortFunc(out.UnexercisedFiles, func(a, b UnexercisedFileJSON) int { return strings.Compare(a.Name, b.Name) })
	for _, o := range look.Objects {
		if len(o.Exercised) == 0 {
			out.UnexercisedObjects = append(out.UnexercisedObjects, o)
		}
	}
	return out
}
