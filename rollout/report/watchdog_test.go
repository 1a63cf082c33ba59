package report_test

import (
	"bytes"
	"testing"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/report"
)

func TestWatchdog(t *testing.T) {
	for name, w := range map[string]rollout.Watchdog{
		"watchdog-well": {At: in(0)},
		"watchdog-notes": {At: in(0), Notes: []string{
			"a Git remote without a forge runs no workflow, so nobody can know here whether something else still runs release:promote",
		}},
		"watchdog": {At: in(0), Alarms: []rollout.Alarm{
			{Kind: rollout.AlarmOverdue, Stage: "apps", Revision: sha(3), What: "1a2b3c4 could have gone out 2h ago, and is not out", Ways: []string{"promote it: mage release:promote -stage=apps", "look why nothing else did"}},
			{Kind: rollout.AlarmSilent, What: "no run of release-promote.yaml has ended well for 4h", Ways: []string{"start one: gh workflow run release-promote.yaml"}},
			{Kind: rollout.AlarmUnseen, Stage: "shops", What: "observe shops: " + evil, Ways: []string{evil}},
		}, Notes: []string{evil}},
	} {
		t.Run(name, func(t *testing.T) {
			drawn(t, name, report.Watchdog(w))
			var b bytes.Buffer
			if err := report.WriteWatchdogJSON(&b, w); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", b.String())
		})
	}
}
