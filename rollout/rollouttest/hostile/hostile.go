// Package hostile has what people can write who mean harm, and tells what came of it.
// Only tests use it.
//
// # Model
//
// A [Text] is a commit's message, a reason, a name, or what somebody else's program
// answers. Wherever such text is shown, a test shows all of [Texts], and asks
// [Unseen] and [Orders] of what came out.
//
// # Invariants
//
// [Tame] is as harmless as text can be: what it makes of a page is what all others
// have to make of it.
//
// # Concurrency
//
// Everything here is a function of its arguments.
//
// # Not handled
//
// What only one medium takes for more than text: HTML, Markdown, JSON. Whoever knows
// how to read it looks.
package hostile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Text is something that somebody can write.
type Text struct {
	// Name says what it tries.
	Name string
	Text string
	// Branch says that Git and the plan take it for the name of a branch.
	Branch bool
}

// Tame is a text that tries nothing.
func Tame() Text { return Text{Name: "tame", Text: "tame", Branch: true} }

// Forged begins the line that a text with line breaks tries to have for itself.
const Forged = "forged"

// Texts are all that is tried.
func Texts() []Text {
	return slices.Concat(terminal(), unseen(), markup(), orders(), formulas(), shell(), bytes())
}

// terminal are what terminals obey (ECMA-48; xterm, "Control Sequences").
func terminal() []Text {
	return []Text{
		{Name: "CSI", Text: "a\x1b[2J\x1b[1;1H\x1b[31mb"},
		{Name: "own colours", Text: "\x1b[1m" + Forged + "\x1b[m"},
		{Name: "OSC 8", Text: "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\"},
		{Name: "OSC 52", Text: "\x1b]52;c;cm0gLXJmIC8=\x07"},
		{Name: "title", Text: "\x1b]0;owned\x07"},
		{Name: "DCS", Text: "\x1bP$q\"p\x1b\\"},
		{Name: "reset", Text: "a\x1bcb"},
		{Name: "C1", Text: "a\u009b2Jb\u009d0;owned\u009c\u0090\u0085c"},
		{Name: "C1 bytes", Text: "a\x9b2Jb\x9d0;owned\x9c"},
		{Name: "bell", Text: "a\ab"},
		{Name: "backspace", Text: "good\b\b\b\bevil\x7f"},
		{Name: "carriage return", Text: "good\rforged"},
		{Name: "tab", Text: "\ta\tb"},
		{Name: "vertical", Text: "a\vb\fc"},
		{Name: "shift", Text: "a\x0eb\x0fc"},
	}
}

// unseen are what nobody sees: they turn the direction of writing
// (https://trojansource.codes), or hide.
func unseen() []Text {
	return []Text{
		{Name: "bidi override", Text: "a\u202etxt.exe\u202cb"},
		{Name: "bidi isolate", Text: "a\u2066b\u2069\u200f\u061cc"},
		{Name: "zero width", Text: "a\u200bb\u2060c\ufeffd\u00ade"},
		{Name: "zero width first", Text: "\u200b::error::forged"},
		{Name: "tags", Text: "a\U000e0001\U000e0041b"},
		{Name: "separators", Text: "a\u2028" + Forged + "\u2029" + Forged},
		{Name: "annotation", Text: "a\ufff9b\ufffac\ufffb"},
	}
}

// markup is what HTML and Markdown take for more than text (HTML; CommonMark; GFM).
func markup() []Text {
	return []Text{
		{Name: "script", Text: "<script>alert(1)</script>", Branch: true},
		{Name: "script's end", Text: `</script></style></title></textarea><script>alert(1)//`},
		{Name: "image", Text: `<img src=x onerror=alert(1)>`},
		{Name: "attribute", Text: `" onload="alert(1)" x='`},
		{Name: "data", Text: `]]> --> <!-- <![CDATA[ {{.}} ${x}`},
		{Name: "open comment", Text: "<!-- " + Forged},
		{Name: "open script", Text: "<script src=x " + Forged},
		{Name: "entity", Text: "&lt;script&gt;&#x1b;&#60;img&#62;&amp;", Branch: true},
		{Name: "link", Text: "[x](javascript:alert(1)) [y](https://evil.example \"t\")"},
		{Name: "image link", Text: "![x](https://evil.example/x.png)"},
		{Name: "reference", Text: "[x][y]\n\n[y]: https://evil.example"},
		{Name: "autolink", Text: "<https://evil.example> <javascript:alert(1)> <a@evil.example>"},
		{Name: "code", Text: "`a` ``b`` ```\nforged\n```"},
		{Name: "fence", Text: "```", Branch: true},
		{Name: "long fence", Text: "````````\n" + Forged + "\n~~~~\n" + Forged},
		{Name: "table", Text: "a | b || c \\| d\n| --- |\n| forged | x |"},
		{Name: "heading", Text: "### forged\n===\n---\n# " + Forged},
		{Name: "list", Text: "- forged\n1. forged\n* forged\n+ forged\n> forged"},
		{Name: "emphasis", Text: "**a** __b__ ~~c~~ *d* _e_ $x$ a_b_c"},
		{Name: "mention", Text: "@everyone @octo-org/team by@octocat #1 GH-2"},
		{Name: "task", Text: "- [x] forged"},
		{Name: "code block", Text: "    a\n    forged\n\tforged"},
		{Name: "footnote", Text: "a[^1]\n\n[^1]: forged"},
		{Name: "break", Text: "a<br>forged  \nforged\\\n" + Forged},
	}
}

// orders are what a workflow's runner obeys (actions/runner, ActionCommand.cs).
func orders() []Text {
	return []Text{
		{Name: "error", Text: "::error file=x,line=1::forged"},
		{Name: "error in a line of its own", Text: "a\n::error::forged\r\n  ::warning::forged"},
		{Name: "mask", Text: "::add-mask::release"},
		{Name: "output", Text: "::set-output name=promoted::apps 1111111 2222222"},
		{Name: "old order", Text: "a ##[error]forged ##[set-env name=PATH]x"},
		{Name: "stop", Text: "::stop-commands::x"},
		{Name: "spaces first", Text: " \u00a0 ::error::forged"},
		{Name: "encoded", Text: "a%0A::error::forged%0D%25,title=x:y"},
		{Name: "orders everywhere", Text: strings.Repeat("::error::forged ", 30)},
		{Name: "file", Text: "x\nend-of-promoted\nEOF\npromoted=forged"},
	}
}

// formulas are what a spreadsheet works out
// (https://owasp.org/www-community/attacks/CSV_Injection).
func formulas() []Text {
	return []Text{
		{Name: "formula", Text: `=cmd|'/C calc'!A0`},
		{Name: "branch's formula", Text: `=1+cmd|calc!A0`, Branch: true},
		{Name: "link formula", Text: `=HYPERLINK("https://evil.example","x")`},
		{Name: "plus", Text: `+cmd|'/C calc'!A0`},
		{Name: "minus", Text: `-2+3+cmd|'/C calc'!A0`},
		{Name: "at", Text: `@SUM(1+9)*cmd|'/C calc'!A0`},
		{Name: "wide formula", Text: `＝cmd|'/C calc'!A0`},
	}
}

// shell is what a shell executes.
func shell() []Text {
	return []Text{
		{Name: "substitution", Text: "$(touch pwned)"},
		{Name: "backticks", Text: "`touch pwned`"},
		{Name: "quotes", Text: `'; touch pwned; "; touch pwned; #`},
		{Name: "option", Text: "--upload-pack=touch"},
		{Name: "branch", Text: "a;b$(c)`d`'e\"f|g&h>i", Branch: true},
	}
}

// bytes are what is no text, or too much of it.
func bytes() []Text {
	return []Text{
		{Name: "nothing", Text: ""},
		{Name: "spaces", Text: "   "},
		{Name: "line breaks", Text: "a\n" + Forged + "\r\n\r\n" + Forged + "\r" + Forged},
		{Name: "NUL", Text: "a\x00b"},
		{Name: "not UTF-8", Text: "a\xff\xfe\xc3\x28\xf0\x9fb"},
		{Name: "surrogate", Text: "a\xed\xa0\x80b"},
		{Name: "no characters", Text: "a\ufffe\uffffb\ufffd"},
		{Name: "long word", Text: strings.Repeat("m", 2500)},
		{Name: "long line", Text: strings.Repeat("m n ", 800)},
		{Name: "many lines", Text: "a\n" + strings.Repeat(Forged+"\n", 100)},
		{Name: "wide", Text: strings.Repeat("漢", 300)},
		{Name: "combining", Text: "Z" + strings.Repeat("\u0301\u0489", 50), Branch: true},
	}
}

// joiner makes one emoji of several, and nothing else.
const joiner = '\u200d'

// Unseen says what a text has in it that is not seen as a character, but for those
// given: a terminal could obey it. It is empty where there is none.
func Unseen(text string, but ...rune) string {
	if !utf8.ValidString(text) {
		return "bytes that are not UTF-8"
	}
	for i, r := range text {
		if r == joiner || slices.Contains(but, r) {
			continue
		}
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return fmt.Sprintf("%U in %q", r, text[max(0, i-20):min(len(text), i+20)])
		}
	}
	return ""
}

// colour is what colours are made of.
var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Colours are the colours of a text, each once, and the text without them.
func Colours(text string) (colours []string, plain string) {
	colours = colour.FindAllString(text, -1)
	slices.Sort(colours)
	return slices.Compact(colours), colour.ReplaceAllString(text, "")
}

// Orders are the lines of a log that a workflow's runner obeys.
func Orders(log string) []string {
	var orders []string
	for line := range strings.Lines(log) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			orders = append(orders, line)
		}
	}
	return orders
}

// Lines are those that a text has forged: they begin where nothing but the page's own
// words do.
func Lines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, Forged) {
			lines = append(lines, line)
		}
	}
	return lines
}
