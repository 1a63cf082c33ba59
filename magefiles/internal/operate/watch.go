package operate

import (
	"context"
	"io"
	"time"

	"github.com/monosense/k8s-ops/magefiles/internal/watch"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

// A Screen is a terminal that somebody sits at.
type Screen struct {
	// In is where keys come from, Out the terminal itself, and Page what is drawn on,
	// so many columns wide.
	In   io.Reader
	Out  io.Writer
	Page func(columns int) report.Page
	// Open opens an address in a browser.
	Open func(url string) error
}

// watchPatience is how long an answer is waited for. A status of a busy repository
// takes seconds.
const watchPatience = time.Minute

// Watch keeps the status in sight until somebody quits: on a terminal as a page,
// elsewhere as lines that say what changed.
func (o *Operator) Watch(ctx context.Context) error {
	// It has a screen to itself, or lines of its own, and never ends.
	ctx = rollout.WithProgress(ctx, nil)
	query := rollout.StatusQuery{Records: recordsShown, Glance: o.glance(), Patience: glancePatience}
	options := watch.Options{
		Name:     o.Engine.Plan.Repository.Slug(),
		Status:   func(ctx context.Context) (rollout.Status, error) { return o.Engine.Status(ctx, query) },
		Pulse:    o.Engine.Pulse,
		Patience: watchPatience,
		Draw:     func(s rollout.Status) report.Document { return report.Status(s, recordsShown, o.Zone) },
		Now:      time.Now, Zone: o.Zone, Out: o.Out,
	}
	if runs, ok := o.Workflows.(rollout.Runs); ok {
		options.Runs = func(ctx context.Context) ([]rollout.Run, error) { return runs.Going(ctx, rollout.PromoteWorkflow) }
	}
	if o.Screen == nil {
		return watch.Lines(ctx, options)
	}
	options.In, options.Out, options.Page = o.Screen.In, o.Screen.Out, o.Screen.Page
	options.Views = []watch.View{
		{Key: "e", Name: "explain", Write: o.view(func(ctx context.Context, o *Operator) error { return o.Explain(ctx, Explain{}) })},
		{Key: "d", Name: "diff", Write: o.view(func(ctx context.Context, o *Operator) error { return o.Diff(ctx, Diff{}) })},
		{Key: "h", Name: "history", Write: o.view(func(ctx context.Context, o *Operator) error { return o.History(ctx, History{Limit: historyWatched}) })},
	}
	if url := o.Engine.Plan.Repository.Page(); url != "" {
		options.Open = func() error { return o.Screen.Open(url) }
	}
	return watch.Live(ctx, options)
}

// historyWatched is how many entries of the ledger are shown beside a status.
const historyWatched = 100

// view has a command print where a screen shows it.
func (o *Operator) view(do func(context.Context, *Operator) error) func(context.Context, report.Page, io.Writer) error {
	return func(ctx context.Context, page report.Page, w io.Writer) error {
		there := *o
		there.Out, there.Page, there.Summary = w, page, nil
		return do(ctx, &there)
	}
}
