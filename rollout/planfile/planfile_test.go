package planfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/monosense/k8s-ops/rollout"
)

// wholePlan has every key, once.
const wholePlan = `---
repository: https://github.com/monosense/k8s-ops
forge: github
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
` + policyKeys + `override:
  reason: required
` + verifyKeys

// verifyKeys are what only verification looks at.
const verifyKeys = `entries:
  apps: clusters/apps/flux-system
  infra: clusters/infra/instance.yaml
contexts:
  apps: admin@apps.example.com
rules:
  variables-unknown: {off: made by hand}
  source-suspended:
    off: it is suspended while the cluster moves
`

// policyKeys are what a stage may ask besides a soak, on GitHub.
const policyKeys = `    soakOn: healthy
    unhealthy: restart
    require: observed
    health:
      settle: 10m
      clusters:
        infra: [flux/infra/*, "ci"]
    exposure: require
    windows:
      allow:
        - {cron: "0 9 * * MON-FRI", for: 8h, zone: Europe/Zurich}
        - {span: "monday-Fri 09:00-17:00", zone: America/New_York, reason: somebody is there}
        - span: daily 22:00-06:00
          until: 2027-01-04T12:00:00Z
          zone: Europe/Zurich
      deny:
        - {cron: "0 18 * * 5", for: 62h, reason: weekend}
        - {from: 2026-12-20, until: "2027-01-04 08:00", zone: Europe/Zurich, reason: change freeze}
`

// with returns the whole plan with one piece of text exchanged.
func with(t *testing.T, old, new string) string {
	t.Helper()
	if strings.Count(wholePlan, old) != 1 {
		t.Fatalf("the whole plan has %q %d times, and not once", old, strings.Count(wholePlan, old))
	}
	return strings.Replace(wholePlan, old, new, 1)
}

func goodPlans(t *testing.T) map[string]string {
	t.Helper()
	repository, err := os.ReadFile(repositoryPlan)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"the repository's own":             string(repository),
		"whole":                            wholePlan,
		"without the optional":             strings.NewReplacer("forge: github\n", "", "override:\n  reason: required\n", "", policyKeys, "", verifyKeys, "").Replace(wholePlan),
		"an entry point as Flux writes it": with(t, "apps: clusters/apps/flux-system", "apps: ./clusters/apps/flux-system/"),
		"an entry point in the root":       with(t, "apps: clusters/apps/flux-system", "apps: ./"),
		"three stages": strings.Replace(wholePlan, "override:", `  - name: edge
    branch: edge/stable
    clusters:
      - edge-1
      - edge-2
    soak: 1w
    health:
      clusters: {apps: ["**"]}
override:`, 1),
		"windows on a plain remote": strings.NewReplacer("https://github.com/monosense/k8s-ops", "./k8s-ops.git", "forge: github", "forge: git",
			policyKeys, "    soakOn: wall\n    windows: {deny: [{until: 2027-01-04}, {from: 2030-01-01 12:00}]}\n").Replace(wholePlan),
		"a path":                  strings.NewReplacer("https://github.com/monosense/k8s-ops", "./k8s-ops.git", "forge: github", "forge: git", policyKeys, "").Replace(wholePlan),
		"scp-like":                with(t, "https://github.com/", "git@github.com:"),
		"ssh":                     with(t, "https://github.com/", "ssh://git@github.com/"),
		"a soak of nothing":       with(t, "24h", "0s"),
		"a soak in many units":    with(t, "24h", "1w2d3h4m5s"),
		"quoted":                  with(t, "name: apps", `name: "apps"`),
		"a name that is a number": strings.NewReplacer("clusters: [apps]", `clusters: ["7"]`, "  apps: ", `  "7": `).Replace(wholePlan),
		"a byte order mark":       "\ufeff" + wholePlan,
		"Windows' line ends":      strings.ReplaceAll(wholePlan, "\n", "\r\n"),
	}
}

func TestParseAccepts(t *testing.T) {
	for name, plan := range goodPlans(t) {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("clusters/rollout.yaml", []byte(plan), Options{}); err != nil {
				t.Errorf("Parse: %v", err)
			}
		})
	}
}

