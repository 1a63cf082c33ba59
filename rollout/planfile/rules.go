package planfile

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/monosense/k8s-ops/rollout"
)

// ruleSettings is a mapping whose keys are rules of verification, in their order.
type ruleSettings []ruleSetting

type ruleSetting struct {
	Rule    text
	Section ruleSection
}

// A ruleSection is what the plan says of one rule.
type ruleSection struct {
	Off motive `json:"off" jsonschema_description:"Why nothing that the rule finds is reported, for whoever reads the findings."`
}

func (b *binder) rules(node *yaml.Node, target reflect.Value, path string) {
	const howTo = "write each rule on an indented line of its own, and below it off: with the reason"
	var all ruleSettings
	b.mapping(node, path, howTo, howTo, func(key text, value *yaml.Node, path string) {
		var section ruleSection
		b.value(value, reflect.ValueOf(&section).Elem(), path)
		all = append(all, ruleSetting{key, section})
	})
	target.Set(reflect.ValueOf(all))
}

// rulesOff are the reasons of the rules that are turned off, by ID. Without any
// it is nil.
func (b *binder) rulesOff(all ruleSettings) map[string]string {
	var off map[string]string
	for _, setting := range all {
		b.checkRule(setting.Rule)
		reason := text(setting.Section.Off)
		b.checkWhy(reason, setting.Rule)
		if off == nil {
			off = map[string]string{}
		}
		off[setting.Rule.value] = reason.value
	}
	return off
}

// checkRule refuses a rule that there is not, and one without which the others
// mean nothing.
func (b *binder) checkRule(id text) {
	rule, ok := rollout.RuleByID(id.value)
	switch {
	case !ok:
		b.fail(id, oneOfThese(id.value, canBeOff()), "there is no rule %s", quote(id.value))
	case rule.Essential() != "":
		b.fail(id, "remove it; those that can be are "+listed(canBeOff()), "the rule %s cannot be turned off: %s", rule.ID, rule.Essential())
	}
}

// canBeOff are the IDs of the rules that a plan may turn off.
func canBeOff() []string {
	var ids []string
	for _, rule := range rollout.Rules() {
		if rule.Essential() == "" {
			ids = append(ids, rule.ID)
		}
	}
	return ids
}

func (b *binder) checkWhy(reason, rule text) {
	const hint = "write a line on why what it finds is meant"
	noun := fmt.Sprintf("the reason why %s is off", quote(rule.value))
	switch {
	case !reason.present():
	case strings.TrimSpace(reason.value) == "":
		b.fail(reason, hint, "%s is empty", noun)
	case utf8.RuneCountInString(reason.value) > maxMotive:
		b.fail(reason, hint+", and the rest as a comment", "%s is longer than %d characters", noun, maxMotive)
	}
}
