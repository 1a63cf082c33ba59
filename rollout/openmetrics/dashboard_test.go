package openmetrics_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/monosense/k8s-ops/rollout/openmetrics"
)

// dashboard is what is looked at of the one in docs/grafana.
type dashboard struct {
	UID        string
	Panels     []panel
	Templating struct {
		List []struct {
			Name  string
			Query any
		}
	}
}

type panel struct {
	ID          int
	Type, Title string
	Description string
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct{ Expr, RefID string }
	Datasource  struct{ UID string }
	FieldConfig struct{ Defaults struct{ Unit string } }
}

func readDashboard(t *testing.T) (dashboard, string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/grafana/rollout.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d, string(text)
}

var ours = regexp.MustCompile(`k8s_ops_rollout_[a-z0-9_]+`)

// It asks for every metric that there is, and for no other.
func TestDashboardAsksForWhatExists(t *testing.T) {
	_, text := readDashboard(t)
	asked := map[string]bool{}
	for _, name := range ours.FindAllString(text, -1) {
		name = strings.TrimSuffix(name, "_bucket")
		asked[name] = true
		if !slices.Contains(openmetrics.Names(), name) {
			t.Errorf("the dashboard asks for %s, and there is no such metric", name)
		}
	}
	for _, name := range openmetrics.Names() {
		if !asked[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

func TestDashboardPanels(t *testing.T) {
	d, _ := readDashboard(t)
	ids := map[int]string{}
	for _, p := range d.Panels {
		if other, ok := ids[p.ID]; ok || p.ID < 1 {
			t.Errorf("the panels %q and %q have the ID %d", other, p.Title, p.ID)
		}
		ids[p.ID] = p.Title
		if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W < 1 || p.GridPos.H < 1 {
			t.Errorf("the panel %q does not fit: %+v", p.Title, p.GridPos)
		}
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Description == "" || p.Datasource.UID != "${datasource}" {
			t.Errorf("the panel %q asks for nothing, does not say what it shows, or has a data source of its own", p.Title)
		}
		for _, target := range p.Targets {
			if !strings.Contains(target.Expr, `repository=~"$repository"`) {
				t.Errorf("the panel %q mixes repositories: %s", p.Title, target.Expr)
			}
		}
	}
	for i, p := range d.Panels {
		for _, q := range d.Panels[:i] {
			a, b := p.GridPos, q.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("the panels %q and %q lie on each other", q.Title, p.Title)
			}
		}
	}
}
