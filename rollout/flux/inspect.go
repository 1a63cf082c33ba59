package flux

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
)

// Inspect checks what a live cluster has by the rules of a verification: the
// manifests of its GitRepositories, its Flux Kustomizations, and of whatever else
// decides what is applied. It follows none of them: the findings have no place,
// for nobody knows from which file a cluster has an object. A cluster that the
// plan does not have, and a manifest that cannot be read, give none.
func Inspect(plan rollout.Plan, name string, manifests [][]byte) []rollout.Finding {
	for _, stage := range plan.Stages {
		for _, one := range stage.Clusters {
			if one == name {
				return inspect(plan, cluster{stage: stage, name: name, entry: plan.Entries[name]}, manifests)
			}
		}
	}
	return nil
}

func inspect(plan rollout.Plan, c cluster, manifests [][]byte) []rollout.Finding {
	r := &reach{
		verifier: &verifier{Options: Options{Plan: plan}, entries: entriesOf(plan), used: map[string]bool{}},
		cluster:  c, objects: map[key][]*object{}, sought: map[configMapName]sought{}, lacking: map[need]bool{},
	}
	everything := &application{directory: &directory{survey: &survey{}, name: "the cluster"}}
	r.applications = []*application{everything}
	for _, text := range manifests {
		var document yaml.Node
		if err := yaml.Unmarshal(text, &document); err != nil || len(document.Content) != 1 {
			continue
		}
		o := newObject(document.Content[0])
		o.in, o.manifest = everything, &manifest{group: o.group, version: o.version, kind: o.kind, namespace: o.namespace, name: o.name, node: o.node}
		everything.objects = append(everything.objects, o)
	}
	r.add(everything.objects)
	var found []rollout.Finding
	for _, v := range check(r, plan, c.stage) {
		found = append(found, rollout.Finding{Rule: v.rule, Message: alive.Replace(v.message), Fix: alive.Replace(v.fix)})
	}
	return found
}

// alive says of a live cluster what the rules say of a build.
var alive = strings.NewReplacer("the build has", "the cluster has", "the build does", "the cluster does")
