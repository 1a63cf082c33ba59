package planfile

import "reflect"

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
	Entries    entryPoints     `json:"entries,omitempty" jsonschema_description:"The entry points that are not where they are looked for (flux and flux-system in the cluster's directory, and a FluxInstance below it): for each such cluster the path of a directory or a manifest, relative to the repository's root."`
	Contexts   contextNames    `json:"contexts,omitempty" jsonschema_description:"The contexts of the kubeconfig by which live clusters are reached, for each cluster whose context has another name than the cluster."`
	Rules      ruleSettings    `json:"rules,omitempty" jsonschema_description:"Rules of verification that are turned off, each with the reason. docs/rules.md explains them."`
}

type sourceSection struct {
	Name      objectName `json:"name" jsonschema_description:"metadata.name of the GitRepository."`
	Namespace label      `json:"namespace" jsonschema_description:"metadata.namespace of the GitRepository."`
}

type stageSection struct {
	Name      label          `json:"name" jsonschema_description:"The stage's name, unique in the plan."`
	Branch    branch         `json:"branch" jsonschema_description:"The branch that the stage's clusters follow, without refs/heads/."`
	Clusters  []label        `json:"clusters" jsonschema:"minItems=1" jsonschema_description:"The clusters of the stage: names of directories under clusters/. A cluster is in one stage only."`
	Soak      duration       `json:"soak,omitempty" jsonschema_description:"The least time between a revision's arrival upstream and its promotion into this stage, such as 24h, 90m, 7d or 1w; at most 365d. Required for every stage but the first, which must not have one."`
	SoakOn    clock          `json:"soakOn,omitempty" jsonschema:"enum=wall,enum=healthy" jsonschema_description:"Which time counts towards the soak: all of it, or only that in which the upstream was healthy. Default: wall."`
	Unhealthy interruption   `json:"unhealthy,omitempty" jsonschema:"enum=pause,enum=restart" jsonschema_description:"What a time in which the upstream was not healthy does to a soak on healthy time: it does not count, or the soak begins anew after it. Default: pause."`
	Require   proof          `json:"require,omitempty" jsonschema:"enum=observed" jsonschema_description:"With observed only a revision is promoted that the Flux of an upstream cluster reported to have applied, or one with the same tree. Needs health. Default: any revision."`
	Health    healthSection  `json:"health,omitempty" jsonschema_description:"Which commit statuses of a revision have to be good. Default: none."`
	Exposure  exposed        `json:"exposure,omitempty" jsonschema:"enum=warn,enum=require" jsonschema_description:"What is made of changed files that the stage's clusters render and no cluster of a stage before does, so that they soak for nothing. warn names them; with require they go out by an override only, or where each commit that changes one says why: Rollout-Unexercised: <reason>. Default: nobody looks."`
	Windows   windowsSection `json:"windows,omitempty" jsonschema_description:"When something may be promoted into the stage. Default: always."`
}

type healthSection struct {
	At       text           `json:"-"`
	Settle   duration       `json:"settle,omitempty" jsonschema_description:"How long a success has to stand before it counts, such as 10m. Default: 0s."`
	Clusters requiredHealth `json:"clusters" jsonschema_description:"For each cluster of the upstream stage the commit-status contexts that have to be good. In a context * stands for any characters but a slash, ** for any, and ? for one that is no slash; there is nothing else, no [ab], no {a,b} and no !."`
}

// requiredHealth is a mapping with keys of the plan's own, in their order.
type requiredHealth []clusterHealth

type clusterHealth struct {
	Cluster  text
	Contexts []glob
}

type windowsSection struct {
	At    text            `json:"-"`
	Allow []windowSection `json:"allow,omitempty" jsonschema:"minItems=1,maxItems=100" jsonschema_description:"Something may be promoted while one of these is open. Default: always."`
	Deny  []windowSection `json:"deny,omitempty" jsonschema:"minItems=1,maxItems=100" jsonschema_description:"Nothing may be promoted while one of these is open, whatever allow says. Default: never."`
}

type windowSection struct {
	At     text       `json:"-"`
	Cron   expression `json:"cron,omitempty" jsonschema_description:"When the window opens: five fields (minute, hour, day of the month, month, day of the week), or a tag such as @daily."`
	For    duration   `json:"for,omitempty" jsonschema_description:"How long the window stays open after each tick of cron, such as 8h: hours that elapse, whatever the clocks do; in deny also until the clocks show that they are over; at most 365d. Required with cron."`
	Span   span       `json:"span,omitempty" jsonschema_description:"Days of the week and times, such as Mon-Fri 09:00-17:00, Sat,Sun 00:00-24:00 or daily 22:00-06:00. An end that is not later than the beginning is on the next day."`
	From   date       `json:"from,omitempty" jsonschema_description:"The window does not open before: 2026-12-20, 2026-12-20 15:04, or RFC 3339. Without an offset the zone's clocks are meant, and a date alone is the beginning of that day."`
	Until  date       `json:"until,omitempty" jsonschema_description:"The window is over from then on. Written as from is."`
	Zone   zone       `json:"zone,omitempty" jsonschema_description:"Whose clocks are meant: a name of the time zone database, such as Europe/Zurich. Default: UTC."`
	Reason motive     `json:"reason,omitempty" jsonschema_description:"Why, for whoever asks what the stage waits for."`
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
	address      text
	branch       text
	clock        text
	date         text
	duration     text
	expression   text
	forge        text
	glob         text
	interruption text
	label        text
	motive       text
	objectName   text
	proof        text
	exposed      text
	reason       text
	span         text
	zone         text
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
	// durationPattern is what rollout.ParseDuration takes, if it is not too
	// long.
	durationPattern = `^([0-9]{1,9}(\.[0-9]{1,9})?[wdhms])+$`
	// branchPattern keeps out what would be an option or a full ref name.
	branchPattern = `^[^-/.\s~^:?*\[\\][^\s~^:?*\[\\]*$`
	// contextPattern keeps out what other globs have.
	contextPattern = `^[^!\s{}\[\]\\]([^{}\[\]\\]*[^\s{}\[\]\\])?$`
	// addressPattern tells the five spellings apart.
	addressPattern = `^(https?://|ssh://|file:///|/|\.\.?/|[A-Za-z0-9_][A-Za-z0-9_.-]*@)`
	// pathPattern keeps out what is empty, absolute, or not written with slashes.
	pathPattern = `^[^/\\][^\\]*$`
)

const (
	maxLabel      = 63
	maxObjectName = 253
	// maxBranch leaves room for "refs/heads/" in the 255 bytes that a file
	// name may have where a forge keeps refs as files.
	maxBranch = 244
	// maxGlob is what rollout.ParseGlob takes.
	maxGlob = 255
	// maxMotive is a line or two: it stands behind "closed" in a message.
	maxMotive = 200
	// maxPath is what operating systems take.
	maxPath = 4096
	// maxItems is how many contexts a cluster, and windows a list, may have.
	maxItems = 100
)
