package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// actionsApp is the ID of GitHub Actions' own app. Users report that GitHub
// refuses it as a bypass actor of a repository's ruleset.
const actionsApp = 15368

// ruleset is what the API says of a ruleset, and what it takes. Rules and
// actors stay as they were written, whatever else they hold.
type ruleset struct {
	ID           int64             `json:"id,omitempty"`
	Name         string            `json:"name"`
	Target       string            `json:"target"`
	SourceType   string            `json:"source_type,omitempty"`
	Enforcement  string            `json:"enforcement"`
	Conditions   *conditions       `json:"conditions,omitempty"`
	Rules        []json.RawMessage `json:"rules"`
	BypassActors []json.RawMessage `json:"bypass_actors,omitempty"`
}

type conditions struct {
	RefName refName `json:"ref_name"`
}

type refName struct {
	Include []string `json:"include"`
	Exclude []string `json:"exclude"`
}

// Protection implements [rollout.Settings]. Any active ruleset that keeps the
// branches from being deleted and rewound is enough; else the one with the
// protection's name is created, or completed: what is in it stays in it, but
// for exclusions of the very branches.
func (c *Client) Protection(ctx context.Context, p rollout.Protection) (rollout.Change, error) {
	change := rollout.Change{
		What:    fmt.Sprintf("ruleset %q", p.Name),
		Instead: "branches are not protected; a force-push or deletion by hand is not prevented, but noticed",
	}
	if p.Strict && p.App == actionsApp {
		return change, &rollout.Problem{
			Kind: rollout.ErrUsage,
			What: fmt.Sprintf("app %d is GitHub Actions itself, which GitHub refuses as a bypass actor of a repository's ruleset", actionsApp),
			Ways: []string{"leave the app out: deploy keys may bypass then", "or create a GitHub App with Contents: write, and give its ID"},
		}
	}
	all, err := c.rulesets(ctx)
	switch {
	case isStatus(err, http.StatusForbidden), isStatus(err, http.StatusNotFound):
		change.Found = "not available: " + c.said(err)
		return change, nil
	case err != nil:
		return change, c.explain("read the rulesets", err)
	}
	if i := slices.IndexFunc(all, func(r ruleset) bool { return r.missing(p) == nil }); i >= 0 {
		change.Found = fmt.Sprintf("%s protected by ruleset %q", strings.Join(p.Branches, " and "), all[i].Name)
		change.Instead = ""
		return change, nil
	}
	i := slices.IndexFunc(all, func(r ruleset) bool { return r.Name == p.Name && r.isOwn() })
	if i < 0 {
		wanted := ruleset{Name: p.Name, Target: "branch", Enforcement: "active"}.completed(p)
		change.Found = "missing"
		change.Intent = "create with " + strings.Join(wanted.ruleTypes(), ", ") + " for " + strings.Join(p.Branches, " and ")
		change.Apply = func(ctx context.Context) error {
			return c.putRuleset(ctx, http.MethodPost, c.path("rulesets"), wanted)
		}
		return change, nil
	}
	missing := all[i].missing(p)
	wanted := all[i].completed(p)
	change.Found = "lacks " + strings.Join(missing, ", ")
	change.Intent = "complete it; what else is in it stays"
	change.Apply = func(ctx context.Context) error {
		return c.putRuleset(ctx, http.MethodPut, c.path(fmt.Sprintf("rulesets/%d", all[i].ID)), wanted)
	}
	return change, nil
}

// rulesets reads all rulesets that apply to branches, an organization's
// included, in full: the list leaves out the rules.
func (c *Client) rulesets(ctx context.Context) ([]ruleset, error) {
	var list []ruleset
	for next := c.path("rulesets?per_page=100&includes_parents=true"); next != ""; {
		var page []ruleset
		header, err := c.get(ctx, next, &page)
		if err != nil {
			return nil, err
		}
		list = append(list, page...)
		if next, err = c.nextPage(header); err != nil {
			return nil, err
		}
	}
	var all []ruleset
	for _, r := range list {
		if r.Target != "" && r.Target != "branch" {
			continue
		}
		var full ruleset
		if _, err := c.get(ctx, c.path(fmt.Sprintf("rulesets/%d?includes_parents=true", r.ID)), &full); err != nil {
			return nil, err
		}
		all = append(all, full)
	}
	return all, nil
}

// wantedRules are the types of the rules that a protection consists of.
func wantedRules(p rollout.Protection) []string {
	if p.Strict {
		return []string{"deletion", "non_fast_forward", "update"}
	}
	return []string{"deletion", "non_fast_forward"}
}

// An actor is who may bypass a ruleset.
type actor struct {
	ID   *int64 `json:"actor_id"`
	Type string `json:"actor_type"`
	Mode string `json:"bypass_mode"`
}

