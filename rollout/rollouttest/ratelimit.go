package rollouttest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// rateLimits counts requests, by account and resource.
type rateLimits struct {
	set     *window // what SetRateLimit said, until it runs out
	windows map[string]*window
}

// window is an hour in which requests are counted.
type window struct {
	limit, remaining int
	reset            time.Time
}

// limitOf is how many requests an hour an identity has.
func limitOf(who Identity) int {
	if who.Kind == KindActions {
		return 1000
	}
	return 5000
}

// SetRateLimit says how many requests are left to every account, for REST and
// GraphQL each, and when there is a full number again.
func (g *GitHub) SetRateLimit(remaining int, reset time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits = rateLimits{set: &window{remaining: remaining, reset: reset}}
}

// window is where an identity stands.
func (g *GitHub) window(who Identity, resource string) window {
	now := g.clock()
	g.mu.Lock()
	defer g.mu.Unlock()
	return *g.currentWindow(now, who, resource)
}

// count counts a request. The second result is false where none is left.
func (g *GitHub) count(who Identity, resource string) (window, bool) {
	now := g.clock()
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.currentWindow(now, who, resource)
	if w.remaining <= 0 {
		return *w, false
	}
	w.remaining--
	return *w, true
}

// currentWindow is the window that a time lies in. The caller holds g.mu.
func (g *GitHub) currentWindow(now time.Time, who Identity, resource string) *window {
	if g.limits.set != nil && !now.Before(g.limits.set.reset) {
		g.limits = rateLimits{}
	}
	if g.limits.windows == nil {
		g.limits.windows = map[string]*window{}
	}
	key := who.Login + " " + resource
	w := g.limits.windows[key]
	if w == nil || !now.Before(w.reset) {
		w = &window{limit: limitOf(who), remaining: limitOf(who), reset: now.Add(time.Hour)}
		if set := g.limits.set; set != nil {
			w.remaining, w.reset = min(set.remaining, w.limit), set.reset
		}
		g.limits.windows[key] = w
	}
	return w
}

// write puts the window into an answer's headers.
func (w window) write(header http.Header, resource string) {
	for name, value := range map[string]string{
		"X-RateLimit-Limit":     strconv.Itoa(w.limit),
		"X-RateLimit-Remaining": strconv.Itoa(w.remaining),
		"X-RateLimit-Used":      strconv.Itoa(w.limit - w.remaining),
		"X-RateLimit-Reset":     strconv.FormatInt(w.reset.Unix(), 10),
		"X-RateLimit-Resource":  resource,
	} {
		header.Set(name, value)
	}
}

// asJSON is the window as GET /rate_limit shows it.
func (w window) asJSON() fields {
	return fields{"limit": w.limit, "remaining": w.remaining, "used": w.limit - w.remaining, "reset": w.reset.Unix()}
}

// getRateLimit is GET /rate_limit, which is not counted itself.
func getRateLimit(c *call) (answer, error) {
	core, graphql := c.g.window(c.who, "core"), c.g.window(c.who, "graphql")
	search := window{limit: 30, remaining: 30, reset: c.now.Add(time.Minute)}
	return answerJSON(http.StatusOK, fields{
		"rate":      core.asJSON(),
		"resources": fields{"core": core.asJSON(), "graphql": graphql.asJSON(), "search": search.asJSON()},
	}), nil
}

// exceeded is what is said to who has no request left.
func exceeded(who Identity) string {
	if who.Kind == KindUser {
		return fmt.Sprintf("API rate limit exceeded for user ID %d.", accountID(who.Login))
	}
	return fmt.Sprintf("API rate limit exceeded for installation ID %d.", accountID(who.Login))
}

// limitExceeded is the answer of the REST interface.
func limitExceeded(who Identity) answer {
	return (&apiError{status: http.StatusForbidden, message: exceeded(who)}).
		answer("https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api")
}

// graphqlExceeded is the answer of the GraphQL interface: a status of 200.
func graphqlExceeded(who Identity) answer {
	return answerJSON(http.StatusOK, fields{"errors": []fields{{"type": "RATE_LIMITED", "message": exceeded(who)}}})
}
