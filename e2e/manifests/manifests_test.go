package manifests

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/e2e/internal/tools"
	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/flux"
	"github.com/monosense/k8s-ops/rollout/planfile"
)

// planFile is the plan, which has a schema of its own.
const planFile = "clusters/rollout.yaml"

func readPlan(t *testing.T) rollout.Plan {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, planFile))
	if err != nil {
		t.Fatal(err)
	}
	file, err := planfile.Parse(planFile, data, planfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return file.Plan
}

func render(t *testing.T) []rollout.RenderedCluster {
	t.Helper()
	rendering, err := flux.Render(t.Context(), flux.Options{Root: root, Plan: readPlan(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(rendering.Clusters) == 0 {
		t.Fatal("the plan has no clusters")
	}
	return rendering.Clusters
}

// TestRenderedManifestsConform: what each cluster would apply, entry point and
// every Flux Kustomization, is what the API servers know.
func TestRenderedManifestsConform(t *testing.T) {
	for _, cluster := range render(t) {
		t.Run(cluster.Cluster, func(t *testing.T) {
			dir, objects := t.TempDir(), 0
			for _, application := range cluster.Applications {
				if len(application.Broken)+len(application.Unknown) > 0 {
					t.Errorf("%s cannot be rendered whole: %v %v", application.Path, application.Broken, application.Unknown)
				}
				for _, object := range application.Objects {
					put(t, dir, fmt.Sprintf("%s/%d-%s-%s.yaml", strings.Join(application.Chain, "/"), objects, object.Kind, object.Name), object.Text)
					objects++
				}
			}
			conforms(t, dir, objects)
		})
	}
}

// separator is the line before a document of a file.
var separator = regexp.MustCompile(`(?m)^---$`)

// TestFilesConform: the files below clusters/ are right as they are written, too,
// whether or not a cluster applies them.
func TestFilesConform(t *testing.T) {
	dir, objects := t.TempDir(), 0
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, "clusters", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == planFile || filepath.Ext(name) != ".yaml" || entry.Name() == "kustomization.yaml" {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		put(t, dir, name, string(data))
		objects += len(separator.FindAll(data, -1))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, dir, objects)
}

// TestMistakesAreRefused: what is wrong with a manifest is found, in the kinds of
// Kubernetes, in those of Flux, and in the metadata of both.
func TestMistakesAreRefused(t *testing.T) {
	for name, mistake := range map[string]struct{ file, right, wrong, says string }{
		"a key of Kubernetes":     {"base/apps/podinfo/deployment.yaml", "readinessProbe:", "readynessProbe:", "readynessProbe"},
		"a type of Kubernetes":    {"base/apps/podinfo/deployment.yaml", "replicas: 2", "replicas: two", "/spec/replicas"},
		"a network policy":        {"base/apps/podinfo/network-policy.yaml", "policyTypes:", "policyType:", "policyType"},
		"a budget":                {"apps/local/disruption-budget-podinfo.yaml", "minAvailable:", "minAvailabel:", "minAvailabel"},
		"metadata of Kubernetes":  {"infra/local/namespace-observability.yaml", "labels:", "lables:", "lables"},
		"a key of a source":       {"infra/flux/config/flux-system.yaml", "secretRef:", "secretref:", "secretref"},
		"a Kustomization":         {"infra/flux/config/cluster-apps.yaml", "dependsOn:", "dependOn:", "dependOn"},
		"what has to be there":    {"infra/flux/config/cluster-apps.yaml", "  prune: true\n", "", "prune"},
		"metadata of Flux":        {"infra/flux/config/cluster-apps.yaml", "namespace:", "namespaces:", "namespaces"},
		"a newer key":             {"infra/flux/config/github-status.yaml", "commitStatusExpr:", "commitStatusExpression:", "commitStatusExpression"},
		"a key of an alert":       {"infra/flux/config/github-status.yaml", "exclusionList:", "exclusionsList:", "exclusionsList"},
		"a key that comes twice":  {"infra/flux/config/cluster-apps.yaml", "  prune: true\n", "  prune: true\n  prune: true\n", "prune"},
		"a version without kinds": {"infra/flux/config/cluster-apps.yaml", "fluxcd.io/v1\n", "fluxcd.io/v9\n", "could not find schema"},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(root, "clusters", mistake.file))
			if err != nil {
				t.Fatal(err)
			}
			mistaken := strings.Replace(string(data), mistake.right, mistake.wrong, 1)
			if mistaken == string(data) {
				t.Fatalf("%s has no %q", mistake.file, mistake.right)
			}
			dir := t.TempDir()
			put(t, dir, "mistaken.yaml", mistaken)
			j, err := shared.judge(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(j.Resources) != 1 || !strings.Contains(j.Resources[0].Msg, mistake.says) {
				t.Errorf("it is said %+v, want one that says %q", j, mistake.says)
			}
		})
	}
}

// TestWorkflowChecksAlike: the workflow that asks published schemas does so with
// the same kubeconform, and of the same Kubernetes.
func TestWorkflowChecksAlike(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, ".github", "workflows", "kubeconform.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	minor := regexp.MustCompile(`^v(\d+\.\d+\.)`).FindStringSubmatch(version(t, tools.ForClusters, tools.APIServer))
	for _, want := range []string{
		tools.Kubeconform.Package + "@" + version(t, tools.ForManifests, tools.Kubeconform) + "\n", "-strict ", "-kubernetes-version " + minor[1],
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("it does not run with %q", want)
		}
	}
}

func version(t *testing.T, module tools.Module, program tools.Program) string {
	t.Helper()
	version, err := module.Version(modules, program)
	if err != nil {
		t.Fatal(err)
	}
	return version
}
