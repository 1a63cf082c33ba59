package hostiletest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/monosense/k8s-ops/magefiles/internal/wire"
	"github.com/monosense/k8s-ops/rollout/planfile"
	"github.com/monosense/k8s-ops/rollout/rollouttest/hostile"
)

// TestNamesThatAreRefused: a stage or a cluster has no such name, and a branch only one
// that Git takes; and what refuses it says so safely. A name that comes past the plan,
// as a cluster answers it or a run is called, is text like any other, and so tried with
// the outputs.
func TestNamesThatAreRefused(t *testing.T) {
	const name, branch, cluster = "apps", "release", "apps-1"
	plan := func(name, branch, cluster string) string {
		return fmt.Sprintf("repository: https://github.com/octo-org/fleet\nsource: {name: fleet, namespace: flux-system}\nledger: rollout/ledger\n"+
			"stages:\n  - {name: infra, branch: main, clusters: [infra]}\n  - {name: %s, branch: %s, clusters: [%s], soak: 24h}\n", name, branch, cluster)
	}
	if err := refusal(plan(name, branch, cluster)); err != nil {
		t.Fatal(err)
	}
	for _, text := range hostile.Texts() {
		bad := quoted(text.Text)
		for what, refused := range map[string]error{
			"stage": refusal(plan(bad, branch, cluster)), "cluster": refusal(plan(name, branch, bad)), "branch": refusal(plan(name, bad, cluster)),
		} {
			if accepted := refused == nil; accepted != (text.Branch && what == "branch") {
				t.Errorf("%s: the plan takes it for the name of a %s: %t", text.Name, what, accepted)
			}
			if refused == nil {
				continue
			}
			for _, wrong := range unforged(wire.Exit(refused).Error(), '\n') {
				t.Errorf("%s: what refuses it as the name of a %s is no safe text: %s", text.Name, what, wrong)
			}
		}
	}
}

func refusal(plan string) error {
	_, err := planfile.Parse("clusters/rollout.yaml", []byte(plan), planfile.Options{})
	return err
}

// quoted is a text as YAML has it. What is not UTF-8 stays so.
func quoted(text string) string {
	if !utf8.ValidString(text) {
		return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
	}
	data, _ := json.Marshal(text) // a string always can be
	return string(data)
}
