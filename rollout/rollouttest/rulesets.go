package rollouttest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ruleset is rules for the refs that match it.
type ruleset struct {
	id               int64
	created, updated time.Time
	rulesetBody
}

// rulesetBody is a ruleset as it is asked for.
type rulesetBody struct {
	Name         string        `json:"name"`
	Target       string        `json:"target"`
	Enforcement  string        `json:"enforcement"`
	BypassActors []bypassActor `json:"bypass_actors"`
	Conditions   *struct {
		RefName struct {
			Include []string `json:"include"`
			Exclude []string `json:"exclude"`
		} `json:"ref_name"`
	} `json:"conditions"`
	Rules []rule `json:"rules"`
}

// bypassActor is who need not keep to the rules.
type bypassActor struct {
	ActorID    *int64 `json:"actor_id"`
	ActorType  string `json:"actor_type"`
	BypassMode string `json:"bypass_mode"`
}

// rule is one rule; only the parameters of the enforced kinds are known.
type rule struct {
	Type       string          `json:"type"`
	Parameters *ruleParameters `json:"parameters,omitempty"`
}

type ruleParameters struct {
	UpdateAllowsFetchAndMerge *bool           `json:"update_allows_fetch_and_merge,omitempty"`
	RequiredStatusChecks      []requiredCheck `json:"required_status_checks,omitempty"`
	Strict                    *bool           `json:"strict_required_status_checks_policy,omitempty"`
	DoNotEnforceOnCreate      *bool           `json:"do_not_enforce_on_create,omitempty"`
}

type requiredCheck struct {
	Context       string `json:"context"`
	IntegrationID *int64 `json:"integration_id,omitempty"`
}

// The repository roles that a bypass actor may name, by their numbers.
var repositoryRoles = map[int64]string{2: "maintain", 4: "write", 5: "admin"}

// matches says whether a ruleset is for a ref.
func (s *ruleset) matches(r *Repository, name string) bool {
	if s.Conditions == nil || s.Enforcement != "active" || !strings.HasPrefix(name, "refs/heads/") != (s.Target == "tag") {
		return false
	}
	oneOf := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			switch pattern {
			case "~ALL":
				return true
			case "~DEFAULT_BRANCH":
				return name == "refs/heads/"+r.head
			}
			return fnmatch(pattern, name)
		})
	}
	return oneOf(s.Conditions.RefName.Include) && !oneOf(s.Conditions.RefName.Exclude)
}

// fnmatch is Ruby's File.fnmatch with FNM_PATHNAME, as GitHub documents it: "*"
// and "?" do not match a slash, "**/" matches any number of directories.
func fnmatch(pattern, name string) bool {
	switch {
	case pattern == "":
		return name == ""
	case strings.HasPrefix(pattern, "**/"):
		for rest := name; ; {
			if fnmatch(pattern[3:], rest) {
				return true
			}
			_, after, found := strings.Cut(rest, "/")
			if !found {
				return false
			}
			rest = after
		}
	case pattern[0] == '*':
		rest := strings.TrimLeft(pattern, "*")
		for i := 0; ; i++ {
			if fnmatch(rest, name[i:]) {
				return true
			}
			if i == len(name) || name[i] == '/' {
				return false
			}
		}
	case name == "", pattern[0] == '?' && name[0] == '/', pattern[0] != '?' && pattern[0] != name[0]:
		return false
	}
	return fnmatch(pattern[1:], name[1:])
}

// bypasses says whether an identity need not keep to a ruleset. The mode
// pull_request is for merges of pull requests, which nobody bypasses here.
func (s *ruleset) bypasses(r *Repository, who Identity) bool {
	return slices.ContainsFunc(s.BypassActors, func(a bypassActor) bool {
		if a.BypassMode == "pull_request" {
			return false
		}
		id := int64(0)
		if a.ActorID != nil {
			id = *a.ActorID
		}
		switch a.ActorType {
		case "DeployKey":
			return who.Kind == KindDeployKey
		case "Integration":
			return who.Kind == KindApp && who.AppID == id
		case "OrganizationAdmin":
			return who.Kind == KindUser && who.may(r, "administration", "write")
		case "RepositoryRole":
			return who.Kind == KindUser && repositoryRoles[id] == who.role(r)
		case "User":
			return who.Kind == KindUser && accountID(who.Login) == id
		}
		return false
	})
}

