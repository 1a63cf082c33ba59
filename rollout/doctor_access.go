package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// token examines what the token at hand may do, and the deploy key where there is
// one. The workflow has a token of its own, of which nobody can tell from here: so
// one that lacks something stops nothing, but a deploy key does, since only what
// promotes has it.
func (d *Doctor) token(ctx context.Context) []Diagnosis {
	if d.Push == nil {
		return []Diagnosis{d.unasked(CheckToken, "nothing is known of what pushes")}
	}
	all := []Diagnosis{d.pushes(ctx)}
	if d.Examiner == nil {
		return all
	}
	rights, err := d.Examiner.Rights(ctx)
	if err != nil {
		return append(all, unknown(CheckToken, "scopes", err))
	}
	if d.Pushing == CredentialToken {
		all = append(all, d.scopes(rights))
	}
	return append(all, d.statuses(ctx)...)
}

// pushes examines whether what would push may.
func (d *Doctor) pushes(ctx context.Context) Diagnosis {
	err := d.Push(ctx)
	found := Diagnosis{Check: CheckToken, Of: "pushing", Level: LevelFine, What: fmt.Sprintf("the %s may push", d.Pushing)}
	if !errors.Is(err, ErrNotPermitted) {
		if err != nil {
			return unknown(CheckToken, "pushing", err)
		}
		return found
	}
	host := d.Engine.Plan.Repository.Host
	_, found.Details = sentences(err)
	found.What = fmt.Sprintf("the %s may not push", d.Pushing)
	switch d.Pushing {
	case CredentialKey:
		found.Level, found.Why = LevelStops, "what promotes with it is refused: most likely it is no deploy key of the repository, or one that only reads"
		found.Fix = d.newKey("")
	case CredentialToken:
		found.Level, found.Why = LevelWarning, "with it nobody can promote, hold or taint from here; the workflow has a token of its own"
		found.Fix = logIn(host)
	default:
		found.Level, found.Why = LevelStops, "nobody can promote, hold or taint with it"
		found.Fix = "git push --dry-run " + Quote(d.Engine.Plan.Repository.URL) + " HEAD:refs/heads/" + Quote(d.Engine.Plan.Ledger)
	}
	return found
}

// scopes examines whether a token may promote changes of workflow files.
func (d *Doctor) scopes(r Rights) Diagnosis {
	found := Diagnosis{Check: CheckToken, Of: "workflow files", Level: LevelFine}
	switch {
	case !r.Scoped:
		found.Level = LevelUnknown
		found.What = "GitHub does not tell what this kind of token may do"
		found.Why = "a revision that changes workflow files can be promoted from here only if it has Workflows: write"
	case slices.Contains(r.Scopes, "workflow"):
		found.What = "the token may promote changes of them"
	default:
		found.Level = LevelWarning
		found.What = "the token may not promote changes of them: it has not the scope workflow"
		found.Why = "a revision that changes them cannot be promoted from here"
		found.Fix = "gh auth refresh --scopes workflow --hostname " + Quote(d.Engine.Plan.Repository.Host)
	}
	return found
}

// statuses examines whether what clusters report can be read, where the plan asks
// for it.
func (d *Doctor) statuses(ctx context.Context) []Diagnosis {
	first := d.Engine.Plan.Stages[0].Branch
	asks := slices.ContainsFunc(d.Engine.Plan.Stages, func(s Stage) bool { return len(s.Health.Required) > 0 })
	witness, ok := d.Engine.Remote.(Witness)
	if !asks || !ok {
		return nil
	}
	found := Diagnosis{Check: CheckToken, Of: "statuses", Level: LevelFine, What: "what clusters report can be read"}
	o, err := d.Engine.Remote.Observe(ctx, Query{Branches: []string{first}, Ledger: d.Engine.Plan.Ledger})
	if err == nil {
		_, err = witness.Evidence(ctx, []SHA{o.Heads[first]})
	}
	switch {
	case errors.Is(err, ErrNotPermitted):
		found.Level, found.What = LevelWarning, "the token may not read what clusters report"
		found.Why = "the plan asks for it, so nobody can promote from here, nor see why nothing goes out"
		found.Fix = logIn(d.Engine.Plan.Repository.Host)
	case err != nil:
		return []Diagnosis{unknown(CheckToken, "statuses", err)}
	}
	return []Diagnosis{found}
}

// A key that is older than keyAge is worth changing: nobody knows who has a copy by
// then. One that nobody has used for keyIdle has most likely been forgotten.
const (
	keyAge  = 365 * 24 * time.Hour
	keyIdle = 90 * 24 * time.Hour
)

// keys examines the deploy keys that may push.
func (d *Doctor) keys(ctx context.Context) []Diagnosis {
	if d.Examiner == nil {
		return []Diagnosis{d.unasked(CheckKey, "a Git remote without a forge lists no keys")}
	}
	keys, err := d.Examiner.DeployKeys(ctx)
	if err != nil {
		return []Diagnosis{unknown(CheckKey, "", err)}
	}
	now, err := d.now(ctx)
	if err != nil {
		return []Diagnosis{unknown(CheckKey, "", err)}
	}
	var all []Diagnosis
	for _, key := range keys {
		if !key.ReadOnly {
			all = append(all, d.key(key, now))
		}
	}
	if len(all) == 0 {
		all = append(all, Diagnosis{Check: CheckKey, Level: LevelFine, What: "there is no deploy key that may push"})
	}
	return all
}

// now is the time by the forge's clock.
func (d *Doctor) now(ctx context.Context) (time.Time, error) {
	o, err := d.Engine.Remote.Observe(ctx, Query{Ledger: d.Engine.Plan.Ledger})
	return o.At, err
}

