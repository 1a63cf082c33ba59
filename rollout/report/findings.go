package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/monosense/k8s-ops/rollout"
)

// A FindingFormat is how the findings of a branch verification are written.
type FindingFormat string

// The formats.
const (
	// FindingText is for a terminal: a place, what is wrong and, on lines of
	// their own, how the cluster comes to it, and the fix.
	FindingText FindingFormat = "text"
	// FindingJSON is one object: what was counted, the findings as an array,
	// and those of rules that are turned off.
	FindingJSON FindingFormat = "json"
	// FindingGitHub is one workflow command a finding, which GitHub shows at
	// the line in the pull request, followed by the text's last lines.
	FindingGitHub FindingFormat = "github"
	// FindingSARIF is a log of SARIF 2.1.0, as code scanning takes it.
	FindingSARIF FindingFormat = "sarif"
)

// ParseFindingFormat reads a format's name. The empty name is text.
func ParseFindingFormat(name string) (FindingFormat, error) {
	switch format := FindingFormat(name); format {
	case "":
		return FindingText, nil
	case FindingText, FindingJSON, FindingGitHub, FindingSARIF:
		return format, nil
	}
	return "", &rollout.Problem{
		Kind: rollout.ErrUsage, What: fmt.Sprintf("there is no format %q for findings", name),
		Ways: []string{fmt.Sprintf("write %s, %s, %s or %s", FindingText, FindingJSON, FindingGitHub, FindingSARIF)},
	}
}

// WriteFindings writes what a branch verification found.
func WriteFindings(w io.Writer, format FindingFormat, v rollout.Verification) error {
	var b strings.Builder
	switch format {
	case FindingJSON:
		if err := findingsJSON(&b, v); err != nil {
			return fmt.Errorf("write findings as JSON: %w", err)
		}
	case FindingSARIF:
		if err := write(&b, sarifLog(v)); err != nil {
			return fmt.Errorf("write findings as SARIF: %w", err)
		}
	case FindingGitHub:
		for _, finding := range v.Findings {
			fmt.Fprintf(&b, "%s\n", findingCommand(finding))
		}
		findingsEnd(&b, v)
	default:
		findingsText(&b, v)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// findingsText groups by cluster, because a cluster is what somebody is called
// for.
func findingsText(b *strings.Builder, v rollout.Verification) {
	for _, group := range groupFindings(v.Findings) {
		fmt.Fprintf(b, "%s\n\n", oneLine(group.title))
		for _, finding := range group.findings {
			fmt.Fprintf(b, "%s: %s: %s: %s\n", oneLine(findingPlace(finding.File, finding.Line)), severity(finding), finding.Rule, oneLine(finding.Message))
			for _, line := range around(finding) {
				fmt.Fprintf(b, "    %s\n", line)
			}
			fmt.Fprintf(b, "    → %s\n", oneLine(finding.Fix))
		}
		b.WriteString("\n")
	}
	findingsEnd(b, v)
}

// findingsEnd says what is turned off, and what was counted.
func findingsEnd(b *strings.Builder, v rollout.Verification) {
	for _, off := range v.Off {
		fmt.Fprintf(b, "off: %s, %s: %s\n", oneLine(off.Rule), Count(off.Count, "finding"), oneLine(off.Reason))
	}
	fmt.Fprintf(b, "%s\n", findingsSummary(v))
}

// around are the lines that say how the cluster comes to what a finding is
// about, and what else has to do with it.
func around(f rollout.Finding) []string {
	var lines []string
	if len(f.Chain) > 1 {
		lines = append(lines, oneLine("in "+strings.Join(f.Chain, " › ")))
	}
	for _, related := range f.Related {
		lines = append(lines, oneLine(findingPlace(related.File, related.Line)+": "+related.Message))
	}
	return lines
}

// severity is a finding's own. One that nobody gave any is an error.
func severity(f rollout.Finding) rollout.Severity {
	if f.Severity == rollout.SeverityWarning {
		return rollout.SeverityWarning
	}
	return rollout.SeverityError
}

// A findingGroup is the findings of one cluster.
type findingGroup struct {
	title    string
	findings []rollout.Finding
}

// groupFindings keeps the order of the findings, also that of the clusters.
func groupFindings(findings []rollout.Finding) []findingGroup {
	var groups []findingGroup
	index := map[string]int{}
	for _, finding := range findings {
		title := "cluster " + finding.Cluster
		if finding.Stage != "" {
			title += ", stage " + finding.Stage
		}
		i, ok := index[title]
		if !ok {
			i = len(groups)
			index[title] = i
			groups = append(groups, findingGroup{title: title})
		}
		groups[i].findings = append(groups[i].findings, finding)
	}
	return groups
}

func findingPlace(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

func findingsSummary(v rollout.Verification) string {
	checked := fmt.Sprintf("checked %s, %s and %s", Count(v.Clusters, "cluster"), Count(v.Kustomizations, "Kustomization"), Count(v.Objects, "object"))
	if len(v.Findings) == 0 {
		return checked + ": every cluster can only apply its stage's branch"
	}
	files := map[string]bool{}
	for _, finding := range v.Findings {
		files[finding.File] = true
	}
	return fmt.Sprintf("%s and %s in %s; %s", Count(v.Errors(), "error"), Count(v.Warnings(), "warning"), Count(len(files), "file"), checked)
}

func findingsJSON(w io.Writer, v rollout.Verification) error {
	if v.Findings == nil {
		v.Findings = []rollout.Finding{} // an array, also where it is empty
	}
	return write(w, v)
}

// findingCommand is GitHub's workflow command for an annotation
// (docs.github.com, "Workflow commands for GitHub Actions", error and warning).
func findingCommand(f rollout.Finding) string {
	properties := "file=" + escapeProperty(rollout.Printable(f.File, longestLine))
	if f.Line > 0 {
		properties += fmt.Sprintf(",line=%d", f.Line)
	}
	text := append([]string{oneLine(f.Message)}, around(f)...)
	text = append(text, "Fix: "+oneLine(f.Fix))
	return fmt.Sprintf("::%s %s,title=%s::%s", severity(f), properties, escapeProperty(f.Rule), escapeData(strings.Join(text, "\n")))
}

// GitHub's own escapes (actions/toolkit, packages/core/src/command.ts): without
// them a message could end the command and begin another one.
var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func escapeData(s string) string     { return dataEscapes.Replace(s) }
func escapeProperty(s string) string { return propertyEscapes.Replace(s) }
