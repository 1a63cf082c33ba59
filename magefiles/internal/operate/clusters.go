package operate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
	"github.com/monosense/k8s-ops/rollout/report"
)

// LiveVerification are the arguments of `verify:clusters`.
type LiveVerification struct {
	Cluster string
	JSON    bool
}

// clusterPatience is how long one cluster is asked.
const clusterPatience = 20 * time.Second

// VerifyClusters asks the live clusters what they follow and what they applied,
// and prints that, and what is wrong with it. The error is ErrFindings where
// something is.
func (o *Operator) VerifyClusters(ctx context.Context, args LiveVerification) error {
	if _, err := o.rendering(args.Cluster); err != nil {
		return err
	}
	clusters, err := o.OpenClusters(o.Engine.Plan)
	if err != nil {
		return err
	}
	var wanted []string
	if args.Cluster != "" {
		wanted = []string{args.Cluster}
	}
	standings, now, err := o.Engine.LookAtClusters(ctx, clusters, wanted, clusterPatience)
	if err != nil {
		return fmt.Errorf("verify clusters: %w", err)
	}
	v := o.judge(now, standings)
	if args.JSON {
		err = report.WriteClustersJSON(o.Out, now, standings, v)
	} else if err = o.show(report.Clusters(now, standings)); err == nil {
		fmt.Fprintln(o.Out) //nolint:errcheck // the next line tells
		err = report.WriteFindings(o.Out, report.FindingText, v)
	}
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if n := v.Errors(); n > 0 {
		return fmt.Errorf("%w: %d in %d clusters", ErrFindings, n, v.Clusters)
	}
	return nil
}

// judge finds what is wrong with what clusters follow, and with what they run.
func (o *Operator) judge(now time.Time, standings []rollout.LiveStanding) rollout.Verification {
	v := rollout.Verification{Clusters: len(standings), Findings: []rollout.Finding{}}
	for _, s := range standings {
		var found []rollout.Finding
		for _, p := range s.Problems(now) {
			found = append(found, rollout.Finding{Rule: p.Rule, Message: p.Message, Fix: p.Fix})
		}
		if s.Err == nil {
			v.Kustomizations += len(s.Live.Applications)
			v.Objects += len(s.Live.Manifests)
			found = append(found, flux.Inspect(o.File.Plan, s.Cluster, s.Live.Manifests)...)
		}
		for _, f := range found {
			rule, _ := rollout.RuleByID(f.Rule)
			f.Severity, f.Stage, f.Cluster, f.Chain = rule.Severity, s.Stage, s.Cluster, []string{s.Cluster}
			f.File, f.Line = o.File.Path(), o.File.ClusterLine(s.Cluster)
			v.Findings = append(v.Findings, f)
		}
	}
	rollout.SortFindings(v.Findings)
	v.Findings = slices.CompactFunc(v.Findings, func(a, b rollout.Finding) bool { return a.Compare(b) == 0 })
	return v.Without(o.Engine.Plan.RulesOff)
}
