package schedule

import (
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout"
)

func BenchmarkNext(b *testing.B) {
	after := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, bench := range []struct{ name, text, length string }{
		{"cron", "0 9 * * MON-FRI", "8h"},
		{"every minute", "* * * * *", "1m"},
		{"leap day", "0 0 29 2 *", "8h"},
		{"leap day in forty years", "0 0 29 2 */7", "8h"},
		{"always skipped", "30 2 * 3 SUNL", "1m"},
		{"weekly", "Mon-Fri 09:00-17:00", ""},
	} {
		for reading, s := range map[string]rollout.Schedule{
			"allow": written(b, bench.text, bench.length, "Europe/Zurich"),
			"deny":  denies(b, bench.text, bench.length, "Europe/Zurich"),
		} {
			b.Run(bench.name+", "+reading, func(b *testing.B) {
				for b.Loop() {
					if _, ok := s.Next(after); !ok {
						b.Fatal("never")
					}
				}
			})
		}
	}
}

func BenchmarkParseCron(b *testing.B) {
	for name, expression := range map[string]string{
		"usual":   "0 9 * * MON-FRI",
		"hostile": "0 9 1W,2W,3W,4W,5W,6W,7W,8W,9W,10W,11W,12W,13W,14W,15W,16W,17W,18W,19W,20W,21W,22W 5 MON#1",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := ParseCron(expression); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