func (d *Doctor) key(key DeployKey, now time.Time) Diagnosis {
	found := Diagnosis{Check: CheckKey, Of: OneLine(key.Title, 80), Level: LevelFine}
	id := strconv.FormatInt(key.ID, 10)
	used := key.Created
	if key.LastUsed.After(used) {
		used = key.LastUsed
	}
	age, idle := FormatDuration(now.Sub(key.Created)), FormatDuration(now.Sub(used))
	switch {
	case key.Disabled:
		found.Level, found.What = LevelWarning, "GitHub takes it no more"
		found.Why = "if it is that of ROLLOUT_DEPLOY_KEY, nothing is promoted: a rule of the organization turns deploy keys off; if it is not, nobody needs it"
		found.Fix = d.gh("repo deploy-key delete " + id)
	case now.Sub(used) > keyIdle:
		found.Level, found.What = LevelWarning, "nobody has used it for "+idle
		found.Why = "whoever finds it can move every branch that no ruleset protects; if it is that of ROLLOUT_DEPLOY_KEY, nothing has been promoted since"
		found.Fix = d.gh("repo deploy-key delete " + id)
	case now.Sub(key.Created) > keyAge:
		found.Level, found.What = LevelWarning, "it is "+age+" old"
		found.Why = "whoever has a copy by now can move every branch that no ruleset protects; the command makes a new one, keeps it as the secret ROLLOUT_DEPLOY_KEY, and deletes this one"
		found.Fix = d.newKey(id)
	default:
		found.What = fmt.Sprintf("%s old, used %s ago", age, idle)
	}
	return found
}

// newKey is the command that makes a deploy key, gives it to the workflow, and
// deletes another one, by its ID. Its private half is nowhere else afterwards.
func (d *Doctor) newKey(instead string) string {
	steps := []string{
		`key=$(mktemp -d)`,
		`ssh-keygen -q -t ed25519 -N '' -C ROLLOUT_DEPLOY_KEY -f "$key/new"`,
		d.gh(`repo deploy-key add "$key/new.pub" --allow-write --title ROLLOUT_DEPLOY_KEY`),
		d.gh("secret set ROLLOUT_DEPLOY_KEY") + ` <"$key/new"`,
	}
	if instead != "" {
		steps = append(steps, d.gh("repo deploy-key delete "+instead))
	}
	return strings.Join(steps, " && ") + `; rm -r "$key"`
}

// clusters examines what the live clusters follow and run, as far as they can be
// reached from here.
func (d *Doctor) clusters(ctx context.Context) []Diagnosis {
	clusters, err := d.OpenClusters()
	if err != nil {
		return []Diagnosis{unknown(CheckCluster, "", err)}
	}
	standings, now, err := d.Engine.LookAtClusters(ctx, clusters, nil, d.Patience/2)
	if err != nil {
		return []Diagnosis{unknown(CheckCluster, "", err)}
	}
	var all []Diagnosis
	for _, s := range standings {
		all = append(all, d.cluster(s, now)...)
	}
	return all
}

func (d *Doctor) cluster(s LiveStanding, now time.Time) []Diagnosis {
	if s.Err != nil {
		found := unknown(CheckCluster, s.Cluster, s.Err)
		found.What, found.Why = "not asked: "+found.What, "so nobody knows whether it follows "+s.Branch.Branch+", and what it runs"
		return []Diagnosis{found}
	}
	var findings []Finding
	for _, p := range s.Problems(now) {
		findings = append(findings, Finding{Rule: p.Rule, Message: p.Message, Fix: p.Fix})
	}
	findings = append(findings, d.Inspect(s.Cluster, s.Live.Manifests)...)
	var all []Diagnosis
	for _, f := range findings {
		if _, off := d.Engine.Plan.RulesOff[f.Rule]; !off {
			all = append(all, clusterDiagnosis(s, f))
		}
	}
	for _, unread := range s.Live.Unread {
		all = append(all, Diagnosis{Check: CheckCluster, Of: s.Cluster, Level: LevelUnknown, What: "not read: " + OneLine(unread, 300), Why: "so nobody knows whether that makes or moves what the cluster follows"})
	}
	if len(all) == 0 {
		all = append(all, Diagnosis{Check: CheckCluster, Of: s.Cluster, Level: LevelFine, What: "follows " + s.Branch.Branch + ", and has " + short(s.Has())})
	}
	return all
}

// clusterDiagnosis is a finding of `verify:clusters` as a diagnosis. The same rules
// count here and there.
func clusterDiagnosis(s LiveStanding, f Finding) Diagnosis {
	rule, _ := RuleByID(f.Rule)
	found := Diagnosis{
		Check: CheckCluster, Of: s.Cluster, Level: LevelStops, What: OneLine(f.Rule+": "+f.Message, 1000),
		Why: "what is promoted does not reach " + s.Cluster + " as it should; " + rule.Title,
	}
	if rule.Severity == SeverityWarning {
		found.Level, found.Why = LevelWarning, rule.Title
	}
	if f.Rule == RuleBranchDiffers && s.Live.Source != nil {
		namespace, name, _ := strings.Cut(s.Live.Source.Name, "/")
		found.Fix = fmt.Sprintf("kubectl --context %s -n %s patch gitrepository %s --type=merge -p %s",
			Quote(s.Live.Context), Quote(namespace), Quote(name), Quote(fmt.Sprintf(`{"spec":{"ref":{"branch":%q}}}`, s.Branch.Branch)))
		return found
	}
	if strings.HasPrefix(f.Fix, "flux ") || strings.HasPrefix(f.Fix, "kubectl ") || strings.HasPrefix(f.Fix, "git ") {
		found.Fix = f.Fix
	} else {
		found.Why += "; " + OneLine(f.Fix, 500)
	}
	return found
}