// role is a user's role in a repository.
func (i Identity) role(r *Repository) string {
	switch {
	case i.may(r, "administration", "write"):
		return "admin"
	case i.may(r, "contents", "write"):
		return "write"
	}
	return "read"
}

// rulesFor are the active rulesets that match a ref.
func (r *Repository) rulesFor(name string) []*ruleset {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []*ruleset
	for _, s := range r.rulesets {
		if s.matches(r, name) {
			found = append(found, s)
		}
	}
	return found
}

// ruleViolations are what the rulesets have against a move of a ref.
func (r *Repository) ruleViolations(who Identity, u refUpdate, kind ActivityType) []string {
	var lines []string
	for _, s := range r.rulesFor(u.ref) {
		if s.bypasses(r, who) {
			continue
		}
		for _, rule := range s.Rules {
			for _, line := range r.violated(rule, u, kind) {
				if !slices.Contains(lines, line) {
					lines = append(lines, line)
				}
			}
		}
	}
	return lines
}

// violated is what one rule has against a move.
func (r *Repository) violated(rule rule, u refUpdate, kind ActivityType) []string {
	creates, deletes := kind == ActivityBranchCreation, kind == ActivityBranchDeletion
	switch {
	case rule.Type == "creation" && creates:
		return []string{"Cannot create ref due to creations being restricted."}
	case rule.Type == "deletion" && deletes:
		return []string{"Cannot delete this branch"}
	case rule.Type == "non_fast_forward" && kind == ActivityForcePush:
		return []string{"Cannot force-push to this branch"}
	case rule.Type == "update" && !creates && !deletes:
		return []string{"Cannot update this protected ref."}
	case rule.Type == "required_linear_history" && !deletes && r.addsMerge(u):
		return []string{"This branch must not contain merge commits."}
	case rule.Type == "required_status_checks" && !deletes && rule.Parameters != nil:
		return r.missingChecks(*rule.Parameters, u, kind)
	}
	return nil
}

// addsMerge says whether a move brings a merge commit into a branch.
func (r *Repository) addsMerge(u refUpdate) bool {
	args := []string{"rev-list", "--merges", "-1", u.after}
	if u.before != zeroOID {
		args = append(args, "^"+u.before)
	}
	out, err := r.Git(args...)
	return err == nil && out != ""
}

// missingChecks names the required checks that the commit has not passed.
func (r *Repository) missingChecks(p ruleParameters, u refUpdate, kind ActivityType) []string {
	if kind == ActivityBranchCreation && p.DoNotEnforceOnCreate != nil && *p.DoNotEnforceOnCreate {
		return nil
	}
	passed := r.latest(u.after)
	var lines []string
	for _, check := range p.RequiredStatusChecks {
		if !slices.ContainsFunc(passed, func(s status) bool {
			return strings.EqualFold(s.Context, check.Context) && s.State == "success"
		}) {
			lines = append(lines, fmt.Sprintf("Required status check %q is expected.", check.Context))
		}
	}
	return lines
}

// ruleMessage is what REST and GraphQL say of violated rules.
func ruleMessage(lines []string) string {
	return "Repository rule violations found\n\n" + strings.Join(lines, "\n\n") + "\n\n"
}

// planHasRulesets refuses rulesets to a private repository of a free account.
func planHasRulesets(r *Repository) error {
	if r.private && r.plan == PlanFree {
		return &apiError{
			status:  http.StatusForbidden,
			message: "Upgrade to GitHub Pro or make this repository public to enable this feature.",
		}
	}
	return nil
}

