package planfile

import (
	"reflect"
	"time"
)

// The types below are the format of the file. bind fills them, and the JSON
// schema is generated from them: a key exists exactly if it has a field here,
// and is required unless its field says omitempty. The descriptions are what an
// editor shows.

type document struct {
	Repository address         `json:"repository" jsonschema_description:"Where the branches live: an https:// or ssh:// URL, git@host:owner/name.git, file:///path, or an absolute or ./relative path of a bare repository. A relative path is resolved against the directory above the plan's own. Never with a password or token in it."`
	Forge      forge           `json:"forge,omitempty" jsonschema:"enum=github,enum=git" jsonschema_description:"What answers there. Default: github for github.com, *.ghe.com and the host in GH_HOST; git for everything else."`
	Source     sourceSection   `json:"source" jsonschema_description:"The Flux GitRepository that every cluster follows."`
	Ledger     branch          `json:"ledger" jsonschema_description:"The branch that keeps the audit trail and the state, such as rollout/ledger. It may not be a stage's branch."`
	Stages     []stageSection  `json:"stages" jsonschema:"minItems=2" jsonschema_description:"The stages in the order in which a revision passes through them. They are a line: each one's upstream is the one before it."`
	Override   overrideSection `json:"override,omitempty" jsonschema_description:"What a promotion that skips the soak has to bring along."`
}

type sourceSection struct {
	Name      objectName `json:"name" jsonschema_description:"metadata.name of the GitRepository."`
	Namespace label      `json:"namespace" jsonschema_description:"metadata.namespace of the GitRepository."`
}

type stageSection struct {
	Name     label    `json:"name" jsonschema_description:"The stage's name, unique in the plan."`
	Branch   branch   `json:"branch" jsonschema_description:"The branch that the stage's clusters follow, without refs/heads/."`
	Clusters []label  `json:"clusters" jsonschema:"minItems=1" jsonschema_description:"The clusters of the stage: names of directories under clusters/. A cluster is in one stage only."`
	Soak     duration `json:"soak,omitempty" jsonschema_description:"The least time between a revision's arrival upstream and its promotion into this stage, such as 24h, 90m, 7d or 1w; at most 365d. Required for every stage but the first, which must not have one."`
}

type overrideSection struct {
	Reason reason `json:"reason,omitempty" jsonschema:"enum=optional,enum=required" jsonschema_description:"Whether an override has to say why. Default: optional."`
}

// A text is a scalar of the file and where it stands. Its zero value is one
// that the file does not have.
type text struct {
	value        string
	line, column int
	refused      bool // it stands there, and has been complained of
}

// The kinds of text. Each has a check of its own, and all but the enumerations
// a pattern in the schema.
type (
	address    text
	branch     text
	duration   text
	forge      text
	label      text
	objectName text
	reason     text
)

var textType = reflect.TypeFor[text]()

// present says whether the file has a value that can be judged.
func (t text) present() bool { return t.line > 0 && !t.refused }

// missing says whether the file has nothing at all here.
func (t text) missing() bool { return t.line == 0 }

// What the schema says of the kinds of text. The checks are stricter where a
// regular expression cannot express them.
const (
	// labelPattern is RFC 1123's label, as Kubernetes takes it for namespaces:
	// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
	labelPattern = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// objectNamePattern is RFC 1123's subdomain, as Kubernetes takes it for
	// objects.
	objectNamePattern = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// durationPattern is Go's time.ParseDuration down to seconds, with days
	// and weeks, and without a sign.
	durationPattern = `^([0-9]+(\.[0-9]+)?[wdhms])+$`
	// branchPattern keeps out what would be an option or a full ref name.
	branchPattern = `^[^-/.\s~^:?*\[\\][^\s~^:?*\[\\]*$`
	// addressPattern tells the five spellings apart.
	addressPattern = `^(https?://|ssh://|file:///|/|\.\.?/|[A-Za-z0-9_][A-Za-z0-9_.-]*@)`
)

const (
	maxLabel      = 63
	maxObjectName = 253
	// maxBranch leaves room for "refs/heads/" in the 255 bytes that a file
	// name may have where a forge keeps refs as files.
	maxBranch = 244
	// maxSoak is where a soak is rather a slip of the keyboard: a revision that
	// is older than a year is not what anybody means to promote.
	maxSoak = 365 * 24 * time.Hour
)
