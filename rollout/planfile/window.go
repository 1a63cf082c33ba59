package planfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/planfile/internal/schedule"
)

// maxWindows is how many windows all stages together may have. Each costs up to
// some milliseconds, and somebody waits for every target.
const maxWindows = 200

// A calendar reads the windows of all stages.
type calendar struct {
	*binder
	// now is zero where nobody said.
	now time.Time
	// zones are those that were read before, for reading one takes as long as
	// everything else of a window.
	zones map[string]*time.Location
	count int
}

func newCalendar(b *binder, now time.Time) *calendar {
	return &calendar{binder: b, now: now, zones: map[string]*time.Location{}}
}

// A bounded is a window, and how far it reaches. The schedule of one that could
// not be read is nil.
type bounded struct {
	window rollout.Window
	bounds schedule.Bounds
}

func (w bounded) unread() bool { return w.window.Schedule == nil }

func (c *calendar) windows(section stageSection) rollout.Windows {
	written := section.Windows
	if !written.At.present() {
		return rollout.Windows{}
	}
	if written.Allow == nil && written.Deny == nil {
		c.fail(written.At, "write allow or deny below it, or remove it", "%s has windows, and none is written down", section)
	}
	allow := c.list(written.Allow, fmt.Sprintf("%s: windows.allow", section), allowing())
	deny := c.list(written.Deny, fmt.Sprintf("%s: windows.deny", section), denying())
	if len(allow)+len(deny) > 0 && !slices.ContainsFunc(slices.Concat(allow, deny), bounded.unread) {
		c.checkOpens(section, allow, deny)
	}
	return rollout.Windows{Allow: plain(allow), Deny: plain(deny)}
}

// A reading is what is meant where the clocks are set. Of what the text of a
// window can say in the hour that autumn repeats it is the stricter.
type reading struct {
	cron   func(schedule.Cron, *time.Location, time.Duration) rollout.Schedule
	weekly func(schedule.Weekly, *time.Location) rollout.Schedule
	bounds func(from, until schedule.Date) schedule.Bounds
}

func allowing() reading {
	return reading{schedule.Cron.Allows, schedule.Weekly.Allows, schedule.Narrowest}
}

func denying() reading {
	return reading{schedule.Cron.Denies, schedule.Weekly.Denies, schedule.Widest}
}

func plain(all []bounded) []rollout.Window {
	var windows []rollout.Window
	for _, each := range all {
		windows = append(windows, each.window)
	}
	return windows
}

func (c *calendar) list(sections []windowSection, noun string, read reading) []bounded {
	if len(sections) > maxItems {
		c.fail(sections[maxItems].At, "write one window for several days, such as Mon,Wed-Fri 09:00-17:00", "%s has more than %d windows", noun, maxItems)
		return []bounded{{}}
	}
	var all []bounded
	for i, section := range sections {
		if c.count++; c.count == maxWindows+1 {
			c.fail(section.At, "write one window for several days, such as Mon,Wed-Fri 09:00-17:00", "the plan has more than %d windows", maxWindows)
		}
		if c.count > maxWindows {
			return append(all, bounded{})
		}
		all = append(all, c.window(section, fmt.Sprintf("%s[%d]", noun, i), read))
	}
	return all
}

func (c *calendar) window(section windowSection, noun string, read reading) bounded {
	if !section.At.present() {
		return bounded{}
	}
	before := len(c.errs)
	c.checkShape(section, noun)
	c.checkReason(text(section.Reason), noun)
	place := c.zone(text(section.Zone), noun)
	bounds := read.bounds(c.dates(section, place, noun))
	spans, phrase := c.spans(section, place, bounds, noun, read)
	if len(c.errs) > before || section.refused() {
		return bounded{}
	}
	if _, comes := spans.Next(time.Time{}); !comes {
		c.fail(section.At, "move from and until apart, or look at the days", "%s never comes: nothing of it is between from and until", noun)
		return bounded{}
	}
	return bounded{bounds: bounds, window: rollout.Window{
		Schedule: spans, Text: phrase + " " + place.String(), Reason: section.Reason.value, Where: c.where(section.At),
	}}
}

// refused tells whether something of the window has been complained of when it
// was bound.
func (s windowSection) refused() bool {
	return slices.ContainsFunc([]text{
		text(s.Cron), text(s.For), text(s.Span), text(s.From), text(s.Until), text(s.Zone), text(s.Reason),
	}, func(t text) bool { return t.refused })
}

