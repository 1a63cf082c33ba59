package rollout

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// An offence is an unexercised file of which not all commits say why they change
// it, as a look at some revision found.
type offence struct {
	UnexcusedFile
	// looked is the revision that was looked at, and within says that it
	// contains the commit that has the offence.
	looked SHA
	within bool
}

// offencesOfLook is how many offences of a look are followed to what else has
// them. More only save looks at what has the others alone.
const offencesOfLook = 16

// noteOffences finds out which pending commits have what a look found fault with.
// It costs one pass over what is pending for each offence.
func (v *survey) noteOffences() {
	if v.stage.Exposure != ExposureRequired || len(v.s.Looks) == 0 {
		return
	}
	v.offences = make([]*offence, len(v.g.commits))
	for i, r := range v.revisions {
		look, ok := v.s.Looks[r.SHA]
		if !ok || len(look.Unexcused) == 0 {
			continue
		}
		within := make([]bool, len(v.g.commits))
		v.g.take(v.brings[i][0], within, nil)
		for _, f := range look.offences() {
			v.noteOffence(offence{UnexcusedFile: f, looked: r.SHA}, within)
		}
	}
}

// offences are those that are followed: one of each set of commits. What an
// earlier cluster left off in between, one that contains them can still have met.
// And where the stage got the file anew, its clusters render it for sure only with
// all that makes them what they are.
func (l Look) offences() []UnexcusedFile {
	files := make(map[string]ExposedFile, len(l.Files))
	for _, f := range l.Files {
		files[f.Name] = f
	}
	var found []UnexcusedFile
	for _, f := range l.Unexcused {
		if len(f.Commits) == 0 || files[f.Name].Left {
			continue
		}
		if files[f.Name].New {
			f.Others = l.makers
		}
		same := func(other UnexcusedFile) bool {
			return slices.Equal(f.Commits, other.Commits) && slices.Equal(f.Others, other.Others)
		}
		if len(found) < offencesOfLook && !slices.ContainsFunc(found, same) {
			found = append(found, f)
		}
	}
	return found
}

// noteOffence finds the commits that contain all those that change a file, and so
// have the file as the revision that was looked at has it.
func (v *survey) noteOffence(o offence, within []bool) {
	var positions []int
	for _, c := range slices.Concat(o.Commits, o.Others) {
		if p, ok := v.g.place(c); ok {
			positions = append(positions, p)
		}
	}
	for p, has := range v.g.containingAll(positions) {
		if has && v.offences[p] == nil {
			one := o
			one.within = within[p]
			v.offences[p] = &one
		}
	}
}

// exposure adds what keeps a revision in where exposure is required, and tells
// whether nothing does. One at which nobody has looked is kept in by what was
// found in a newer one that contains it, where it has the file as that one has it:
// to look at each would cost a rendering each, and tell nothing else as long as
// the same clusters render it.
func (v *survey) exposure(blocks []Block, r Revision, position int) ([]Block, bool) {
	if v.stage.Exposure != ExposureRequired || v.unchanged(r) {
		return blocks, true
	}
	if look := v.looked(r); look != nil {
		if look.mayPass() {
			return blocks, true
		}
		return append(blocks, look.block()), false
	}
	if v.offences == nil || v.offences[position] == nil || !v.offences[position].within {
		return blocks, true
	}
	o := v.offences[position]
	return append(blocks, Block{Gate: GateExposure, Outcome: Unexercised, Commit: o.Commits[0], why: func() string {
		return o.reason(r, v.stage)
	}}), false
}

// reason is why a revision stays in that has an offence.
func (o *offence) reason(r Revision, stage Stage) string {
	it := "it"
	if o.Commits[0] != r.SHA {
		it += " contains " + o.Commits[0].Short() + ", which"
	}
	return fmt.Sprintf("%s changes %s; no cluster before %s renders that, as seen with %s", it, Printable(o.Name, 120), stage.Name, o.looked.Short())
}

// block is what keeps a revision in that was looked at.
func (l Look) block() Block {
	b := Block{Gate: GateExposure, Outcome: Unproven, why: l.Complaint}
	if len(l.Broken) == 0 && l.Failed == "" {
		b.Outcome = Unexercised
		if commits := l.Unexcused[0].Commits; len(commits) > 0 {
			b.Commit = commits[0]
		}
	}
	return b
}

// unlookedBlock is that of a revision at which nobody has looked yet.
var unlookedBlock = Block{Gate: GateExposure, Outcome: Unproven, why: func() string {
	return "nobody has looked yet at what of it was exercised"
}}

// unlooked tells whether somebody has to look at a revision before it goes out
// where exposure is required.
func (v *survey) unlooked(r Revision) bool {
	return v.stage.Exposure == ExposureRequired && v.toLookAt(r)
}

// looked is what a look at a revision told, if there was one.
func (v *survey) looked(r Revision) *Look {
	if look, ok := v.s.Looks[r.SHA]; ok {
		return &look
	}
	return nil
}

// toLookAt tells whether a look at a revision would tell anything new.
func (v *survey) toLookAt(r Revision) bool {
	return v.looked(r) == nil && !v.unchanged(r)
}