func TestParse(t *testing.T) {
	file, err := Parse("clusters/rollout.yaml", []byte(wholePlan), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := rollout.Plan{
		Repository: rollout.Repository{
			URL:   "https://github.com/monosense/k8s-ops.git",
			Forge: rollout.ForgeGitHub,
			Host:  "github.com", Owner: "monosense", Name: "k8s-ops",
		},
		Source: rollout.Source{Name: "k8s-ops", Namespace: "flux-system"},
		Ledger: "rollout/ledger",
		Stages: []rollout.Stage{
			{Name: "infra", Branch: "main", Clusters: []string{"infra"}},
			{
				Name: "apps", Branch: "release", Clusters: []string{"apps"},
				Soak: 24 * time.Hour, SoakClock: rollout.RestartingClock, Observed: true, Exposure: rollout.ExposureRequired,
				Health: rollout.Health{Settle: 10 * time.Minute, Required: []rollout.Requirement{
					{Cluster: "infra", Contexts: mustGlob(t, "flux/infra/*"), Where: "clusters/rollout.yaml:22"},
					{Cluster: "infra", Contexts: mustGlob(t, "ci"), Where: "clusters/rollout.yaml:22"},
				}},
				Windows: rollout.Windows{
					Allow: []rollout.Window{
						{Text: `cron "0 9 * * MON-FRI" for 8h Europe/Zurich`, Where: "clusters/rollout.yaml:26"},
						{Text: "Mon-Fri 09:00-17:00 America/New_York", Reason: "somebody is there", Where: "clusters/rollout.yaml:27"},
						{Text: "daily 22:00-06:00 until 2027-01-04 13:00 Europe/Zurich", Where: "clusters/rollout.yaml:28"},
					},
					Deny: []rollout.Window{
						{Text: `cron "0 18 * * 5" for 62h UTC`, Reason: "weekend", Where: "clusters/rollout.yaml:32"},
						{Text: "from 2026-12-20 until 2027-01-04 08:00 Europe/Zurich", Reason: "change freeze", Where: "clusters/rollout.yaml:33"},
					},
				},
			},
		},
		Override: rollout.OverridePolicy{ReasonRequired: true},
		Contexts: map[string]string{"apps": "admin@apps.example.com"},
		Entries:  map[string]string{"apps": "clusters/apps/flux-system", "infra": "clusters/infra/instance.yaml"},
		RulesOff: map[string]string{"variables-unknown": "made by hand", "source-suspended": "it is suspended while the cluster moves"},
	}
	if diff := cmp.Diff(want, file.Plan, cmpopts.IgnoreFields(rollout.Window{}, "Schedule")); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if got := file.Path(); got != "clusters/rollout.yaml" {
		t.Errorf("Path() = %q", got)
	}
	for cluster, want := range map[string]int{"infra": 11, "apps": 14, "edge": 0} {
		if got := file.ClusterLine(cluster); got != want {
			t.Errorf("ClusterLine(%q) = %d, want %d", cluster, got, want)
		}
	}
}

func TestSoak(t *testing.T) {
	const day = 24 * time.Hour
	for written, want := range map[string]time.Duration{
		"0s":     0,
		"45s":    45 * time.Second,
		"90m":    90 * time.Minute,
		"1h30m":  90 * time.Minute,
		"1.5h":   90 * time.Minute,
		"7d":     7 * day,
		"0.5d":   12 * time.Hour,
		"1w":     7 * day,
		"1w1d1h": 8*day + time.Hour,
		"365d":   365 * day,
	} {
		t.Run(written, func(t *testing.T) {
			file, err := Parse("clusters/rollout.yaml", []byte(with(t, "24h", written)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := file.Plan.Stages[1].Soak; got != want {
				t.Errorf("soak: %s is %v, want %v", written, got, want)
			}
		})
	}
}

// repositoryPlan is the plan that this repository is rolled out by.
var repositoryPlan = filepath.Join("..", "..", "clusters", "rollout.yaml")

func TestLoadRepositoryPlan(t *testing.T) {
	file, err := Load(repositoryPlan, Options{})
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "repository-plan.golden")
	got := describe(file)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("clusters/rollout.yaml says something else; if that is meant, run go test ./rollout/planfile -update (-want +got):\n%s", diff)
	}
}

// Every cluster of the plan is a directory with an entry point, and the other
// way round.
func TestRepositoryPlanHasEveryCluster(t *testing.T) {
	file, err := Load(repositoryPlan, Options{})
	if err != nil {
		t.Fatal(err)
	}
	entryPoints, err := filepath.Glob(filepath.Join(filepath.Dir(repositoryPlan), "*", "flux"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entryPoint := range entryPoints {
		cluster := filepath.Base(filepath.Dir(entryPoint))
		if file.ClusterLine(cluster) == 0 {
			t.Errorf("clusters/%s is in no stage", cluster)
		}
		delete(file.clusterLines, cluster)
	}
	for cluster, line := range file.clusterLines {
		t.Errorf("clusters/rollout.yaml:%d: there is no clusters/%s/flux", line, cluster)
	}
}

func TestLoadFailures(t *testing.T) {
	directory := t.TempDir()
	missing := filepath.Join(directory, "rollout.yaml")

	t.Run("no file", func(t *testing.T) {
		_, err := Load(missing, Options{})
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v is not fs.ErrNotExist", err)
		}
		var errs Errors
		if !errors.As(err, &errs) {
			t.Errorf("%T is no Errors", err)
		}
		want := missing + ": there is no plan here\n  hint: run it from the repository's root, where clusters/ is"
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("a directory", func(t *testing.T) {
		_, err := Load(directory, Options{})
		want := directory + ": the plan cannot be read: is a directory\n  hint: name a file that this user may read"
		if err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	})
	t.Run("too large", func(t *testing.T) {
		large := filepath.Join(directory, "large.yaml")
		if err := os.WriteFile(large, []byte(wholePlan+"#"+strings.Repeat("x", maxSize)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(large, Options{})
		want := large + ": the plan is larger than 1048576 bytes\n  hint: a plan is a page or two; is this the right file?"
		if err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	})
}

func TestErrorsListsTheFirst(t *testing.T) {
	_, err := Parse("file", []byte(strings.Repeat("k: 1\n", 1000)), Options{})
	var errs Errors
	if !errors.As(err, &errs) {
		t.Fatalf("%T is no Errors", err)
	}
	if want := 1000 + 4; len(errs) != want { // every key, and the four that are missing
		t.Errorf("%d errors, want %d", len(errs), want)
	}
	lines := strings.Split(err.Error(), "\n")
	if got, want := lines[len(lines)-1], "file: and 954 more errors"; len(lines) != 2*maxListed+1 || got != want {
		t.Errorf("%d lines, the last %q, want %q", len(lines), got, want)
	}
}

// describe draws a plan for the golden file.
func describe(file *File) string {
	var out strings.Builder
	plan := file.Plan
	fmt.Fprintf(&out, "repository %s (%s, %s)\n", plan.Repository.URL, plan.Repository.Forge, plan.Repository.Slug())
	fmt.Fprintf(&out, "source     %s/%s\n", plan.Source.Namespace, plan.Source.Name)
	fmt.Fprintf(&out, "ledger     %s\n", plan.Ledger)
	fmt.Fprintf(&out, "override   reason required: %t\n", plan.Override.ReasonRequired)
	for _, stage := range plan.Stages {
		fmt.Fprintf(&out, "stage      %s: %s → %s after %v\n", stage.Name, stage.Branch, strings.Join(stage.Clusters, ", "), stage.Soak)
		for _, requirement := range stage.Health.Required {
			fmt.Fprintf(&out, "  needs    %s for %v\n", requirement, stage.Health.Settle)
		}
		if stage.Exposure != rollout.ExposureIgnored {
			fmt.Fprintf(&out, "  exposure %s\n", stage.Exposure)
		}
		for _, window := range stage.Windows.Allow {
			fmt.Fprintf(&out, "  allow    %s\n", window.Text)
		}
		for _, window := range stage.Windows.Deny {
			fmt.Fprintf(&out, "  deny     %s\n", window.Text)
		}
	}
	return out.String()
}
