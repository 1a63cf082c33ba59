package schedule

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // a machine without zoneinfo reads the same plans
	"unicode"
)

// ZonePattern is how zones are spelled. It leaves out what time.LoadLocation
// also finds on some machines: posix/, right/ with its leap seconds, localtime.
const ZonePattern = `^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,2}$`

var zoneName = regexp.MustCompile(ZonePattern)

// maxZone is longer than any name of the time zone database.
const maxZone = 64

// ParseZone takes a name of the time zone database, such as Europe/Zurich or
// UTC. The error is an [Error].
func ParseZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, fail("is whatever zone the machine is in", "name a zone, such as Europe/Zurich or UTC")
	}
	if zone, ok := load(name); ok {
		return zone, nil
	}
	way := "write Area/City, such as Europe/Zurich or America/New_York, or UTC"
	if guess := similarZone(name); guess != "" {
		way = fmt.Sprintf("did you mean %s?", guess)
	}
	return nil, fail("is no time zone", way)
}

func load(name string) (*time.Location, bool) {
	if len(name) > maxZone || !zoneName.MatchString(name) {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// areas are where the database keeps its cities.
var areas = []string{"Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}

// similarZone mends the case, spaces for underscores, and a missing area.
func similarZone(name string) string {
	if len(name) > maxZone {
		return ""
	}
	city := titled(name)
	candidates := []string{city, strings.ToUpper(name)}
	if !strings.Contains(city, "/") {
		for _, area := range areas {
			candidates = append(candidates, area+"/"+city)
		}
	}
	for _, candidate := range candidates {
		if _, ok := load(candidate); ok && candidate != "Local" {
			return candidate
		}
	}
	return ""
}

// titled writes every word with a capital: new york as New_York.
func titled(name string) string {
	var b strings.Builder
	begins := true
	for _, r := range strings.ToLower(strings.TrimSpace(name)) {
		switch {
		case unicode.IsSpace(r):
			r = '_'
		case begins:
			r = unicode.ToUpper(r)
		}
		begins = !unicode.IsLetter(r)
		b.WriteRune(r)
	}
	return b.String()
}
