package planfile

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

// check judges the values of the document. What bind has already complained of
// is not present in it, and is passed over.
func (b *binder) check(doc document, options Options) *File {
	file := &File{path: b.file, clusterLines: map[string]int{}}
	b.checkSource(doc.Source)
	b.checkBranches(doc)
	file.Plan = rollout.Plan{
		Repository: b.repository(doc, options),
		Source:     rollout.Source{Name: doc.Source.Name.value, Namespace: doc.Source.Namespace.value},
		Ledger:     doc.Ledger.value,
		Stages:     b.stages(doc.Stages, file.clusterLines),
		Override:   rollout.OverridePolicy{ReasonRequired: b.reasonRequired(doc.Override.Reason)},
	}
	b.policies(doc.Stages, file.Plan, options.Now)
	file.Plan.Entries = b.entryPoints(doc.Entries, doc.Stages)
	file.Plan.Contexts = b.contexts(doc.Contexts, doc.Stages)
	file.Plan.RulesOff = b.rulesOff(doc.Rules)
	return file
}

var (
	labelExpression      = regexp.MustCompile(labelPattern)
	objectNameExpression = regexp.MustCompile(objectNamePattern)
)

func (b *binder) checkSource(source sourceSection) {
	name := text(source.Name)
	if name.present() && (len(name.value) > maxObjectName || !objectNameExpression.MatchString(name.value)) {
		b.fail(name, "use the GitRepository's metadata.name: lower-case letters, digits, - and .",
			"source.name %s is no name of a Kubernetes object", quote(name.value))
	}
	b.checkLabel(source.Namespace, "source.namespace")
}

// checkLabel refuses every name that could leave its directory, look like an
// option, or be no name in Kubernetes.
func (b *binder) checkLabel(l label, noun string) {
	at := text(l)
	if at.present() && (len(at.value) > maxLabel || !labelExpression.MatchString(at.value)) {
		b.fail(at, fmt.Sprintf("use lower-case letters, digits and -, at most %d, with a letter or digit at both ends", maxLabel),
			"%s %s is no valid name", noun, quote(at.value))
	}
}

func (b *binder) reasonRequired(r reason) bool {
	const required = "required"
	b.oneOf(text(r), "override.reason", "optional", required)
	return r.value == required
}

func (b *binder) stages(sections []stageSection, clusterLines map[string]int) []rollout.Stage {
	stages := make([]rollout.Stage, len(sections))
	names := map[string]int{}
	for i, section := range sections {
		b.checkLabel(section.Name, "the stage name")
		b.checkOnce(text(section.Name), names, "the stage %s is already on line %d", "give each stage a name of its own")
		stages[i] = rollout.Stage{
			Name:     section.Name.value,
			Branch:   section.Branch.value,
			Clusters: b.clusters(section, clusterLines),
		}
	}
	if len(sections) == 1 {
		b.checkDownstream(sections[0])
	}
	return stages
}

// checkDownstream complains of a plan whose only stage this is. One without any
// stage is an empty list, and bind has said so.
func (b *binder) checkDownstream(only stageSection) {
	if at, ok := only.place(); ok {
		b.fail(at, "add the stage that takes what this one has proved, with a branch, clusters and a soak",
			"the plan has one stage, and needs at least two")
	}
}

// place is where to point at when the stage is meant. A stage that was no
// mapping has none, and has been complained of.
func (s stageSection) place() (text, bool) {
	for _, at := range []text{text(s.Name), text(s.Branch), text(s.Soak)} {
		if !at.missing() {
			return at, true
		}
	}
	return text{}, false
}

func (s stageSection) String() string {
	if s.Name.value == "" {
		return "a stage"
	}
	return "the stage " + quote(s.Name.value)
}

func (b *binder) clusters(section stageSection, lines map[string]int) []string {
	names := make([]string, len(section.Clusters))
	for i, cluster := range section.Clusters {
		names[i] = cluster.value
		b.checkLabel(cluster, "the cluster name")
		b.checkOnce(text(cluster), lines, "the cluster %s is already on line %d",
			"keep it in the one stage whose branch it follows")
	}
	return names
}

// checkOnce remembers the line of each value, and refuses a second one.
func (b *binder) checkOnce(at text, lines map[string]int, message, hint string) {
	if !at.present() {
		return
	}
	if line, ok := lines[at.value]; ok {
		b.fail(at, hint, message, quote(at.value), line)
		return
	}
	lines[at.value] = at.line
}

// soak demands a soak of every stage that has an upstream. Without one the
// stage would take everything at once: that has to be written down as 0s.
func (b *binder) soak(section stageSection) time.Duration {
	soak := text(section.Soak)
	if at, ok := section.place(); ok && soak.missing() {
		b.fail(at, "add how long a revision stays upstream first, such as soak: 24h (soak: 0s promotes at once)",
			"%s has no soak", section)
	}
	return b.length(soak, fmt.Sprintf("%s: the soak", section))
}

// A problem is what is wrong with a value, without the place.
type problem struct{ message, hint string }

var durationExpression = regexp.MustCompile(durationPattern)

// length reads a duration. There are no calendar days: a soak across the end of
// summer time is as long as any other.
func (b *binder) length(at text, noun string) time.Duration {
	if !at.present() {
		return 0
	}
	length, err := rollout.ParseDuration(at.value)
	switch {
	case err == nil:
		return length
	case strings.HasPrefix(at.value, "-"):
		b.fail(at, "write how long, 0s at least", "%s %s is negative", noun, quote(at.value))
	case !durationExpression.MatchString(at.value):
		b.fail(at, "write a number and a unit: 45s, 90m, 24h, 1h30m, 7d, 1w", "%s %s is no duration", noun, quote(at.value))
	default:
		b.fail(at, "nothing in a plan is worth waiting for that long; is the unit right?",
			"%s %s is longer than %dd", noun, quote(at.value), rollout.MaxSoak/(24*time.Hour))
	}
	return 0
}

// oneOf refuses a text that is none of two words.
func (b *binder) oneOf(at text, noun, first, second string) {
	if at.present() && at.value != first && at.value != second {
		b.fail(at, fmt.Sprintf("write %s or %s", first, second), "%s is %s", noun, quote(at.value))
	}
}
