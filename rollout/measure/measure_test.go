package measure_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/measure"
)

func TestLeadTimeIsOfEachCommit(t *testing.T) {
	s := newStory()
	s.push(1, "A")
	s.push(3, "B", "C")
	s.promote(25, "A")
	s.promote(27, "C")
	got := s.apps(30)
	same(t, "lead times", hours(24, 24, 24), got.LeadTime)
	same(t, "soaks", hours(24, 24), got.Soak)
	same(t, "promotions, overrides, commits", [3]int{2, 0, 3}, [3]int{got.Promotions, got.Overrides, got.Commits})
	same(t, "left out", [2]int{}, [2]int{got.Unarrived, got.Unsoaked})
}

func TestWhatWasPassedByCountsFromItsOwnArrival(t *testing.T) {
	s := newStory()
	s.push(1, "A")
	s.push(10, "B")
	s.override(12, "B")
	got := s.apps(30)
	same(t, "lead times", hours(2, 11), got.LeadTime)
	same(t, "the soak is that of what was promoted", hours(2), got.Soak)
	same(t, "overrides", 1, got.Overrides)
}

func TestWhatIsNotKnownIsLeftOut(t *testing.T) {
	t.Run("rows that the log has lost", func(t *testing.T) {
		s := newStory()
		s.push(1, "A")
		s.push(2, "B")
		s.push(3, "C")
		s.past.Movements = s.past.Movements[:1] // B → C
		s.promote(27, "C")
		got := s.apps(30)
		same(t, "lead times", hours(24), got.LeadTime)
		same(t, "left out", 2, got.Unarrived)
	})
	t.Run("no row of what was promoted", func(t *testing.T) {
		s := newStory()
		s.push(1, "A")
		s.past.Movements = nil
		s.promote(25, "A")
		got := s.apps(30)
		same(t, "samples", [2]int{0, 0}, [2]int{len(got.LeadTime), len(got.Soak)})
		same(t, "left out", [2]int{1, 1}, [2]int{got.Unarrived, got.Unsoaked})
	})
	t.Run("a history that was rewritten", func(t *testing.T) {
		s := newStory()
		s.push(1, "A")
		s.promote(25, "A")
		s.past.Commits = nil
		got := s.apps(30)
		same(t, "the ledger knows how many there were", 7, got.Unarrived)
		same(t, "promotions without a soak", 1, got.Unsoaked)
	})
	t.Run("an arrival that comes after the promotion", func(t *testing.T) {
		s := newStory()
		s.push(26, "A")
		s.promote(25, "A")
		got := s.apps(30)
		same(t, "left out", [2]int{1, 1}, [2]int{got.Unarrived, got.Unsoaked})
	})
	t.Run("an entry that is damaged", func(t *testing.T) {
		s := newStory()
		s.push(1, "A")
		s.promote(25, "A")
		s.past.Records[0].Damaged = "not an entry"
		same(t, "promotions", 0, s.apps(30).Promotions)
	})
}

func TestArrivalsOfTheLedger(t *testing.T) {
	s := newStory()
	s.log = false
	s.push(1, "A", "B")
	s.write(rollout.Entry{Kind: rollout.EntryArrival, Stage: "apps", Branch: "main", To: sha("B"), At: hour(2)})
	s.promote(26, "B")
	got := s.apps(30)
	same(t, "lead times", hours(24, 24), got.LeadTime)
	same(t, "soaks", hours(24), got.Soak)
}

func TestForcePushes(t *testing.T) {
	s := newStory()
	s.push(1, "A")
	s.push(2, "B")
	s.moved(3, "B", "A", true) // B is taken away
	s.moved(5, "A", "B", false)
	s.promote(30, "B")
	got := s.apps(30)
	same(t, "what stayed counts from the beginning, what came back anew", hours(25, 29), got.LeadTime)
	same(t, "soaks", hours(25), got.Soak)

	s = newStory()
	s.push(1, "A")
	s.moved(2, "A", "nobody knows", false)
	s.moved(3, "nobody knows", "A", true)
	s.promote(30, "A")
	same(t, "an ordinary push keeps what was there", hours(29), s.apps(30).Soak)
}

func TestSoakOfALaterStage(t *testing.T) {
	s := newStory()
	s.push(1, "A")
	s.promote(25, "A")
	s.moves(73, rollout.EntryPromotion, "shops", "A")
	got := s.measured(80)[1]
	same(t, "it soaked on release", hours(48), got.Soak)
	same(t, "the lead time is from main", hours(72), got.LeadTime)
}

