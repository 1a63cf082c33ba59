package measure_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
)

// begin is hour 0 of every story: a Monday.
var begin = time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)

func hour(h float64) time.Time { return begin.Add(time.Duration(h * float64(time.Hour))) }

var plan = rollout.Plan{
	Ledger: "rollout/ledger",
	Stages: []rollout.Stage{
		{Name: "infra", Branch: "main", Clusters: []string{"infra"}},
		{Name: "apps", Branch: "release", Clusters: []string{"apps"}, Soak: 24 * time.Hour},
		{Name: "shops", Branch: "stable", Clusters: []string{"shops"}, Soak: 48 * time.Hour},
	},
}

func sha(name string) rollout.SHA {
	if name == "" {
		return ""
	}
	sum := sha1.Sum([]byte(name))
	return rollout.SHA(hex.EncodeToString(sum[:]))
}

// A story is told in the order in which it happens. "0" is the commit at which every
// branch begins, and which nothing that is measured contains.
type story struct {
	past measure.Past
	head map[string]string
	// log tells whether the forge keeps a log of pushes.
	log bool
}

func newStory() *story {
	s := &story{head: map[string]string{}, log: true}
	s.past.Plan = plan
	for _, stage := range plan.Stages[1:] {
		s.write(rollout.Entry{Kind: rollout.EntryInit, Stage: stage.Name, Branch: stage.Branch, To: sha("0"), At: begin})
		s.head[stage.Branch] = "0"
	}
	s.head["main"] = "0"
	return s
}

func (s *story) write(e rollout.Entry) {
	s.past.Records = append([]rollout.Record{{Commit: sha(fmt.Sprint("ledger", len(s.past.Records))), Entry: e}}, s.past.Records...)
}

// commit makes a commit that nobody pushed yet: "C", or "M<A,B" with its parents. "@A"
// in its message is the name of A, and "@@A" the beginning of it.
func (s *story) commit(text, message string) string {
	name, parents, found := strings.Cut(text, "<")
	if !found {
		parents = s.head["main"]
	}
	for _, c := range s.past.Commits {
		message = strings.ReplaceAll(message, "@@"+c.Author, string(c.SHA[:9]))
		message = strings.ReplaceAll(message, "@"+c.Author, string(c.SHA))
	}
	one := rollout.Commit{SHA: sha(name), Author: name, Message: message}
	for parent := range strings.SplitSeq(parents, ",") {
		one.Parents = append(one.Parents, sha(parent))
	}
	s.past.Commits = append(s.past.Commits, one)
	return name
}

// push makes commits on top of main, and pushes them at once.
func (s *story) push(h float64, texts ...string) {
	before := s.head["main"]
	for _, text := range texts {
		text, message, _ := strings.Cut(text, ": ")
		s.head["main"] = s.commit(text, message)
	}
	s.moved(h, before, s.head["main"], false)
}

func (s *story) moved(h float64, before, after string, forced bool) {
	s.head["main"] = after
	if s.log {
		s.past.Movements = append([]rollout.Movement{{Before: sha(before), After: sha(after), At: hour(h), Forced: forced}}, s.past.Movements...)
	}
}

func (s *story) moves(h float64, kind rollout.EntryKind, stage, to string) {
	one, _ := plan.Stage(stage)
	s.write(rollout.Entry{Kind: kind, Stage: stage, Branch: one.Branch, From: sha(s.head[one.Branch]), To: sha(to), At: hour(h), Commits: 7})
	s.head[one.Branch] = to
}

func (s *story) promote(h float64, to string)  { s.moves(h, rollout.EntryPromotion, "apps", to) }
func (s *story) override(h float64, to string) { s.moves(h, rollout.EntryOverride, "apps", to) }

func (s *story) measured(h float64) []measure.Stage {
	s.past.At, s.past.Head = hour(h), sha(s.head["main"])
	return measure.Run(s.past)
}

// apps are the measures of the stage of that name at an hour.
func (s *story) apps(h float64) measure.Stage { return s.measured(h)[0] }

// hours are lengths of time.
func hours(all ...float64) measure.Sample {
	var s measure.Sample
	for _, h := range all {
		s = append(s, time.Duration(h*float64(time.Hour)))
	}
	return s
}

// same fails unless what was measured is what is wanted.
func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