// wantedActor is who may bypass a strict protection. A deploy key has no ID:
// all deploy keys of the repository are meant.
func wantedActor(p rollout.Protection) actor {
	if p.App != 0 {
		return actor{ID: &p.App, Type: "Integration", Mode: "always"}
	}
	return actor{Type: "DeployKey", Mode: "always"}
}

// is tells whether two actors stand for the same one.
func (a actor) is(other actor) bool {
	return a.Type == other.Type && (a.ID == nil || (other.ID != nil && *a.ID == *other.ID))
}

func (a actor) String() string {
	if a.ID == nil {
		return a.Type
	}
	return fmt.Sprintf("%s %d", a.Type, *a.ID)
}

// isOwn tells whether the ruleset is the repository's, not its organization's.
func (r ruleset) isOwn() bool { return r.SourceType == "" || r.SourceType == "Repository" }

// missing lists what the ruleset lacks of a protection, nil if nothing.
func (r ruleset) missing(p rollout.Protection) []string {
	var missing []string
	if r.Enforcement != "active" {
		missing = append(missing, "enforcement")
	}
	for _, branch := range p.Branches {
		if !r.covers(qualified(branch)) {
			missing = append(missing, "branch "+branch)
		}
	}
	for _, rule := range wantedRules(p) {
		if !slices.Contains(r.ruleTypes(), rule) {
			missing = append(missing, "rule "+rule)
		}
	}
	if p.Strict && !r.lets(wantedActor(p)) {
		missing = append(missing, "bypass actor "+wantedActor(p).String())
	}
	return missing
}

// covers tells whether a ref is included and not excluded. Where it is not
// sure what GitHub makes of a pattern, it says no.
func (r ruleset) covers(ref string) bool {
	if r.Conditions == nil {
		return false
	}
	matches := func(pattern string) bool {
		matched, err := path.Match(pattern, ref)
		return err == nil && matched
	}
	includes := func(pattern string) bool { return pattern == "~ALL" || matches(pattern) }
	excludes := func(pattern string) bool {
		return strings.HasPrefix(pattern, "~") || strings.Contains(pattern, "**") || matches(pattern)
	}
	names := r.Conditions.RefName
	return slices.ContainsFunc(names.Include, includes) && !slices.ContainsFunc(names.Exclude, excludes)
}

func (r ruleset) lets(wanted actor) bool {
	return slices.ContainsFunc(r.BypassActors, func(raw json.RawMessage) bool {
		var a actor
		return json.Unmarshal(raw, &a) == nil && wanted.is(a) && a.Mode != "pull_request"
	})
}

func (r ruleset) ruleTypes() []string {
	var types []string
	for _, raw := range r.Rules {
		var rule struct{ Type string }
		if json.Unmarshal(raw, &rule) == nil {
			types = append(types, rule.Type)
		}
	}
	return types
}

// completed is the ruleset with what a protection needs added to it. GitHub
// leaves alone what a request does not name, and shows the bypass actors only
// to those who may change them: so they are named only where one is added.
func (r ruleset) completed(p rollout.Protection) ruleset {
	var names refName
	if r.Conditions != nil {
		names = r.Conditions.RefName
	}
	names.Include, names.Exclude = slices.Clone(names.Include), append([]string{}, names.Exclude...)
	for _, branch := range p.Branches {
		ref := qualified(branch)
		names.Exclude = slices.DeleteFunc(names.Exclude, func(pattern string) bool { return pattern == ref })
		if !(ruleset{Conditions: &conditions{refName{Include: names.Include}}}).covers(ref) {
			names.Include = append(names.Include, ref)
		}
	}
	wanted := ruleset{Name: r.Name, Target: "branch", Enforcement: "active", Conditions: &conditions{names}, Rules: slices.Clone(r.Rules)}
	for _, rule := range wantedRules(p) {
		if !slices.Contains(r.ruleTypes(), rule) {
			wanted.Rules = append(wanted.Rules, json.RawMessage(fmt.Sprintf(`{"type":%q}`, rule)))
		}
	}
	if a := wantedActor(p); p.Strict && !r.lets(a) {
		id := "null"
		if a.ID != nil {
			id = strconv.FormatInt(*a.ID, 10)
		}
		raw := fmt.Sprintf(`{"actor_id":%s,"actor_type":%q,"bypass_mode":%q}`, id, a.Type, a.Mode)
		wanted.BypassActors = append(slices.Clone(r.BypassActors), json.RawMessage(raw))
	}
	return wanted
}

// putRuleset creates a ruleset, or changes one.
func (c *Client) putRuleset(ctx context.Context, method, path string, r ruleset) error {
	doing := fmt.Sprintf("set ruleset %q", r.Name)
	err := c.send(ctx, method, path, r, nil)
	switch {
	case err == nil:
		return nil
	case isUnclear(err):
		return c.uncertain(doing, err)
	default:
		return c.explain(doing, err)
	}
}
