package report

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/monosense/k8s-ops/rollout"
)

// The parts of SARIF 2.1.0 that are written here
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html). A log has
// no times and no paths of this machine, so that the same tree makes the same
// log.
type (
	sarif struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool sarifTool `json:"tool"`
		// Bases says what the URIs are relative to. Whoever shows the log knows
		// where that is.
		Bases      map[string]sarifBase `json:"originalUriBaseIds"`
		ColumnKind string               `json:"columnKind"`
		Results    []sarifResult        `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		ShortDescription sarifMessage `json:"shortDescription"`
		FullDescription  sarifMessage `json:"fullDescription"`
		Help             sarifMessage `json:"help"`
		HelpURI          string       `json:"helpUri"`
		Configuration    sarifLevel   `json:"defaultConfiguration"`
	}
	sarifLevel struct {
		Level rollout.Severity `json:"level"`
	}
	sarifBase struct {
		Description sarifMessage `json:"description"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        rollout.Severity   `json:"level"`
		Message      sarifMessage       `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Related      []sarifLocation    `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Properties   map[string]string  `json:"properties,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
		Message  *sarifMessage  `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		Name           string `json:"name"`
		FullyQualified string `json:"fullyQualifiedName"`
		Kind           string `json:"kind"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	homepage    = "https://github.com/monosense/k8s-ops"
	rulesPage   = homepage + "/blob/main/docs/rules.md"
	// sourceRoot is what code scanning calls the repository's root.
	sourceRoot = "%SRCROOT%"
	// fingerprint names how results are told apart; a new way gets a new name.
	fingerprint = "rolloutFinding/v1"
)

// sarifLog is a log of a verification. Findings of rules that the plan turns off
// are in it, suppressed.
func sarifLog(v rollout.Verification) sarif {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "rollout", InformationURI: homepage, Rules: sarifRules()}},
		Bases:      map[string]sarifBase{sourceRoot: {sarifMessage{"The root of the repository."}}},
		ColumnKind: "unicodeCodePoints",
		Results:    []sarifResult{}, // an array, also where it is empty
	}
	for _, finding := range v.Findings {
		run.Results = append(run.Results, sarifFinding(finding))
	}
	for _, off := range v.Off {
		for _, finding := range off.Findings {
			result := sarifFinding(finding)
			result.Suppressions = []sarifSuppression{{Kind: "external", Justification: oneLine(off.Reason)}}
			run.Results = append(run.Results, result)
		}
	}
	numberFingerprints(run.Results)
	return sarif{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}}
}

func sarifRules() []sarifRule {
	var rules []sarifRule
	for _, rule := range rollout.Rules() {
		title, page := sentence(rule.Title), rulesPage+"#"+rule.ID
		help := fmt.Sprintf("%s %s How to mend it: %s", title, harm[rule.ID], page)
		rules = append(rules, sarifRule{
			ID: rule.ID, ShortDescription: sarifMessage{title}, FullDescription: sarifMessage{harm[rule.ID]},
			Help: sarifMessage{help}, HelpURI: page, Configuration: sarifLevel{rule.Severity},
		})
	}
	return rules
}

// sentence makes a sentence of a rule's title.
func sentence(title string) string {
	first, size := utf8.DecodeRuneInString(title)
	return string(unicode.ToUpper(first)) + title[size:] + "."
}

func sarifFinding(f rollout.Finding) sarifResult {
	at := sarifPlace(f.File, f.Line)
	for i, name := range f.Chain {
		kind := "Kustomization"
		if i == 0 {
			kind = "cluster"
		}
		at.Logical = append(at.Logical, sarifLogical{oneLine(name), oneLine(strings.Join(f.Chain[:i+1], " › ")), kind})
	}
	slices.Reverse(at.Logical) // what is shown of several is the first
	result := sarifResult{
		RuleID: f.Rule, RuleIndex: slices.IndexFunc(rollout.Rules(), func(r rollout.Rule) bool { return r.ID == f.Rule }),
		Level: severity(f), Message: sarifMessage{plain(f.Message + "\nFix: " + f.Fix)}, Locations: []sarifLocation{at},
		Fingerprints: map[string]string{fingerprint: identity(f)}, Properties: map[string]string{},
	}
	for _, related := range f.Related {
		place := sarifPlace(related.File, related.Line)
		place.Message = &sarifMessage{plain(related.Message)}
		result.Related = append(result.Related, place)
	}
	for key, value := range map[string]string{"stage": f.Stage, "cluster": f.Cluster} {
		if value != "" {
			result.Properties[key] = oneLine(value)
		}
	}
	return result
}

func sarifPlace(file string, line int) sarifLocation {
	at := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{URI: (&url.URL{Path: file}).String(), Base: sourceRoot}}}
	if line > 0 {
		at.Physical.Region = &sarifRegion{line}
	}
	return at
}

// plain is a text in which nothing can pass for a link: SARIF takes [text](URL)
// for one in plain messages, too. Braces, which it wants doubled for the sake of
// placeholders, stay as they are: no message here has arguments, viewers show the
// text as it is, and a fix is there to be copied.
func plain(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(oneLine(line), "](", "] (")
	}
	return strings.Join(lines, "\n")
}

// lineNumber is what moves in a message when lines do.
var lineNumber = regexp.MustCompile(`(\bline |:)[0-9]+\b`)

// identity tells findings apart by all but the lines, which move with every
// change above them.
func identity(f rollout.Finding) string {
	parts := append([]string{f.Rule, f.Stage, f.Cluster, f.File, lineNumber.ReplaceAllString(f.Message, "$1")}, f.Chain...)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(parts, "\x00"))))
}

// numberFingerprints tells the findings apart that only their lines tell apart.
func numberFingerprints(results []sarifResult) {
	seen := map[string]int{}
	for _, result := range results {
		id := result.Fingerprints[fingerprint]
		seen[id]++
		result.Fingerprints[fingerprint] = fmt.Sprintf("%s:%d", id, seen[id])
	}
}