// listRulesets is GET /repos/{owner}/{repo}/rulesets.
func listRulesets(c *call) (answer, error) {
	if err := planHasRulesets(c.repo); err != nil {
		return answer{}, err
	}
	c.repo.mu.Lock()
	all := slices.Clone(c.repo.rulesets)
	c.repo.mu.Unlock()
	if targets := c.r.URL.Query().Get("targets"); targets != "" {
		all = slices.DeleteFunc(all, func(s *ruleset) bool { return !slices.Contains(strings.Split(targets, ","), s.Target) })
	}
	page, link, err := paged(c, all)
	if err != nil {
		return answer{}, err
	}
	list := []fields{}
	for _, s := range page {
		shown := c.ruleset(s)
		for _, key := range []string{"bypass_actors", "conditions", "rules", "current_user_can_bypass"} {
			delete(shown, key) // the list has them not
		}
		list = append(list, shown)
	}
	return linked(answerJSON(http.StatusOK, list), link), nil
}

// ruleset is a ruleset as REST shows it.
func (c *call) ruleset(s *ruleset) fields {
	shown := fields{
		"id": s.id, "name": s.Name, "target": s.Target, "source_type": "Repository", "source": c.repo.Slug(),
		"enforcement": s.Enforcement, "conditions": s.Conditions, "rules": s.Rules,
		"node_id": nodeID("RRS", c.repo.id, strconv.FormatInt(s.id, 10)), "created_at": s.created, "updated_at": s.updated,
		"current_user_can_bypass": "never",
		"_links": fields{
			"self": fields{"href": c.repoURL("/rulesets/%d", s.id)},
			"html": fields{"href": c.webURL("/rules/%d", s.id)},
		},
	}
	if s.bypasses(c.repo, c.who) {
		shown["current_user_can_bypass"] = "always"
	}
	if c.who.may(c.repo, "administration", "write") { // who may not write rulesets does not see who may bypass them
		shown["bypass_actors"] = s.BypassActors
	}
	return shown
}

// checkRuleset refuses what GitHub refuses, and what the stand-in could not
// enforce.
func checkRuleset(b *rulesetBody) error {
	if b.Name == "" {
		return notSupplied("name")
	}
	if !slices.Contains([]string{"active", "disabled", "evaluate"}, b.Enforcement) {
		return invalidRequest("enforcement")
	}
	if b.Target == "" {
		b.Target = "branch"
	}
	if b.Target != "branch" && b.Target != "tag" {
		return &unknownRequest{what: "a ruleset with the target " + b.Target}
	}
	for i := range b.BypassActors {
		if err := checkBypassActor(&b.BypassActors[i]); err != nil {
			return err
		}
	}
	enforced := []string{"creation", "update", "deletion", "non_fast_forward", "required_linear_history", "required_status_checks"}
	for _, r := range b.Rules {
		if !slices.Contains(enforced, r.Type) {
			return &unknownRequest{what: "a rule of the type " + strconv.Quote(r.Type)}
		}
	}
	if b.BypassActors == nil {
		b.BypassActors = []bypassActor{}
	}
	if b.Rules == nil {
		b.Rules = []rule{}
	}
	return nil
}

// checkBypassActor refuses GitHub Actions' own app, and actors that do not
// exist.
func checkBypassActor(a *bypassActor) error {
	if a.BypassMode == "" {
		a.BypassMode = "always"
	}
	if !slices.Contains([]string{"always", "pull_request", "exempt"}, a.BypassMode) {
		return invalidRequest("bypass_mode")
	}
	switch a.ActorType {
	case "Integration":
		if a.ActorID == nil {
			return validationFailedText("Actor integration must exist")
		}
		if *a.ActorID == ActionsAppID {
			return validationFailedText("Actor GitHub Actions integration must be part of the ruleset source or owner organization")
		}
	case "RepositoryRole":
		if a.ActorID == nil || repositoryRoles[*a.ActorID] == "" {
			return validationFailedText("Actor role must exist")
		}
	case "DeployKey":
		if a.BypassMode == "pull_request" {
			return validationFailedText("Bypass mode pull_request is not allowed for deploy keys")
		}
		a.ActorID = nil
	case "OrganizationAdmin", "User", "Team":
	default:
		return invalidRequest("actor_type")
	}
	return nil
}

// validationFailedText is a 422 whose errors are plain texts, as those of
// rulesets are.
func validationFailedText(text string) error {
	return &apiError{status: http.StatusUnprocessableEntity, message: "Validation Failed", texts: []string{text}}
}

