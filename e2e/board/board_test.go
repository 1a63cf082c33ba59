package board

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/monosense/k8s-ops/rollout/report/board"
	"github.com/monosense/k8s-ops/rollout/report/board/boardtest"
	"github.com/monosense/k8s-ops/rollout/rollouttest/axe"
)

// A tab shows a board, and keeps what the browser complained about.
type tab struct {
	ctx context.Context
	t   testing.TB

	mu       sync.Mutex
	troubles []string
	requests []string
}

// patience is how long a tab may take on a busy machine.
const patience = 2 * time.Minute

// open opens a board. Its test fails if anything is wrong with it in the end.
func open(t testing.TB, b board.Board, before ...chromedp.Action) *tab {
	t.Helper()
	if browser == nil {
		t.Skip("there is no Chromium here: install the package chromium")
	}
	ctx, end := chromedp.NewContext(browser)
	t.Cleanup(end)
	ctx, stop := context.WithTimeout(ctx, patience)
	t.Cleanup(stop)
	tb := &tab{ctx: ctx, t: t}
	chromedp.ListenTarget(ctx, tb.hear)
	tb.run(append([]chromedp.Action{log.Enable(), network.Enable(), page.Enable()}, before...)...)
	tb.run(chromedp.Navigate("file://" + write(t, b)))
	t.Cleanup(tb.quiet)
	return tb
}

// write writes the page where a browser can open it.
func write(t testing.TB, b board.Board) string {
	t.Helper()
	var text bytes.Buffer
	if err := board.Write(&text, b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "index.html")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hear keeps what goes wrong: whatever the console says, whatever is thrown, and every
// question that somebody is asked.
func (tb *tab) hear(event any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		tb.troubles = append(tb.troubles, e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		tb.troubles = append(tb.troubles, fmt.Sprintf("console.%s", e.Type))
	case *log.EventEntryAdded:
		tb.troubles = append(tb.troubles, e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		tb.troubles = append(tb.troubles, "a dialog says "+e.Message)
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "data:") { // the browser's own picture of a calendar
			tb.requests = append(tb.requests, e.Request.URL)
		}
	}
}

// quiet is that nothing went wrong, and that nothing was asked for but the page.
func (tb *tab) quiet() {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, trouble := range tb.troubles {
		tb.t.Errorf("the browser complains: %s", trouble)
	}
	if len(tb.requests) != 1 {
		tb.t.Errorf("the page asks for %v", tb.requests)
	}
}

func (tb *tab) run(actions ...chromedp.Action) {
	tb.t.Helper()
	if err := chromedp.Run(tb.ctx, actions...); err != nil {
		tb.t.Fatal(err)
	}
}

// tells is what an expression of the page comes to.
func tells[T any](tb *tab, expression string) (value T) {
	tb.t.Helper()
	tb.run(chromedp.Evaluate(expression, &value, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return value
}

// count is what the page says of how many entries it shows.
func (tb *tab) count() string {
	tb.t.Helper()
	return tells[string](tb, `document.getElementById("count").textContent`)
}

func TestItRenders(t *testing.T) {
	tb := open(t, boardtest.Written(300, "feat: a thing"))
	if lanes := tells[int](tb, `document.querySelectorAll(".lane").length`); lanes != 2 {
		t.Errorf("it has %d lanes", lanes)
	}
	if bars := tells[int](tb, `[...document.querySelectorAll(".over")].filter((bar) => bar.getBoundingClientRect().width > 10).length`); bars < 2 {
		t.Errorf("%d soaks can be seen", bars)
	}
	if colour := tells[string](tb, `getComputedStyle(document.querySelector(".state.good")).color`); colour == tells[string](tb, `getComputedStyle(document.body).color`) {
		t.Errorf("its style is not applied: %s", colour)
	}
	if count := tb.count(); count != "200 of 300 entries shown, of 300 in all." {
		t.Errorf("it says %q", count)
	}
}

// TestFilters: what is asked for is shown, page by page, and all of it again.
func TestFilters(t *testing.T) {
	b := boardtest.Written(300, "feat: a thing")
	b.Records[7].Kind, b.Records[7].By, b.Records[7].Reason = "override", "Ada", "the cellar is full"
	tb := open(t, b)
	tb.run(chromedp.Click("#more"))
	if count := tb.count(); count != "300 of 300 entries shown, of 300 in all." || tells[bool](tb, `!document.getElementById("more").hidden`) {
		t.Errorf("it says %q", count)
	}
	for _, c := range []struct{ field, value string }{{"kind", "override"}, {"by", "ada"}, {"text", "CELLAR"}} {
		tb.run(chromedp.SetValue(fmt.Sprintf("[name=%s]", c.field), c.value),
			chromedp.Evaluate(fmt.Sprintf(`document.querySelector("[name=%s]").dispatchEvent(new Event("input", {bubbles: true}))`, c.field), nil))
		if count := tb.count(); count != "1 of 1 entries shown, of 300 in all." {
			t.Errorf("with %s=%s it says %q", c.field, c.value, count)
		}
		if row := tells[string](tb, `document.querySelector("#entries tr").textContent`); !strings.Contains(row, "the cellar is full") {
			t.Errorf("with %s=%s it shows %q", c.field, c.value, row)
		}
		tb.run(chromedp.Click("[type=reset]"))
		if rows := tells[int](tb, `new Promise((done) => setTimeout(() => done(document.querySelectorAll("#entries tr").length)))`); rows != 200 {
			t.Errorf("all again are %d", rows)
		}
	}
	tb.run(chromedp.SendKeys("[name=text]", "nothing has this"))
	if count := tb.count(); count != "0 of 0 entries shown, of 300 in all." {
		t.Errorf("it says %q", count)
	}
}

// TestEnemies: what people write is text, and nothing else.
func TestEnemies(t *testing.T) {
	tb := open(t, boardtest.Written(3, boardtest.Evil))
	if scripts := tells[int](tb, `document.querySelectorAll("script, img, iframe").length`); scripts != 2 {
		t.Errorf("the page has %d scripts and pictures", scripts)
	}
	if row := tells[string](tb, `document.querySelector("#entries td:last-child").textContent`); !strings.Contains(row, "<script>alert(1)</script>") {
		t.Errorf("the reason reads %q", row)
	}
}

// TestWithoutScripts: whoever runs none sees what stands now, and the newest entries.
func TestWithoutScripts(t *testing.T) {
	tb := open(t, boardtest.Written(300, "feat: a thing"), emulation.SetScriptExecutionDisabled(true))
	var root *cdp.Node
	tb.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		root, err = dom.GetDocument().WithDepth(-1).Do(ctx) // without a script to ask
		return err
	}))
	rows, hidden := 0, false
	walk(root, func(n *cdp.Node) {
		if n.AttributeValue("id") == "entries" {
			rows = int(n.ChildNodeCount)
		}
		if n.AttributeValue("id") == "filters" {
			_, hidden = n.Attribute("hidden")
		}
	})
	if rows != 50 || !hidden {
		t.Errorf("it shows %d entries; the filters, which do nothing, are hidden: %v", rows, hidden)
	}
}

