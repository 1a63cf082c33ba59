package planfile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// policies fills in what the stages of the plan ask of a revision.
func (b *binder) policies(sections []stageSection, plan rollout.Plan, now time.Time) {
	calendar := newCalendar(b, now)
	for i, section := range sections {
		if i == 0 {
			b.refusePolicy(section)
			continue
		}
		p := policy{binder: b, section: section, upstream: sections[i-1], forge: plan.Repository.Forge}
		stage := &plan.Stages[i]
		stage.Soak = b.soak(section)
		stage.SoakClock = p.clock()
		stage.Observed = p.observed()
		stage.Health = p.health()
		stage.Exposure = p.exposure()
		stage.Windows = calendar.windows(section)
	}
}

// refusePolicy complains of everything that the first stage would ask: nothing
// is promoted into it.
func (b *binder) refusePolicy(first stageSection) {
	for _, key := range []struct {
		at   text
		name string
	}{
		{text(first.Soak), "a soak"},
		{text(first.SoakOn), "soakOn"},
		{text(first.Unhealthy), "unhealthy"},
		{text(first.Require), "require"},
		{first.Health.At, "health"},
		{text(first.Exposure), "exposure"},
		{first.Windows.At, "windows"},
	} {
		if key.at.present() {
			b.fail(key.at, "remove it: the first stage has no upstream and takes everything at once",
				"%s is the first and cannot have %s", first, key.name)
		}
	}
}

// A policy is what one stage asks of its upstream's evidence.
type policy struct {
	*binder
	section, upstream stageSection
	forge             rollout.Forge
}

const (
	onWall, onHealthy = "wall", "healthy"
	pausing           = "pause"
	restarting        = "restart"
	observed          = "observed"
)

func (p policy) clock() rollout.SoakClock {
	on, unhealthy := text(p.section.SoakOn), text(p.section.Unhealthy)
	p.oneOf(on, "soakOn", onWall, onHealthy)
	p.oneOf(unhealthy, "unhealthy", pausing, restarting)
	if unhealthy.present() && (on.missing() || on.value == onWall) {
		p.fail(unhealthy, "add soakOn: healthy, or remove the line",
			"%s says what an unhealthy time does, and soaks on the wall clock", p.section)
	}
	if on.value != onHealthy {
		return rollout.WallClock
	}
	p.needsHealth(on, "soaks on healthy time", "nothing says what healthy is",
		"add health: with the contexts that have to be good, or write soakOn: wall")
	if unhealthy.value == restarting {
		return rollout.RestartingClock
	}
	return rollout.PausingClock
}

func (p policy) observed() bool {
	require := text(p.section.Require)
	if !require.present() {
		return false
	}
	if require.value != observed {
		p.fail(require, "write observed, or leave the key out", "require is %s", quote(require.value))
		return false
	}
	p.needsHealth(require, "requires what was observed", "nothing says who observed",
		"add health: with the contexts of the upstream stage's clusters")
	return true
}

func (p policy) exposure() rollout.ExposurePolicy {
	exposure := text(p.section.Exposure)
	p.oneOf(exposure, "exposure", string(rollout.ExposureWarned), string(rollout.ExposureRequired))
	return rollout.ExposurePolicy(exposure.value)
}

// needsHealth refuses what rests on evidence where there can be none.
func (p policy) needsHealth(at text, asks, lacks, hint string) {
	switch {
	case p.forge == rollout.ForgeGit:
		p.fail(at, noStatusesHint, "%s %s, and %s", p.section, asks, noStatuses)
	case p.section.Health.At.missing():
		p.fail(at, hint, "%s %s, and %s", p.section, asks, lacks)
	}
}

const (
	noStatuses     = "a plain Git remote has no commit statuses"
	noStatusesHint = "remove it, or keep the repository on GitHub"
)

