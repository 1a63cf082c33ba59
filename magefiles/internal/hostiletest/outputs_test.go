package hostiletest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/monosense/k8s-ops/magefiles/internal/watch"
	"github.com/monosense/k8s-ops/magefiles/internal/wire"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/backtest"
	"github.com/monosense/k8s-ops/rollout/measure"
	"github.com/monosense/k8s-ops/rollout/openmetrics"
	"github.com/monosense/k8s-ops/rollout/report"
	"github.com/monosense/k8s-ops/rollout/report/board"
)

// An output shows what a maker makes, once.
type output func(t *testing.T, m *maker) drawing

// outputs are all that show something, by what is called.
var outputs = map[string][]output{
	"report.Absorb":       {document(func(m *maker) report.Document { return report.Absorb(made[rollout.Absorption](m)) })},
	"report.Backtest":     {document(func(m *maker) report.Document { return report.Backtest(made[backtest.Result](m)) })},
	"report.Changes":      {said(func(m *maker) []string { return report.Changes(m.stands(), m.stands()) })},
	"report.Clusters":     {document(func(m *maker) report.Document { return report.Clusters(now, made[[]rollout.LiveStanding](m)) })},
	"report.Diagnosis":    {document(func(m *maker) report.Document { return report.Diagnosis(made[[]rollout.Diagnosis](m)) })},
	"report.Diff":         {document(func(m *maker) report.Document { return report.Diff(m.text, m.text, made[[]rollout.ClusterDiff](m)) })},
	"report.Exposure":     {document(func(m *maker) report.Document { return report.Exposure(made[rollout.Exposure](m)) })},
	"report.Failure":      {document(func(m *maker) report.Document { return report.Failure(m.text, m.failed()) })},
	"report.Going":        {said(func(m *maker) []string { return []string{report.Going(made[rollout.Run](m))} })},
	"report.History":      {document(func(m *maker) report.Document { return report.History(made[[]rollout.Record](m)) })},
	"report.Marked":       {document(func(m *maker) report.Document { return report.Marked(made[rollout.Receipt](m)) })},
	"report.Reconciling":  {said(func(m *maker) []string { return []string{report.Reconciling(m.reconciled())} })},
	"report.Reset":        {document(func(m *maker) report.Document { return report.Reset(made[rollout.Receipt](m)) })},
	"report.ResetPreview": {document(func(m *maker) report.Document { return report.ResetPreview(made[rollout.Reset](m)) })},
	"report.Rollback": {document(func(m *maker) report.Document {
		return report.Rollback(made[rollout.Rollback](m), made[rollout.RollbackRequest](m))
	})},
	"report.Setup":           {document(func(m *maker) report.Document { return report.Setup(made[[]rollout.Step](m)) })},
	"report.Watchdog":        {document(func(m *maker) report.Document { return report.Watchdog(made[rollout.Watchdog](m)) })},
	"report.Written":         {document(func(m *maker) report.Document { return report.Written(m.text, 3) })},
	"report.Document":        {document(everyBlock)},
	"report.Rows":            {said(rows)},
	"report.Running":         {said(running)},
	"report.Told":            {said(told)},
	"report.Promotion":       {document(func(m *maker) report.Document { return report.Promotion(m.decided()) }), document(func(m *maker) report.Document { return report.Promotion(made[rollout.Receipt](m)) })},
	"report.Preview":         {document(func(m *maker) report.Document { return report.Preview(m.decided()) }), document(func(m *maker) report.Document { return report.Preview(made[rollout.Receipt](m)) })},
	"report.Override":        {document(func(m *maker) report.Document { return report.Override(m.overridden()) }), document(func(m *maker) report.Document { return report.Override(made[rollout.Receipt](m)) })},
	"report.OverridePreview": {document(func(m *maker) report.Document { return report.OverridePreview(m.overridden()) }), document(func(m *maker) report.Document { return report.OverridePreview(made[rollout.Receipt](m)) })},
	"report.Explain":         {document(func(m *maker) report.Document { return report.Explain(m.explained()) }), document(func(m *maker) report.Document { return report.Explain(made[[]rollout.Explanation](m)) })},
	"report.Status":          {document(func(m *maker) report.Document { return report.Status(m.stands(), 5, time.UTC) })},

	"report.WriteBacktestSVG": {written(asXML, func(m *maker, w io.Writer) error { return report.WriteBacktestSVG(w, made[backtest.Result](m)) })},
	"report.WriteTree":        {written(asText, func(m *maker, w io.Writer) error { return report.WriteTree(w, made[rollout.Rendering](m)) })},
	"report.WriteFindings": {
		findings(report.FindingText, asText), findings(report.FindingGitHub, asCommands), findings(report.FindingJSON, asJSON), findings(report.FindingSARIF, asSARIF),
	},
	"report.WriteBacktestJSON": {written(asJSON, func(m *maker, w io.Writer) error { return report.WriteBacktestJSON(w, made[backtest.Result](m)) })},
	"report.WriteClustersJSON": {written(asJSON, func(m *maker, w io.Writer) error {
		return report.WriteClustersJSON(w, now, made[[]rollout.LiveStanding](m), made[rollout.Verification](m))
	})},
	"report.WriteDiagnosisJSON": {written(asJSON, func(m *maker, w io.Writer) error {
		return report.WriteDiagnosisJSON(w, now, m.text, made[[]rollout.Diagnosis](m))
	})},
	"report.WriteDiffJSON": {written(asJSON, func(m *maker, w io.Writer) error { return report.WriteDiffJSON(w, made[[]rollout.ClusterDiff](m)) })},
	"report.WriteExplainJSON": {
		written(asJSON, func(m *maker, w io.Writer) error { return report.WriteExplainJSON(w, m.explained()) }),
		written(asJSON, func(m *maker, w io.Writer) error { return report.WriteExplainJSON(w, made[[]rollout.Explanation](m)) }),
	},
	"report.WriteExposureJSON": {written(asJSON, func(m *maker, w io.Writer) error { return report.WriteExposureJSON(w, made[rollout.Exposure](m)) })},
	"report.WriteHistoryJSON":  {written(asJSON, func(m *maker, w io.Writer) error { return report.WriteHistoryJSON(w, made[[]rollout.Record](m)) })},
	"report.WriteMeasuresJSON": {written(asJSON, func(m *maker, w io.Writer) error {
		return report.WriteMeasuresJSON(w, made[rollout.Repository](m), now, made[[]measure.Stage](m))
	})},
	"report.WriteRenderingJSON": {written(asJSON, func(m *maker, w io.Writer) error { return report.WriteRenderingJSON(w, made[rollout.Rendering](m)) })},
	"report.WriteStatusJSON":    {written(asJSON, func(m *maker, w io.Writer) error { return report.WriteStatusJSON(w, m.stands()) })},
	"report.WriteWatchdogJSON":  {written(asJSON, func(m *maker, w io.Writer) error { return report.WriteWatchdogJSON(w, made[rollout.Watchdog](m)) })},

	"board.Write":       {written(asHTML, func(m *maker, w io.Writer) error { return board.Write(w, m.board()) })},
	"openmetrics.Write": {written(asMetrics, func(m *maker, w io.Writer) error { return openmetrics.Write(w, m.stands(), made[[]measure.Stage](m)) })},
	"watch.Lines":       {watched},
	"wire.Exit": {written(asError, func(m *maker, w io.Writer) error {
		_, err := io.WriteString(w, wire.Exit(m.failed()).Error())
		return err
	})},
}

