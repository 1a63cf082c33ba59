package manifests

import (
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"sigs.k8s.io/yaml"

	"github.com/monosense/k8s-ops/rollout"
)

// TestClustersReportUnderTheirNames: each cluster has what reports to the plan's
// repository, in contexts that no other cluster writes. Package e2e shows the same of the
// clusters that it has.
func TestClustersReportUnderTheirNames(t *testing.T) {
	repository := readPlan(t).Repository
	for _, cluster := range render(t) {
		t.Run(cluster.Cluster, func(t *testing.T) {
			p := reporting(t, cluster)
			if want := "https://" + repository.Host + "/" + repository.Slug(); p.Spec.Address != want {
				t.Errorf("it reports to %s, want %s", p.Spec.Address, want)
			}
			for _, application := range cluster.Applications[1:] {
				context := contextOf(t, p.Spec.CommitStatusExpr, application.Name)
				if want := "flux/" + cluster.Cluster + "/" + application.Name; context != want {
					t.Errorf("it reports on %s as %s, want %s", application.Name, context, want)
				}
			}
		})
	}
}

// provider is what matters of one.
type provider struct {
	Metadata struct{ Name string }
	Spec     struct{ Address, CommitStatusExpr string }
}

// reporting is the Provider of the cluster's one Alert.
func reporting(t *testing.T, cluster rollout.RenderedCluster) provider {
	t.Helper()
	var alert struct {
		Spec struct{ ProviderRef struct{ Name string } }
	}
	var p provider
	only(t, cluster, "Alert", &alert)
	only(t, cluster, "Provider", &p)
	if alert.Spec.ProviderRef.Name != p.Metadata.Name {
		t.Errorf("the Alert is for %s, not for %s", alert.Spec.ProviderRef.Name, p.Metadata.Name)
	}
	return p
}

// only reads the one object of a kind.
func only(t *testing.T, cluster rollout.RenderedCluster, kind string, into any) {
	t.Helper()
	found := 0
	for _, application := range cluster.Applications {
		for _, object := range application.Objects {
			if object.Kind != kind || !strings.HasPrefix(object.Group, "notification.") {
				continue
			}
			found++
			if err := yaml.Unmarshal([]byte(object.Text), into); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found != 1 {
		t.Fatalf("%s has %d objects of the kind %s, want 1", cluster.Cluster, found, kind)
	}
}

// contextOf evaluates an expression for an event, as notification-controller does:
// it takes none whose type is not known beforehand to be a string.
func contextOf(t *testing.T, expression, kustomization string) string {
	t.Helper()
	var options []cel.EnvOption
	for _, variable := range []string{"event", "alert", "provider"} {
		options = append(options, cel.Variable(variable, cel.ObjectType("google.protobuf.Struct")))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		t.Fatal(err)
	}
	compiled, issues := env.Compile(expression)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	if compiled.OutputType() != cel.StringType {
		t.Fatalf("%s is of the type %s", expression, compiled.OutputType())
	}
	program, err := env.Program(compiled)
	if err != nil {
		t.Fatal(err)
	}
	event := map[string]any{"involvedObject": map[string]any{"kind": "Kustomization", "name": kustomization}}
	result, _, err := program.Eval(map[string]any{"event": event, "alert": map[string]any{}, "provider": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	return result.Value().(string)
}