func (p policy) health() rollout.Health {
	section := p.section.Health
	if section.At.present() && p.forge == rollout.ForgeGit {
		p.fail(section.At, noStatusesHint, "%s asks for health, and %s", p.section, noStatuses)
	}
	health := rollout.Health{Settle: p.length(text(section.Settle), fmt.Sprintf("%s: health.settle", p.section))}
	lines := map[string]int{}
	for _, cluster := range section.Clusters {
		p.checkUpstream(cluster.Cluster)
		health.Required = append(health.Required, p.requirements(cluster, lines)...)
	}
	return health
}

// checkUpstream refuses a cluster that does not follow the branch which the
// stage is fed from: what it reports is of other revisions.
func (p policy) checkUpstream(cluster text) {
	var names []string
	for _, name := range p.upstream.Clusters {
		if !text(name).present() {
			return // whatever it was meant to be has been complained of
		}
		names = append(names, name.value)
	}
	if slices.Contains(names, cluster.value) || len(names) == 0 {
		return
	}
	const shown = 10
	hint := "its upstream has " + quoteControls(strings.Join(names[:min(len(names), shown)], ", "))
	if guess := nearest(cluster.value, names); guess != "" {
		hint = fmt.Sprintf("did you mean %s?", quoteControls(guess))
	}
	p.fail(cluster, hint, "%s asks for the health of %s, which is no cluster of its upstream, %s",
		p.section, quote(cluster.value), p.upstream)
}

// requirements reads the contexts of one cluster. One that another cluster has
// on one of the lines is refused: a status would speak for both.
func (p policy) requirements(cluster clusterHealth, lines map[string]int) []rollout.Requirement {
	if len(cluster.Contexts) > maxItems {
		p.fail(text(cluster.Contexts[maxItems]), "write a pattern: * stands for any characters but a slash, ** for any",
			"the cluster %s has more than %d contexts", quote(cluster.Cluster.value), maxItems)
		return nil
	}
	var all []rollout.Requirement
	for _, context := range cluster.Contexts {
		at := text(context)
		if !at.present() {
			continue
		}
		p.checkOnce(at, lines, "the context %s is already on line %d", "remove one of the two; a status says of which cluster it is by its context alone, so give each cluster contexts of its own")
		if problem := checkContext(at.value); problem != nil {
			p.fail(at, problem.hint, "the context %s %s", quote(at.value), problem.message)
			continue
		}
		pattern, err := rollout.ParseGlob(at.value)
		if err != nil {
			p.fail(at, "write a context, such as flux/apps, or a pattern: * stands for any characters but a slash, ** for any", "%v", err)
			continue
		}
		all = append(all, rollout.Requirement{Cluster: cluster.Cluster.value, Contexts: pattern, Where: p.where(at)})
	}
	return all
}

// checkContext refuses what no forge calls a status, and what other globs have
// and these do not: it would stand for itself, match nothing, and nothing would
// ever be promoted.
func checkContext(context string) *problem {
	const bracket = "; for a bracket in a name write ?"
	switch {
	case strings.TrimSpace(context) == "":
		return &problem{"is empty", "write a context, such as flux/apps, or remove the line"}
	case strings.ContainsFunc(strings.ReplaceAll(context, " ", ""), invisible):
		return &problem{"has a character that nobody can see", "write the context as the forge shows it"}
	case strings.TrimSpace(context) != context:
		return &problem{"begins or ends with a space", "write " + quote(strings.TrimSpace(context))}
	case strings.HasPrefix(context, "!"):
		return &problem{"begins with !, and there is nothing to take something out with", "write only the contexts that have to be good"}
	case strings.ContainsAny(context, "{}"):
		return &problem{"has braces, which stand for nothing but themselves here", "write a line for each, such as flux/apps and flux/infra" + bracket}
	case strings.ContainsAny(context, "[]"):
		return &problem{"has square brackets, which stand for nothing but themselves here", "write a line for each, or ? for any one character" + bracket}
	case strings.Contains(context, `\`):
		return &problem{`has a \, which takes away the meaning of nothing here`, "write ? for a character that is a * or a ?"}
	}
	return nil
}

// where is the place of a text in messages of the policy.
func (b *binder) where(at text) string { return fmt.Sprintf("%s:%d", b.file, at.line) }
