package rollout

// An Exposure tells which of the changes between two revisions the clusters of
// each stage met before the next stage gets them. A change that apps renders and
// infra does not has soaked for nothing.
type Exposure struct {
	From SHA `json:"from"`
	To   SHA `json:"to"`
	// Stages are all that something is promoted into, in order.
	Stages []StageExposure `json:"stages"`
	// Unused are the changed files that no cluster renders.
	Unused []string `json:"unused,omitempty"`
}

// A StageExposure is about what one stage would get.
type StageExposure struct {
	Stage    string `json:"stage"`
	Upstream string `json:"upstream"`
	// Files are the changed files that clusters of the stage render, and
	// Objects the objects that change on them.
	Files   []ExposedFile   `json:"files"`
	Objects []ExposedObject `json:"objects"`
	// Broken is why clusters of the stage cannot be rendered, and Unknown what
	// cannot be known of them, in words: changes may be missing then.
	Broken  []string `json:"broken,omitempty"`
	Unknown []string `json:"unknown,omitempty"`
	// Idle is what clusters of the stages before do not apply, and why, in words:
	// what they render there meets nothing.
	Idle []string `json:"idle,omitempty"`
}

// An ExposedFile is a changed file that a stage renders.
type ExposedFile struct {
	Name string `json:"name"`
	// Clusters are those of the stage that render it, and Exercised those of the
	// stages before it that apply it. There are none where it soaks for nothing.
	Clusters  []string `json:"clusters"`
	Exercised []string `json:"exercised,omitempty"`
	// New says that no cluster of the stage rendered it before, and Left that one
	// of a stage before applied it, and none does any more. Who renders it has
	// changed then somewhere on the way.
	New  bool `json:"new,omitempty"`
	Left bool `json:"left,omitempty"`
}

// An ExposedObject is an object that changes on a stage.
type ExposedObject struct {
	Object    RenderedObject   `json:"object"`
	Kind      ObjectChangeKind `json:"change"`
	Clusters  []string         `json:"clusters"`
	Exercised []string         `json:"exercised,omitempty"`
}

// Of is what an exposure tells of one stage.
func (e Exposure) Of(stage string) StageExposure {
	for _, s := range e.Stages {
		if s.Stage == stage {
			return s
		}
	}
	return StageExposure{Stage: stage}
}

// Unexercised are the files that clusters of the stage render and no cluster of
// a stage before it does.
func (s StageExposure) Unexercised() []string {
	var names []string
	for _, f := range s.Files {
		if len(f.Exercised) == 0 {
			names = append(names, f.Name)
		}
	}
	return names
}

// FilesExercised is the part of the changed files that was exercised, in per
// cent, rounded down. It is 100 where the stage renders none of them.
func (s StageExposure) FilesExercised() int {
	exercised := 0
	for _, f := range s.Files {
		exercised += min(1, len(f.Exercised))
	}
	return percent(exercised, len(s.Files))
}

// ObjectsExercised is the part of the changed objects that changed on a cluster
// of a stage before, too, in per cent, rounded down. It is 100 where none
// changes.
func (s StageExposure) ObjectsExercised() int {
	exercised := 0
	for _, o := range s.Objects {
		exercised += min(1, len(o.Exercised))
	}
	return percent(exercised, len(s.Objects))
}

func percent(part, whole int) int {
	if whole == 0 {
		return 100
	}
	return 100 * part / whole
}