func TestFailures(t *testing.T) {
	revert := `R: Revert "B"` + "\n\nThis reverts commit @B."
	for _, test := range []struct {
		name  string
		story func(s *story)
		// failed and unrestored are how many promotions were, and restore how long
		// it took.
		failed, unrestored int
		restore            measure.Sample
	}{
		{
			name: "reverted before it was out", story: func(s *story) {
				s.push(1, "B")
				s.push(2, revert)
				s.promote(26, "R")
			},
		},
		{
			name: "reverted when it was out", failed: 1, restore: hours(30), story: func(s *story) {
				s.push(1, "B")
				s.promote(25, "B")
				s.push(31, revert)
				s.promote(55, "R")
			},
		},
		{
			name: "reverted, and the revert waits", failed: 1, unrestored: 1, story: func(s *story) {
				s.push(1, "B")
				s.promote(25, "B")
				s.push(31, revert)
			},
		},
		{
			name: "the revert came first, and overtakes", failed: 1, restore: hours(1), story: func(s *story) {
				s.push(1, "B")
				s.push(2, revert)
				s.override(3, "B")
				s.override(4, "R")
			},
		},
		{
			name: "a revert that was taken back before it was out", story: func(s *story) {
				s.push(1, "B")
				s.promote(25, "B")
				s.push(31, revert)
				s.push(32, `Z: Reapply "B"`+"\n\nThis reverts commit @R.")
				s.promote(60, "Z")
			},
		},
		{
			name: "a revert that was taken back while it was out", failed: 2, restore: hours(5, 30), story: func(s *story) {
				s.push(1, "B")
				s.promote(25, "B")
				s.push(31, revert)
				s.promote(55, "R")
				s.push(56, `Z: Reapply "B"`+"\n\nThis reverts commit @R.")
				s.override(60, "Z")
			},
		},
		{
			name: "a title is not certain", story: func(s *story) {
				s.push(1, "A: Update images", "B: Update images")
				s.promote(25, "B")
				s.push(31, `R: Revert "Update images"`)
			},
		},
		{
			name: "tainted when it was out", failed: 1, unrestored: 1, story: func(s *story) {
				s.push(1, "B")
				s.promote(25, "B")
				s.write(rollout.Entry{Kind: rollout.EntryTaint, Commit: sha("B"), At: hour(26)})
			},
		},
		{
			name: "tainted when it was out, and mended", failed: 1, restore: hours(8), story: func(s *story) {
				s.push(1, "B")
				s.promote(25, "B")
				s.write(rollout.Entry{Kind: rollout.EntryTaint, Commit: sha("B"), At: hour(26)})
				s.push(31, revert)
				s.override(33, "R")
			},
		},
		{
			name: "a taint that was taken back", story: func(s *story) {
				s.push(1, "B")
				s.promote(25, "B")
				s.write(rollout.Entry{Kind: rollout.EntryTaint, Commit: sha("B"), At: hour(26)})
				s.write(rollout.Entry{Kind: rollout.EntryClear, Commit: sha("B"), At: hour(27)})
			},
		},
		{
			name: "tainted before it was out", story: func(s *story) {
				s.push(1, "B")
				s.write(rollout.Entry{Kind: rollout.EntryTaint, Commit: sha("B"), At: hour(2)})
				s.promote(25, "B")
			},
		},
		{
			name: "an override that fixes it", failed: 1, restore: hours(2), story: func(s *story) {
				s.push(1, "B")
				s.promote(25, "B")
				s.push(26, "F: Mend the probe\n\nFixes: @@B (\"B\")")
				s.override(27, "F")
			},
		},
		{
			name: "what mends it first counts", failed: 1, restore: hours(3), story: func(s *story) {
				s.push(1, "B")
				s.promote(25, "B")
				s.push(26, revert)
				s.override(28, "R")
				s.push(30, "F: Mend it for good\n\nFixes: @B")
				s.override(31, "F")
			},
		},
		{
			name: "a fix that was not urgent", story: func(s *story) {
				s.push(1, "B")
				s.promote(25, "B")
				s.push(26, "F: Mend the probe\n\nFixes: @@B (\"B\")")
				s.promote(50, "F")
			},
		},
		{
			name: "a fix of who knows what", story: func(s *story) {
				s.push(1, "B")
				s.promote(25, "B")
				s.push(26, "F: Mend the probe\n\nFixes: 0000000\nFixes: #12")
				s.override(27, "F")
			},
		},
		{
			name: "two bad commits, of which one is mended", failed: 1, unrestored: 1, story: func(s *story) {
				s.push(1, "A", "B")
				s.promote(25, "B")
				s.push(31, revert)
				s.override(32, "R")
				s.write(rollout.Entry{Kind: rollout.EntryTaint, Commit: sha("A"), At: hour(33)})
			},
		},
		{
			name: "two bad commits, until both are mended", failed: 1, restore: hours(15), story: func(s *story) {
				s.push(1, "A", "B")
				s.promote(25, "B")
				s.push(31, revert)
				s.override(32, "R")
				s.push(39, `S: Revert "A"`+"\n\nThis reverts commit @A.")
				s.override(40, "S")
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStory()
			test.story(s)
			got := s.apps(100)
			same(t, "failed, not mended", [2]int{test.failed, test.unrestored}, [2]int{got.Failed, got.Unrestored})
			same(t, "time to restore", test.restore, got.Restore)
			if rate, ok := got.FailureRate(); !ok || rate != float64(test.failed)/float64(got.Promotions) {
				t.Errorf("the failure rate is %v, %v", rate, ok)
			}
		})
	}
}

