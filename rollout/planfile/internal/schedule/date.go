package schedule

import (
	"regexp"
	"time"
)

// DatePattern is how a date is spelled: 2006-01-02, 2006-01-02 15:04, or RFC
// 3339 without fractions of a second.
const DatePattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}|T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2}))?$`

var dateExpression = regexp.MustCompile(DatePattern)

const dateWay = `write 2026-12-20, "2026-12-20 15:04" or 2026-12-20T15:04:00+01:00`

const (
	bareDate = "2006-01-02"
	dateTime = "2006-01-02 15:04"
)

// A Date is when the clocks of a zone show a time. First and Last are two
// moments in the hour that autumn repeats, and one otherwise. The zero Date is
// none.
type Date struct{ First, Last time.Time }

// ParseDate takes what [DatePattern] describes. Without an offset the clocks of
// the zone are meant, and a bare date is the beginning of that day. The error
// is an [Error].
func ParseDate(text string, zone *time.Location) (Date, error) {
	if !dateExpression.MatchString(text) {
		return Date{}, fail("is no date", dateWay)
	}
	moment, err := time.Parse(time.RFC3339, text)
	date := Date{moment.UTC(), moment.UTC()}
	for _, layout := range []string{bareDate, dateTime} {
		if wall, wrong := time.Parse(layout, text); wrong == nil {
			date, err = dateOf(wall, zone), nil
		}
	}
	// What is further away is a slip, and no time that JSON can have.
	if err != nil || date.First.Before(earliest) || !date.Last.Before(forever) {
		return Date{}, fail("is no date in the calendar from 1970 to 9998", dateWay)
	}
	return date, nil
}

func dateOf(wall time.Time, zone *time.Location) Date {
	first := momentOf(wall, zone)
	return Date{first, lastMomentOf(wall, zone, first.Add(day))}
}

// FormatDate is a moment as the clocks of the zone show it, without what is
// zero: 2006-01-02, 2006-01-02 15:04, 2006-01-02 15:04:05.
func FormatDate(moment time.Time, zone *time.Location) string {
	layout := dateTime
	switch shown := moment.In(zone); {
	case shown.Second() != 0:
		layout = time.DateTime
	case shown.Hour() == 0 && shown.Minute() == 0:
		layout = bareDate
	}
	return moment.In(zone).Format(layout)
}
