package board_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/monosense/k8s-ops/rollout/report/board"
	"github.com/monosense/k8s-ops/rollout/report/board/boardtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func draw(t testing.TB, b board.Board) string {
	t.Helper()
	var out bytes.Buffer
	if err := board.Write(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestBoard(t *testing.T) {
	for name, b := range map[string]board.Board{"board": boardtest.Written(3, "feat: a thing"), "empty": boardtest.Empty()} {
		t.Run(name, func(t *testing.T) {
			got := draw(t, b)
			path := filepath.Join("testdata", name+".html")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got, -update to accept):\n%s", path, diff)
			}
		})
	}
}

// TestEnemies: whatever people write, the page has the elements that it has otherwise,
// and the same attributes.
func TestEnemies(t *testing.T) {
	tame, wild := elements(t, draw(t, boardtest.Written(3, "a thing"))), elements(t, draw(t, boardtest.Written(3, boardtest.Evil)))
	if diff := cmp.Diff(tame, wild); diff != "" {
		t.Errorf("the page has other elements (-tame +wild):\n%s", diff)
	}
	page := draw(t, boardtest.Written(3, boardtest.Evil))
	if strings.ContainsAny(page, "\x1b\u202e") {
		t.Error("the page has what cannot be seen")
	}
}

// elements are a page's elements, with the names of their attributes.
func elements(t *testing.T, page string) []string {
	t.Helper()
	var all []string
	for tokens := html.NewTokenizer(strings.NewReader(page)); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			return all
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			text := token.Data
			for _, a := range token.Attr {
				text += " " + a.Key
			}
			all = append(all, text)
		}
	}
}

// TestStandsAlone: the page asks nobody for anything.
func TestStandsAlone(t *testing.T) {
	page := draw(t, boardtest.Written(3, "a thing"))
	for _, attribute := range []string{"src=", "srcset=", "action=", "@import", "url("} {
		if strings.Contains(page, attribute) {
			t.Errorf("the page has %s", attribute)
		}
	}
	if links := strings.Count(page, "href="); links != 2 {
		t.Errorf("the page has %d links: one to the repository, and one within", links)
	}
}

// TestSize: ten thousand promotions are less than two megabytes; of more, the oldest are
// left out, and the page says so.
func TestSize(t *testing.T) {
	page := draw(t, boardtest.Written(10_000, boardtest.Sentence))
	if size := len(page); size > 2_000_000 {
		t.Errorf("ten thousand promotions make %d bytes", size)
	}
	if kept := rows(t, page); kept != 10_000 || strings.Contains(page, "left out here") {
		t.Errorf("%d entries are kept of ten thousand", kept)
	}
	page = draw(t, boardtest.Written(50_000, boardtest.Sentence))
	if kept := rows(t, page); len(page) > 2_000_000 || kept < 10_000 || !strings.Contains(page, fmt.Sprintf("The %d oldest entries are left out", 50_000-kept)) {
		t.Errorf("fifty thousand promotions make %d bytes, with %d entries", len(page), kept)
	}
}

// rows is how many entries the script reads.
func rows(t *testing.T, page string) int {
	t.Helper()
	_, data, found := strings.Cut(page, `<script type="application/json" id="data">`)
	data, _, closed := strings.Cut(data, "</script>")
	var trail struct{ Rows [][]any }
	if err := json.Unmarshal([]byte(data), &trail); err != nil || !found || !closed {
		t.Fatalf("the page has no data: %v", err)
	}
	return len(trail.Rows)
}

func TestWriterThatFails(t *testing.T) {
	if err := board.Write(brokenWriter{}, board.Board{}); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("it says %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func BenchmarkBoard10k(b *testing.B) {
	drawn := boardtest.Written(10_000, boardtest.Sentence)
	for b.Loop() {
		draw(b, drawn)
	}
}
