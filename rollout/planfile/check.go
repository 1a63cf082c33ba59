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
	const optional, required = "optional", "required"
	if at := text(r); at.present() && at.value != optional && at.value != required {
		b.fail(at, "write optional or required", "override.reason is %s", quote(at.value))
	}
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
			Soak:     b.soak(section, i),
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
func (b *binder) soak(section stageSection, index int) time.Duration {
	soak := text(section.Soak)
	switch at, ok := section.place(); {
	case index == 0 && soak.present():
		b.fail(soak, "remove the line: the first stage has no upstream and gets every push at once",
			"%s is the first and cannot have a soak", section)
	case index > 0 && soak.present():
		length, problem := parseDuration(soak.value)
		if problem != nil {
			b.fail(soak, problem.hint, "%s: the soak %s", section, problem.message)
		}
		return length
	case index > 0 && soak.missing() && ok:
		b.fail(at, "add how long a revision stays upstream first, such as soak: 24h (soak: 0s promotes at once)",
			"%s has no soak", section)
	}
	return 0
}

// A problem is what is wrong with a value, without the place.
type problem struct{ message, hint string }

var (
	durationExpression = regexp.MustCompile(durationPattern)
	durationPart       = regexp.MustCompile(`([0-9.]+)([wdhms])`)
)

// parseDuration reads Go's durations down to seconds, and days and weeks of 24
// hours each. There are no calendar days: a soak across the end of summer time
// is as long as any other.
func parseDuration(value string) (time.Duration, *problem) {
	const hint = "write a number and a unit: 45s, 90m, 24h, 1h30m, 7d, 1w"
	if strings.HasPrefix(value, "-") {
		return 0, &problem{quote(value) + " is negative", "a soak is a span of time, 0s at least"}
	}
	if !durationExpression.MatchString(value) {
		return 0, &problem{quote(value) + " is no duration", hint}
	}
	var total time.Duration
	for _, part := range durationPart.FindAllStringSubmatch(value, -1) {
		length, ok := partLength(part[1], part[2])
		if total += length; !ok || total > maxSoak {
			return 0, &problem{
				fmt.Sprintf("%s is longer than %dd", quote(value), maxSoak/(24*time.Hour)),
				"no revision is worth waiting for that long; is the unit right?",
			}
		}
	}
	return total, nil
}

// partLength is false for a length of more than maxSoak. It looks before it
// multiplies, so that nothing overflows.
func partLength(number, unit string) (time.Duration, bool) {
	factor := time.Duration(1)
	switch unit {
	case "d":
		unit, factor = "h", 24
	case "w":
		unit, factor = "h", 7*24
	}
	length, err := time.ParseDuration(number + unit)
	if err != nil || length > maxSoak/factor {
		return 0, false
	}
	return length * factor, true
}