// unchanged tells whether a revision has the very tree of the stage.
func (v *survey) unchanged(r Revision) bool { return r.Tree != "" && r.Tree == v.s.Tree }

// doubtful tells whether a revision contains what a look found fault with, and
// nobody has looked at it itself yet.
func (v *survey) doubtful(r Revision, position int) bool {
	return v.offences != nil && v.offences[position] != nil && v.toLookAt(r)
}

// expose fills in what is known of the exposure of what is promoted.
func (d *Decision) expose(v *survey) {
	if v.stage.Exposure == ExposureIgnored {
		return
	}
	if d.Exposure = v.looked(*d.Revision); v.toLookAt(*d.Revision) {
		d.Look = d.Revision.SHA
	}
}

// looksAtMost is at how many revisions one decision looks. Each costs a fetch
// and a rendering, and only those are looked at that nothing else keeps in.
const looksAtMost = 32

// decide decides, looks at the exposure of what that comes to, and decides again
// until there is nothing more to look at. What was seen is in the snapshot then.
// It is an error where something could not be seen that is required: the
// decision is right all the same, since nothing goes out unseen.
func (e *Engine) decide(ctx context.Context, stage Stage, s *Snapshot) (Decision, *survey, error) {
	d, v := decide(s.At, stage, *s)
	for range looksAtMost {
		if d.Look == "" {
			break
		}
		revision := d.Look
		err := e.lookAt(ctx, s, v, revision)
		if ctx.Err() != nil {
			return d, v, ctx.Err()
		}
		d, v = decide(s.At, stage, *s)
		if err != nil && stage.Exposure == ExposureRequired {
			return d, v, fmt.Errorf("find out what of %s was exercised before %s: %w", revision.Short(), stage.Name, err)
		}
	}
	return d, v, nil
}

// lookAt adds to a snapshot what is to be seen of a pending commit, or that
// nothing is.
func (e *Engine) lookAt(ctx context.Context, s *Snapshot, v *survey, revision SHA) error {
	seen, err := e.expose(ctx, v.stage, *s, v.g.ancestry(v.g.index[revision]))
	*s = s.withLook(revision, seen)
	return err
}

// withLook is the snapshot with one more look.
func (s Snapshot) withLook(at SHA, look Look) Snapshot {
	looks := map[SHA]Look{at: look}
	maps.Copy(looks, s.Looks)
	s.Looks = looks
	return s
}

// looking is what a look at a revision is called.
func looking(revision SHA) Effort {
	return Effort{What: "looking at what " + revision.Short() + " changes"}
}

// expose looks at the exposure of the first of some commits, with which the
// others go out. Of an error the look says that it failed.
func (e *Engine) expose(ctx context.Context, stage Stage, s Snapshot, goesOut []Commit) (Look, error) {
	defer Begin(ctx, looking(goesOut[0].SHA)).End()
	look, err := e.render(ctx, stage, s, goesOut)
	if err != nil {
		look = Look{StageExposure: StageExposure{Stage: stage.Name}, Failed: Printable(err.Error(), 1000)}
	}
	return look, err
}

func (e *Engine) render(ctx context.Context, stage Stage, s Snapshot, goesOut []Commit) (Look, error) {
	if e.Exposer == nil {
		return Look{}, &Problem{
			Kind: ErrUsage, What: "nothing here renders what clusters apply",
			Ways: []string{"give the engine an Exposer"},
		}
	}
	all, err := e.Exposer.Expose(ctx, s.Target.SHA, goesOut[0].SHA)
	if err != nil {
		return Look{}, err
	}
	exposure := all.Of(stage.Name)
	if len(exposure.Unexercised()) == 0 {
		return Look{StageExposure: exposure}, nil
	}
	changes, err := e.Exposer.Changes(ctx, goesOut)
	return NewLook(exposure, goesOut, changes), err
}

// patience is how long an override waits for a look at what it takes out: it is
// what one needs when things are down. grace is how long it then waits for the
// look to say itself how far it came.
const (
	patience = 30 * time.Second
	grace    = time.Second
)

// exposeOverride looks at the exposure of what an override takes out, for
// whoever answers for it. That it cannot be told stops nobody, nor does a build
// that nothing can end: that is left to itself.
func (e *Engine) exposeOverride(ctx context.Context, s *Snapshot, d Decision) {
	defer Begin(ctx, looking(d.Look)).End()
	// What is left to itself says no more what the override is at.
	within, cancel := context.WithTimeout(WithProgress(ctx, nil), patience)
	defer cancel()
	type end struct {
		look     Look
		panicked any
	}
	seen := make(chan end, 1)
	go func(s Snapshot) {
		var last end
		defer func() {
			last.panicked = recover()
			seen <- last
		}()
		last.look, _ = e.expose(within, d.Stage, s, d.GoesOut)
	}(*s)
	look := Look{StageExposure: StageExposure{Stage: d.Stage.Name}}
	select {
	case last := <-seen:
		if last.panicked != nil {
			panic(last.panicked) // where whoever calls can see to it
		}
		look = last.look
	case <-time.After(patience + grace):
		look.Failed = "to look takes longer than " + FormatDuration(patience)
	case <-ctx.Done():
		look.Failed = "interrupted"
	}
	*s = s.withLook(d.Look, look)
}