// createRuleset is POST /repos/{owner}/{repo}/rulesets.
func createRuleset(c *call) (answer, error) {
	if err := planHasRulesets(c.repo); err != nil {
		return answer{}, err
	}
	s := &ruleset{id: c.g.nextID(), created: c.now, updated: c.now}
	if err := c.decode(&s.rulesetBody); err != nil {
		return answer{}, err
	}
	if err := checkRuleset(&s.rulesetBody); err != nil {
		return answer{}, err
	}
	c.repo.mu.Lock()
	taken := slices.ContainsFunc(c.repo.rulesets, func(old *ruleset) bool { return old.Name == s.Name })
	if !taken {
		c.repo.rulesets = append(c.repo.rulesets, s)
	}
	c.repo.mu.Unlock()
	if taken {
		return answer{}, validationFailedText("Name must be unique")
	}
	return answerJSON(http.StatusCreated, c.ruleset(s)), nil
}

// findRuleset is the ruleset that a path names.
func (c *call) findRuleset() (*ruleset, error) {
	if err := planHasRulesets(c.repo); err != nil {
		return nil, err
	}
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	for _, s := range c.repo.rulesets {
		if strconv.FormatInt(s.id, 10) == c.vars["ruleset"] {
			return s, nil
		}
	}
	return nil, notFound()
}

// getRuleset is GET /repos/{owner}/{repo}/rulesets/{ruleset_id}.
func getRuleset(c *call) (answer, error) {
	s, err := c.findRuleset()
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, c.ruleset(s)), nil
}

// updateRuleset is PUT /repos/{owner}/{repo}/rulesets/{ruleset_id}. Keys that
// are not sent stay as they are.
func updateRuleset(c *call) (answer, error) {
	s, err := c.findRuleset()
	if err != nil {
		return answer{}, err
	}
	changed := &ruleset{id: s.id, created: s.created, updated: c.now}
	var sent rulesetBody
	if err := c.decode(&sent); err != nil {
		return answer{}, err
	}
	changed.rulesetBody = merged(s.rulesetBody, sent)
	if err := checkRuleset(&changed.rulesetBody); err != nil {
		return answer{}, err
	}
	c.repo.mu.Lock()
	for i, old := range c.repo.rulesets {
		if old.id == s.id {
			c.repo.rulesets[i] = changed
		}
	}
	c.repo.mu.Unlock()
	return answerJSON(http.StatusOK, c.ruleset(changed)), nil
}

// merged lays what was sent over what was there.
func merged(old, sent rulesetBody) rulesetBody {
	if sent.Name != "" {
		old.Name = sent.Name
	}
	if sent.Target != "" {
		old.Target = sent.Target
	}
	if sent.Enforcement != "" {
		old.Enforcement = sent.Enforcement
	}
	if sent.BypassActors != nil {
		old.BypassActors = sent.BypassActors
	}
	if sent.Conditions != nil {
		old.Conditions = sent.Conditions
	}
	if sent.Rules != nil {
		old.Rules = sent.Rules
	}
	return old
}

// deleteRuleset is DELETE /repos/{owner}/{repo}/rulesets/{ruleset_id}.
func deleteRuleset(c *call) (answer, error) {
	s, err := c.findRuleset()
	if err != nil {
		return answer{}, err
	}
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	c.repo.rulesets = slices.DeleteFunc(c.repo.rulesets, func(old *ruleset) bool { return old.id == s.id })
	return noContent(), nil
}

// listBranchRules is GET /repos/{owner}/{repo}/rules/branches/{branch}: the
// active rules, whether or not the branch exists.
func listBranchRules(c *call) (answer, error) {
	if err := planHasRulesets(c.repo); err != nil {
		return answer{}, err
	}
	all := []fields{}
	for _, s := range c.repo.rulesFor("refs/heads/" + c.vars["branch"]) {
		for _, r := range s.Rules {
			shown := fields{
				"type": r.Type, "ruleset_source_type": "Repository", "ruleset_source": c.repo.Slug(), "ruleset_id": s.id,
			}
			if r.Parameters != nil {
				shown["parameters"] = r.Parameters
			}
			all = append(all, shown)
		}
	}
	page, link, err := paged(c, all)
	if err != nil {
		return answer{}, err
	}
	return linked(answerJSON(http.StatusOK, page), link), nil
}
