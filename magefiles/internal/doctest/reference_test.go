package doctest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/openmetrics"
	"github.com/monosense/k8s-ops/rollout/planfile"
)

func TestEveryTargetHasItsSection(t *testing.T) {
	readme := readPage(t, "README.md")
	targets := mageTargets(t)
	for name, flags := range targets {
		section := readme.section(t, "### "+name)
		if !regexp.MustCompile(`(?m)^go tool mage ` + name + `( |$)`).MatchString(section) {
			t.Errorf("README.md has no example of %s: a line that begins with go tool mage %s", name, name)
		}
		described := firstCells(section)
		for _, flag := range flags {
			if !slices.Contains(described, "-"+flag) {
				t.Errorf("README.md does not describe the flag -%s of %s", flag, name)
			}
		}
		for _, cell := range described {
			if flag, ok := strings.CutPrefix(cell, "-"); ok && !slices.Contains(flags, flag) && strings.Trim(cell, "-") != "" {
				t.Errorf("README.md describes a flag %s that %s does not have", cell, name)
			}
		}
	}
	for _, heading := range readPage(t, "README.md").headings() {
		if _, ok := targets[heading]; !ok && strings.Contains(heading, ":") {
			t.Errorf("README.md has a section %s, and there is no such target", heading)
		}
	}
}

func TestEveryTaskIsListed(t *testing.T) {
	section := readPage(t, "README.md").section(t, "## Tasks")
	for name, variables := range tasks(t) {
		row := regexp.MustCompile("(?m)^\\| .*`" + name + "`.*$").FindString(section)
		if row == "" {
			t.Errorf("README.md does not list the task %s", name)
			continue
		}
		for _, variable := range variables {
			if !strings.Contains(row, variable) {
				t.Errorf("README.md does not list the variable %s of the task %s", variable, name)
			}
		}
		if !regexp.MustCompile(`(?m)^go tool task (-x )?` + name + `( |$)`).MatchString(section) {
			t.Errorf("README.md has no example of the task %s", name)
		}
	}
}

func TestEveryExitCodeStandsInTheTables(t *testing.T) {
	codes := append(constants(t, "magefiles/internal/wire/exit.go", "exit"), "0")
	for name, section := range map[string]string{
		"README.md":          readPage(t, "README.md").section(t, "## Exit codes"),
		"docs/exit-codes.md": readPage(t, "docs/exit-codes.md").section(t, "# Exit codes"),
	} {
		agree(t, name, "exit code", codes, slices.DeleteFunc(firstCells(section), func(cell string) bool {
			return strings.Trim(cell, "0123456789") != ""
		}))
	}
}

func TestEveryKeyOfThePlanIsInTheReference(t *testing.T) {
	described := firstCells(readPage(t, "README.md").section(t, "## The plan"))
	agree(t, "README.md", "key of the plan", planKeys(t), slices.DeleteFunc(described, func(cell string) bool {
		return cell == "key" || strings.HasPrefix(cell, "-")
	}))
}

func TestEveryMetricIsDefined(t *testing.T) {
	described := slices.DeleteFunc(firstCells(readPage(t, "docs/metrics.md").section(t, "## The metrics")), func(cell string) bool {
		return cell == "metric" || strings.HasPrefix(cell, "-")
	})
	agree(t, "docs/metrics.md", "metric", openmetrics.Names(), described)
}

func TestEveryAlarmIsDefined(t *testing.T) {
	described := slices.DeleteFunc(firstCells(readPage(t, "docs/metrics.md").section(t, "## The watchdog")), func(cell string) bool {
		return cell == "alarm" || strings.HasPrefix(cell, "-")
	})
	var kinds []string
	for _, kind := range rollout.AlarmKinds() {
		kinds = append(kinds, string(kind))
	}
	agree(t, "docs/metrics.md", "alarm", kinds, described)
}

// Each rule has a section of its own, in the order in which the rules are listed.
// A heading of one word is a rule's.
func TestEveryRuleIsExplained(t *testing.T) {
	p := readPage(t, "docs/rules.md")
	var ids []string
	for _, rule := range rollout.Rules() {
		ids = append(ids, rule.ID)
		section := p.section(t, "## "+rule.ID)
		for _, part := range []string{severityLine(rule), "**What:**", "**Why it hurts:**", "**Mend:**"} {
			if !strings.Contains(section, part) {
				t.Errorf("%s: the rule %s has no %s", p.path, rule.ID, part)
			}
		}
	}
	sections := slices.DeleteFunc(p.headings(), func(heading string) bool { return strings.Contains(heading, " ") })
	if diff := cmp.Diff(ids, sections); diff != "" {
		t.Errorf("%s, the rules (-want +got):\n%s", p.path, diff)
	}
	for _, rule := range rollout.Rules() {
		if rule.Essential() != "" && !strings.Contains(p.section(t, "## To turn a rule off"), rule.ID) {
			t.Errorf("%s does not say that %s is always on", p.path, rule.ID)
		}
	}
}

// severityLine is what the page says of how bad a rule's findings are.
func severityLine(rule rollout.Rule) string {
	off := "can be turned off"
	if rule.Essential() != "" {
		off = "always on"
	}
	return fmt.Sprintf("**Severity:** %s; %s.", rule.Severity, off)
}

// agree checks that a page has each of what there is, once, and nothing else.
func agree(t *testing.T, page, kind string, real, described []string) {
	t.Helper()
	for _, name := range real {
		if !slices.Contains(described, name) {
			t.Errorf("%s does not have the %s %s", page, kind, name)
		}
	}
	for i, name := range described {
		if !slices.Contains(real, name) {
			t.Errorf("%s has the %s %s, and there is no such", page, kind, name)
		}
		if slices.Contains(described[:i], name) {
			t.Errorf("%s has the %s %s twice", page, kind, name)
		}
	}
}

func TestPlansCanBeRead(t *testing.T) {
	plans := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.info != "yaml plan" {
				continue
			}
			plans++
			if _, err := planfile.Parse("clusters/rollout.yaml", []byte(b.text), planfile.Options{}); err != nil {
				t.Errorf("%s: the plan is refused: %v", p.at(b.line), err)
			}
		}
	}
	if plans == 0 {
		t.Error("no page has a plan: a block that is marked `yaml plan`")
	}
}
