package planfile_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/planfile"
)

func ExampleParse() {
	plan := []byte(`
repository: https://github.com/monosense/k8s-ops
source:
  name: k8s-ops
  namespace: flux-system
ledger: rollout/ledger
stages:
  - name: infra
    branch: main
    clusters: [infra]
  - name: apps
    branch: release
    clusters: [apps]
    soak: 24h
`)
	file, err := planfile.Parse("clusters/rollout.yaml", plan, planfile.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, stage := range file.Plan.Downstream() {
		upstream, _ := file.Plan.Upstream(stage.Name)
		fmt.Printf("%s → %s after %v\n", upstream.Branch, stage.Branch, stage.Soak)
	}
	fmt.Println("apps stands on line", file.ClusterLine("apps"))
	// Output:
	// main → release after 24h0m0s
	// apps stands on line 13
}

func ExampleParse_windows() {
	plan := []byte(`
repository: https://github.com/monosense/k8s-ops
source: {name: k8s-ops, namespace: flux-system}
ledger: rollout/ledger
stages:
  - {name: infra, branch: main, clusters: [infra]}
  - name: apps
    branch: release
    clusters: [apps]
    soak: 24h
    windows:
      allow:
        - {span: "Mon-Fri 09:00-17:00", zone: Europe/Zurich}
      deny:
        - {from: 2026-12-20, until: "2027-01-04 12:00", zone: Europe/Zurich, reason: change freeze}
`)
	christmas := time.Date(2026, 12, 24, 12, 0, 0, 0, time.UTC)
	file, err := planfile.Parse("clusters/rollout.yaml", plan, planfile.Options{Now: christmas})
	if err != nil {
		fmt.Println(err)
		return
	}
	windows := file.Plan.Stages[1].Windows
	for _, freeze := range windows.Deny {
		fmt.Printf("%s: %s (%s)\n", freeze.Where, freeze.Text, freeze.Reason)
	}
	opens, _ := windows.Opening(christmas)
	fmt.Println("opens", rollout.FormatTime(opens))
	// Output:
	// clusters/rollout.yaml:15: from 2026-12-20 until 2027-01-04 12:00 Europe/Zurich (change freeze)
	// opens 2027-01-04 11:00 UTC
}

func ExampleErrors() {
	plan := []byte(`repository: https://github.com/monosense/k8s-ops
source: {name: k8s-ops, namespace: flux-system}
ledger: rollout/ledger
stages:
  - name: infra
    branch: main
    clusters: [infra]
  - name: apps
    brnch: release
    clusters: [apps]
`)
	_, err := planfile.Parse("clusters/rollout.yaml", plan, planfile.Options{})
	var invalid planfile.Errors
	if errors.As(err, &invalid) {
		fmt.Println(len(invalid), "errors, the first on line", invalid[0].Line)
	}
	fmt.Println(err)
	// Output:
	// 3 errors, the first on line 8
	// clusters/rollout.yaml:8:5: stages[1] has no branch
	//   hint: add the key branch
	// clusters/rollout.yaml:8:11: the stage "apps" has no soak
	//   hint: add how long a revision stays upstream first, such as soak: 24h (soak: 0s promotes at once)
	// clusters/rollout.yaml:9:5: stages[1] has no key "brnch"
	//   hint: did you mean branch?
}