// A name with which two commits begin means neither of them.
func TestFixOfOneOfTwo(t *testing.T) {
	for digits, want := range map[int]int{7: 0, 40: 1} {
		s := newStory()
		s.push(1, "B")
		s.promote(25, "B")
		twin := sha("B")[:7] + rollout.SHA(strings.Repeat("f", 33)) // stands behind it in every order
		s.push(26, "F: Mend it\n\nFixes: "+string(sha("B")[:digits]))
		s.past.Commits = append(s.past.Commits, rollout.Commit{SHA: twin})
		s.override(27, "F")
		same(t, fmt.Sprint("failed, by ", digits, " digits"), want, s.apps(30).Failed)
	}
}

func TestCauses(t *testing.T) {
	s := newStory()
	s.push(1, "B")
	s.promote(25, "B")
	s.push(26, `R: Revert "B"`+"\n\nThis reverts commit @B.\n\nFixes: @B")
	s.override(27, "R")
	s.write(rollout.Entry{Kind: rollout.EntryTaint, Commit: sha("B"), At: hour(28)})
	want := []measure.Failure{{Commit: sha("B"), Restored: hour(27), Causes: []measure.Cause{
		{Kind: measure.Reverted, By: sha("R")}, {Kind: measure.Hotfixed, By: sha("R")}, {Kind: measure.Tainted},
	}}}
	same(t, "failures", want, s.apps(30).Each[0].Failures)
}

func TestWeeks(t *testing.T) {
	s := newStory()
	for i := range 4 {
		name := fmt.Sprint("C", i)
		s.push(float64(24*i), name)
		s.promote(float64(24*i+6), name)
	}
	s.push(24*15, "D")
	s.override(24*15+1, "D")
	got := s.apps(24 * 22)
	var starts []time.Time
	var promotions, overrides []int
	for _, week := range got.Weeks {
		starts, promotions, overrides = append(starts, week.From), append(promotions, week.Promotions), append(overrides, week.Overrides)
	}
	midnight := begin.Truncate(24 * time.Hour)
	same(t, "weeks", []time.Time{midnight, midnight.AddDate(0, 0, 7), midnight.AddDate(0, 0, 14), midnight.AddDate(0, 0, 21)}, starts)
	same(t, "promotions", []int{4, 0, 1, 0}, promotions)
	same(t, "overrides", []int{0, 0, 1, 0}, overrides)
	same(t, "lead times of the first week", hours(6, 6, 6, 6), got.Weeks[0].LeadTime)
	if perDay, ok := got.Frequency(); !ok || perDay != 5.0/22 {
		t.Errorf("%v promotions a day, %v", perDay, ok)
	}
}

func TestSundayBelongsToTheWeekBefore(t *testing.T) {
	s := newStory()
	s.push(24*6, "A") // Sunday
	s.promote(24*6+1, "A")
	got := s.apps(24 * 7)
	same(t, "promotions", [2]int{1, 0}, [2]int{got.Weeks[0].Promotions, got.Weeks[1].Promotions})
}

func TestSince(t *testing.T) {
	s := newStory()
	s.push(1, "A")
	s.promote(25, "A")
	s.push(50, "B")
	s.promote(74, "B")
	s.past.Since = hour(40)
	got := s.apps(40 + 48)
	same(t, "promotions", 1, got.Promotions)
	same(t, "lead times", hours(24), got.LeadTime)
	if perDay, ok := got.Frequency(); !ok || perDay != 0.5 {
		t.Errorf("%v promotions a day, %v", perDay, ok)
	}
}

func TestNothingWasMeasured(t *testing.T) {
	got := measure.Run(measure.Past{Plan: plan, At: hour(1)})
	if len(got) != 2 || got[0].Weeks != nil || got[0].Promotions != 0 {
		t.Errorf("measured is %+v", got)
	}
	if _, ok := got[0].Frequency(); ok {
		t.Error("there is a frequency")
	}
	if _, ok := got[0].FailureRate(); ok {
		t.Error("there is a failure rate")
	}
}

func TestATrendHasAnEnd(t *testing.T) {
	s := newStory()
	s.past.Records[len(s.past.Records)-1].At = time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := len(s.apps(1).Weeks); got != 520 {
		t.Errorf("%d weeks, want ten years of them", got)
	}
}

func TestQuantile(t *testing.T) {
	s := hours(1, 2, 3, 4)
	for part, want := range map[float64]time.Duration{0: time.Hour, 0.25: time.Hour, 0.5: 2 * time.Hour, 0.51: 3 * time.Hour, 0.99: 4 * time.Hour, 1: 4 * time.Hour} {
		same(t, fmt.Sprint("quantile ", part), want, s.Quantile(part))
	}
	same(t, "of nothing", time.Duration(0), measure.Sample{}.Quantile(0.5))
	same(t, "at most", [3]int{0, 2, 4}, [3]int{s.AtMost(0), s.AtMost(2 * time.Hour), s.AtMost(9 * time.Hour)})
}