const shapeHint = "write cron and for, or span, or until and from alone"

// checkShape refuses windows that say two things, or too little.
func (c *calendar) checkShape(section windowSection, noun string) {
	cron, length, span := text(section.Cron), text(section.For), text(section.Span)
	switch {
	case !cron.missing() && !span.missing():
		c.fail(span, shapeHint, "%s has both cron and span", noun)
	case !cron.missing() && length.missing():
		c.fail(cron, "add how long it stays open, such as for: 8h", "%s has cron, and no for", noun)
	case cron.missing() && !length.missing():
		c.fail(length, "add cron, which says when it opens, or remove the line", "%s has for, and no cron", noun)
	case cron.missing() && span.missing() && text(section.From).missing() && text(section.Until).missing():
		c.fail(section.At, shapeHint, "%s does not say when", noun)
	}
}

func (c *calendar) checkReason(reason text, noun string) {
	if utf8.RuneCountInString(reason.value) > maxMotive {
		c.fail(reason, "write a line, and the rest as a comment", "%s: the reason is longer than %d characters", noun, maxMotive)
	}
}

// zone is UTC after an error, too, so that the rest of the window is judged.
func (c *calendar) zone(at text, noun string) *time.Location {
	if !at.present() {
		return time.UTC
	}
	if known, ok := c.zones[at.value]; ok {
		return known
	}
	zone, err := schedule.ParseZone(at.value)
	if err != nil {
		c.wrong(at, noun+": the zone", err)
		return time.UTC
	}
	c.zones[at.value] = zone
	return zone
}

// dates are from and until. Their order is judged by when the clocks first show
// them.
func (c *calendar) dates(section windowSection, zone *time.Location, noun string) (from, until schedule.Date) {
	from = c.date(text(section.From), zone, noun+": from")
	until = c.date(text(section.Until), zone, noun+": until")
	if !from.First.IsZero() && !until.First.IsZero() && !from.First.Before(until.First) {
		c.fail(text(section.Until), "write an until that is later than from", "%s ends before it begins", noun)
	}
	return from, until
}

func (c *calendar) date(at text, zone *time.Location, noun string) schedule.Date {
	if !at.present() {
		return schedule.Date{}
	}
	date, err := schedule.ParseDate(at.value, zone)
	if err != nil {
		c.wrong(at, noun, err)
	}
	return date
}

// spans is the schedule of a window and, for people, all of it but the zone.
// After an error the schedule can be nil.
func (c *calendar) spans(section windowSection, zone *time.Location, bounds schedule.Bounds, noun string, read reading) (rollout.Schedule, string) {
	switch cron, span := text(section.Cron), text(section.Span); {
	case cron.present():
		length := c.openFor(text(section.For), noun)
		parsed, err := schedule.ParseCron(cron.value)
		if err != nil {
			c.wrong(cron, noun+": cron", err)
			return nil, ""
		}
		return bounds.Cut(read.cron(parsed, zone, length)), phrase(fmt.Sprintf("cron %q for %s", parsed, section.For.value), bounds, zone)
	case span.present():
		parsed, err := schedule.ParseWeekly(span.value)
		if err != nil {
			c.wrong(span, noun+": span", err)
			return nil, ""
		}
		return bounds.Cut(read.weekly(parsed, zone)), phrase(parsed.String(), bounds, zone)
	case cron.missing() && span.missing():
		return bounds.Once(), phrase("", bounds, zone)
	}
	return nil, ""
}

func (c *calendar) openFor(at text, noun string) time.Duration {
	before := len(c.errs)
	length := c.length(at, noun+": for")
	if at.present() && length == 0 && len(c.errs) == before {
		c.fail(at, "write how long it stays open, such as 8h", "%s: for %s never opens it", noun, quote(at.value))
	}
	return length
}

func phrase(times string, bounds schedule.Bounds, zone *time.Location) string {
	var words []string
	if times != "" {
		words = append(words, times)
	}
	if !bounds.From.IsZero() {
		words = append(words, "from "+schedule.FormatDate(bounds.From, zone))
	}
	if !bounds.Until.IsZero() {
		words = append(words, "until "+schedule.FormatDate(bounds.Until, zone))
	}
	return strings.Join(words, " ")
}

// wrong complains of a text that the schedule package has refused.
func (c *calendar) wrong(at text, noun string, err error) {
	var refused *schedule.Error
	if errors.As(err, &refused) {
		c.fail(at, refused.Way, "%s %s %s", noun, quote(at.value), refused.What)
	}
}
