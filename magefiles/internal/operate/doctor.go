package operate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
	"github.com/monosense/k8s-ops/rollout/planfile"
	"github.com/monosense/k8s-ops/rollout/report"
	"github.com/monosense/k8s-ops/rollout/workflowfile"
)

// Doctor are the arguments of `release:doctor`.
type Doctor struct {
	JSON bool
}

// ErrStopped says that something stops the rollout.
var ErrStopped = errors.New("the rollout is stopped")

// doctorPatience is how long each check may take. They are made side by side.
const doctorPatience = 30 * time.Second

// Doctor examines everything between the plan and the clusters, and prints what is
// wrong, why it matters, and what mends it. The error is ErrStopped where something
// stops the rollout.
func (o *Operator) Doctor(ctx context.Context, args Doctor) error {
	var found []rollout.Diagnosis
	repository := ""
	if o.PlanTrouble != nil {
		found = rollout.Unread(o.PlanTrouble, o.rightPlan(ctx))
	} else {
		repository = o.Engine.Plan.Repository.Slug()
		found = o.doctor().Examine(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := o.showDiagnosis(found, repository, args)
	if err == nil && rollout.Worst(found) == rollout.LevelStops {
		err = fmt.Errorf("%w: %s", ErrStopped, stopped(found))
	}
	return err
}

func (o *Operator) showDiagnosis(found []rollout.Diagnosis, repository string, args Doctor) error {
	if args.JSON {
		return report.WriteDiagnosisJSON(o.Out, time.Now(), repository, found)
	}
	return o.show(report.Diagnosis(found))
}

// stopped names the first thing that stops the rollout, and counts the others.
func stopped(found []rollout.Diagnosis) string {
	text, more := "", -1
	for _, one := range found {
		if one.Level != rollout.LevelStops {
			continue
		}
		if more++; more == 0 {
			text = fmt.Sprintf("%s %s: %s", one.Check, rollout.OneLine(one.Of, 80), rollout.OneLine(one.What, 300))
		}
	}
	if more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// plansTried is how many earlier versions of the plan are looked at for one that was
// right.
const plansTried = 20

// rightPlan is the newest commit here whose plan is right, empty where nobody finds
// one.
func (o *Operator) rightPlan(ctx context.Context) rollout.SHA {
	trees, err := o.OpenTrees(ctx, o.Root)
	if err != nil {
		return ""
	}
	versions, err := trees.Versions(ctx, rollout.PlanPath, plansTried)
	if err != nil {
		return ""
	}
	for _, version := range versions {
		data, err := trees.File(ctx, version, rollout.PlanPath)
		if err == nil && data != nil && o.readPlan(data) == nil {
			return version
		}
	}
	return ""
}

// readPlan says what is wrong with a plan.
func (o *Operator) readPlan(data []byte) error {
	_, err := planfile.Parse(filepath.FromSlash(rollout.PlanPath), data, o.PlanOptions)
	return err
}

// doctor is one for the operator's repository.
func (o *Operator) doctor() *rollout.Doctor {
	plan := o.Engine.Plan
	return &rollout.Doctor{
		Engine: o.Engine, Settings: o.Settings, Examiner: o.Examiner, Push: o.Push, Pushing: o.Pushing, Patience: doctorPatience,
		ReadPlan:     o.readPlan,
		ReadWorkflow: workflowfile.Parse,
		Checkout:     o.checkout,
		OpenClusters: func() (rollout.Clusters, error) { return o.OpenClusters(plan) },
		Inspect: func(cluster string, manifests [][]byte) []rollout.Finding {
			return flux.Inspect(o.File.Plan, cluster, manifests)
		},
	}
}

// checkout reads a file of the checkout. It is nil where there is none.
func (o *Operator) checkout(path string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(o.Root, filepath.FromSlash(path)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