// walk visits a node and all below it.
func walk(n *cdp.Node, visit func(*cdp.Node)) {
	visit(n)
	for _, child := range n.Children {
		walk(child, visit)
	}
}

// ways are how a page is looked at.
var ways = map[string][]chromedp.Action{
	"light": {scheme("light")}, "dark": {scheme("dark")},
	"phone, light": {scheme("light"), chromedp.EmulateViewport(360, 640, chromedp.EmulateMobile)},
	"phone, dark":  {scheme("dark"), chromedp.EmulateViewport(360, 640, chromedp.EmulateMobile)},
}

func scheme(value string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}})
}

// TestAccessible: axe-core finds nothing, on any page, in any light; and on a telephone
// nothing stands beyond the edge.
func TestAccessible(t *testing.T) {
	script, err := axe.Script(t.Context())
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal(err)
	case err != nil:
		t.Skipf("axe-core is missing: %v", err)
	}
	for name, b := range map[string]board.Board{"board": boardtest.Written(300, "feat: a thing"), "empty": boardtest.Empty(), "long words": boardtest.Written(3, strings.Repeat("word", 100))} {
		for way, actions := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				tb := open(t, b, actions...)
				tb.run(chromedp.Evaluate(string(script), nil))
				for _, v := range tells[[]violation](tb, `document.querySelectorAll("details").forEach((d) => { d.open = true }), axe.run().then((found) => found.violations)`) {
					t.Errorf("%s: %s: %s", v.ID, v.Help, v.Nodes)
				}
				if beyond := tells[int](tb, `document.scrollingElement.scrollWidth - innerWidth`); beyond > 0 {
					t.Errorf("%d pixels stand beyond the edge", beyond)
				}
			})
		}
	}
}

// A violation is what axe-core found.
type violation struct {
	ID, Help string
	Nodes    json.RawMessage
}

// TestKeyboard: everything that does something is reached with Tab, and can be seen
// there.
func TestKeyboard(t *testing.T) {
	tb := open(t, boardtest.Written(300, "feat: a thing"))
	reached := map[string]bool{}
	for range 40 {
		tb.run(chromedp.KeyEvent("\t"))
		reached[tells[string](tb, `(() => { const e = document.activeElement; return e.id || e.name || e.type || e.className || e.tagName })()`)] = true
	}
	for _, name := range []string{"skip", "kind", "stage", "by", "from", "to", "text", "reset", "more"} {
		if !reached[name] {
			t.Errorf("nobody gets to %s with Tab: %v", name, reached)
		}
	}
}

// BenchmarkOpen opens boards until they can be used.
func BenchmarkOpen(b *testing.B) {
	for _, promotions := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("promotions=%d", promotions), func(b *testing.B) {
			tb := open(b, boardtest.Written(promotions, boardtest.Sentence))
			total := 0.0
			for b.Loop() {
				tb.run(chromedp.Reload())
				total += tells[float64](tb, `performance.getEntriesByType("navigation")[0].loadEventEnd`)
			}
			b.ReportMetric(total/float64(b.N), "ms/open")
			tb.requests = tb.requests[:1]
		})
	}
}