// silent show nothing of anybody's, or are tried elsewhere, and why.
var silent = map[string]string{
	"report.Called":             "says an action in words of its own",
	"report.Count":              "counts something that the toolkit names",
	"report.Next":               "picks a verdict",
	"report.ParseFindingFormat": "reads a flag; what it refuses is an error like any other",
	"report.Pipe":               "is a page",
	"report.Terminal":           "is a page",
	"openmetrics.Names":         "are the toolkit's own",
	"watch.Live":                "is tried where its screen can be seen, in package watch",
}

// everyBlock is a document with all that one can have.
func everyBlock(m *maker) report.Document {
	var d report.Document
	d.Heading("%s", m.text)
	d.Line("%s", m.text)
	d.Fact("Why", "%s", m.text)
	d.Fact("Why not", "%s: %s", m.text, m.text)
	d.Table([]string{"ONE", "TWO", "STATE", "SOAKED"}, [][]string{{m.text, m.text, m.text, m.text}, {"1", "2", "3", "4%"}})
	d.LongTable([]string{"ONE", "TWO"}, [][]string{{m.text, m.text}})
	d.Command(m.text)
	d.Code("diff", m.text)
	return d
}

func rows(m *maker) []string {
	r := m.decided()
	var cells []string
	for _, row := range report.Rows(now, r.Decision, rollout.Subjects(r.Decision.Stage, r.Snapshot)) {
		cells = append(cells, row.Commit, row.Subject, row.Author, row.Arrived, row.Soaked, row.Health, row.Exposure, row.State, row.Earliest, row.IsIn)
	}
	return cells
}

func running(m *maker) []string {
	commit, state, _ := report.Running(made[rollout.LiveStanding](m))
	return []string{commit, state}
}

func told(m *maker) []string {
	e := report.Told(made[rollout.Record](m))
	return []string{e.Kind, e.When, e.What, e.Stage, e.Moved, e.By, e.Why}
}

func (m *maker) failed() error {
	return errors.Join(&rollout.Problem{Kind: rollout.ErrRefused, What: m.text, Ways: []string{m.text}, Cause: errors.New(m.text)}, errors.New(m.text))
}

// reconciled always has an error where there is one to say.
func (m *maker) reconciled() rollout.Reconciliation {
	r := made[rollout.Reconciliation](m)
	r.Err = errors.New(m.text)
	return r
}

func (m *maker) board() board.Board {
	s := m.stands()
	return board.Board{Status: s, Records: append(s.Records, made[[]rollout.Record](m)...), Measures: made[[]measure.Stage](m)}
}

func findings(format report.FindingFormat, as medium) output {
	return written(as, func(m *maker, w io.Writer) error {
		return report.WriteFindings(w, format, made[rollout.Verification](m))
	})
}

// watched are the lines that somebody gets who watches without a terminal: of all that
// there is, and then that there is no answer.
func watched(t *testing.T, m *maker) drawing {
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		looks := 0
		err := watch.Lines(ctx, watch.Options{
			Name: m.text, Patience: time.Minute, Now: time.Now, Zone: time.UTC, Out: &out,
			Status: func(context.Context) (rollout.Status, error) {
				if looks++; looks > 2 {
					return rollout.Status{}, errors.New(m.text)
				}
				return m.stands(), nil
			},
			Pulse: func(context.Context) (rollout.Pulse, error) { return rollout.Pulse{}, errors.New(m.text) },
			Runs:  func(context.Context) ([]rollout.Run, error) { return made[[]rollout.Run](m), nil },
		})
		if err != nil {
			t.Error(err)
		}
	})
	return drawing{asText: out.String()}
}
