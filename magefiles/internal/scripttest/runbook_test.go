package scripttest

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/term"
)

var update = flag.Bool("update", false, "write what docs/runbook.md shows anew")

// TestRunbook does what docs/runbook.md says. Each script makes the trouble of a
// section, and follows it: a block of commands has to go well, and what a console shows
// has to be what the commands say. No block may be left out.
func TestRunbook(t *testing.T) {
	book := openRunbook(t)
	scripts, err := filepath.Glob("testdata/runbook/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]func(*testscript.TestScript, bool, []string){"follow": book.follow}
	for name, command := range commands {
		known[name] = command
	}
	prepare := setup(t, compile(t))
	t.Cleanup(func() { book.close(t, len(scripts)) }) // the scripts run until then
	testscript.Run(t, testscript.Params{
		Dir: "testdata/runbook",
		Setup: func(env *testscript.Env) error {
			book.begin()
			return prepare(env)
		},
		Cmds:                known,
		Condition:           condition,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// A runbook is the page, with what was followed of it.
type runbook struct {
	mu     sync.Mutex
	path   string
	lines  []string
	blocks []*instructions
	begun  int
}

// instructions are one fenced block of the page.
type instructions struct {
	section  string
	console  bool
	from, to int // its lines, without the fences
	followed bool
	now      []string // what a console shows by now, where that is not what it showed
}

func openRunbook(t *testing.T) *runbook {
	t.Helper()
	b := &runbook{path: filepath.Join(root(t), "docs", "runbook.md")}
	text, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	b.lines = strings.Split(string(text), "\n")
	section, open := "", (*instructions)(nil)
	for i, line := range b.lines {
		heading, isHeading := strings.CutPrefix(line, "## ")
		kind, isFence := strings.CutPrefix(line, "```")
		switch {
		case open == nil && isHeading:
			section = heading
		case open == nil && isFence:
			open = &instructions{section: section, console: kind == "console", from: i + 1}
		case isFence:
			open.to = i
			b.blocks = append(b.blocks, open)
			open = nil
		}
	}
	return b
}

func (b *runbook) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun++
}

// find is a block of a section, counted from 1.
func (b *runbook) find(ts *testscript.TestScript, section, number string) *instructions {
	n := 0
	for _, block := range b.blocks {
		if block.section != section {
			continue
		}
		if n++; fmt.Sprint(n) == number {
			return block
		}
	}
	ts.Fatalf("docs/runbook.md has no block %s under %q", number, section)
	return nil
}

// follow does what a block says. A word that stands for something there, such as
// LAST_GOOD, is given as WORD=VALUE.
func (b *runbook) follow(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, 99, "follow SECTION NUMBER [WORD=VALUE…]")
	b.mu.Lock()
	block := b.find(ts, args[0], args[1])
	again := block.followed
	block.followed = true
	b.mu.Unlock()
	if again {
		ts.Fatalf("block %s under %q is followed twice", args[1], args[0])
	}
	p := &player{ts: ts, w: in(ts), words: args[2:]}
	was := b.lines[block.from:block.to]
	if !block.console {
		p.run(was)
		return
	}
	if now := p.transcript(was); !slices.Equal(now, was) {
		block.now = now
		if !*update {
			ts.Fatalf("docs/runbook.md:%d shows\n%s\nand it is\n%s\n(go test with -update writes it)", block.from+1, strings.Join(was, "\n"), strings.Join(now, "\n"))
		}
	}
}

// close looks whether everything was followed, if all scripts were run, and writes the
// page anew where that is asked for.
func (b *runbook) close(t *testing.T, scripts int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, block := range b.blocks {
		if b.begun == scripts && !block.followed {
			t.Errorf("docs/runbook.md:%d: no script follows this block, under %q", block.from+1, block.section)
		}
	}
	if !*update {
		return
	}
	for _, block := range slices.Backward(b.blocks) {
		if block.now != nil {
			b.lines = slices.Replace(b.lines, block.from, block.to, block.now...)
		}
	}
	if err := os.WriteFile(b.path, []byte(strings.Join(b.lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A player types what a block says.
type player struct {
	ts    *testscript.TestScript
	w     *world
	words []string
}

// ours are the programs whose commands are run; others would need a real cluster, or a
// secret of somebody.
var ours = regexp.MustCompile(`^(GH_TOKEN=\S+ \S+ token\)" go tool mage|go tool mage|git|gh (api|pr|run|workflow)) `)

// run runs the commands of a block, all of which have to go well.
func (p *player) run(commands []string) {
	for _, command := range commands {
		if !ours.MatchString(command) {
			continue
		}
		if out, code := p.execute(command, yes); code != 0 {
			p.ts.Fatalf("%s ends with %d:\n%s", command, code, out)
		}
	}
}

// yes is the answer to what a block may ask.
var yes = [][]string{{"", "[y/N]", "y"}}

// prompt is where somebody is asked for a word, and types it.
var prompt = regexp.MustCompile(`(?m)(\[y/N\]|by force:) (\S+)$`)

// transcript types the commands of a console again, and is what it shows by then.
func (p *player) transcript(lines []string) (now []string) {
	for i, line := range lines {
		command, typed := strings.CutPrefix(line, "$ ")
		if !typed {
			continue
		}
		end := i + 1
		for end < len(lines) && !strings.HasPrefix(lines[end], "$ ") {
			end++
		}
		answers := prompt.FindAllStringSubmatch(strings.Join(lines[i:end], "\n"), -1)
		out, code := p.execute(command, answers)
		if code != 0 && !strings.Contains(command, "go tool mage ") {
			p.ts.Fatalf("%s ends with %d:\n%s", command, code, out)
		}
		now = append(now, line)
		if out = p.alias(out); out != "" {
			now = append(now, strings.Split(out, "\n")...)
		}
		if code != 0 { // as the go command says it
			now = append(now, fmt.Sprintf("exit status %d", code))
		}
	}
	return now
}

// execute runs a command as it would run at somebody's terminal, who gives answers. It
// is a terminal only by what it is asked: what it says, no screen has to be read for.
func (p *player) execute(command string, answers [][]string) (out string, code int) {
	control, line, err := pty.Open()
	p.ts.Check(err)
	defer func() { _ = errors.Join(control.Close(), line.Close()) }()
	_, err = term.MakeRaw(int(line.Fd())) // nothing is echoed
	p.ts.Check(err)
	for _, answer := range answers {
		_, err := control.WriteString(answer[2] + "\n")
		p.ts.Check(err)
	}
	shell := exec.Command("sh", "-c", "go() { shift 2; rollout \"$@\"; }\n"+p.actual(command))
	date := p.w.clock.Now().Format("2006-01-02T15:04:05Z")
	shell.Dir = p.ts.MkAbs(".")
	shell.Env = append(p.w.scriptEnvironment(p.ts), "GH_FORCE_TTY=100", "NO_COLOR=1", "TZ=UTC", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL="+p.ts.Getenv("GIT_CONFIG_GLOBAL"), "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date, "GIT_EDITOR=true",
		"GH_CONFIG_DIR="+p.ts.MkAbs("gh-config"))
	shell.Stdin = line
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	said, err := shell.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.ts.Fatalf("%s: %v", command, err)
	}
	out = string(said)
	for _, answer := range answers {
		out = strings.Replace(out, answer[1]+" ", answer[1]+" "+answer[2]+"\n", 1)
	}
	p.ts.Logf("> %s\n%s", command, out)
	return out, shell.ProcessState.ExitCode()
}

// The page names commits by what is sha1 of their name in the script, so that it does
// not change with each file of the first commit; and the repository as it asks its
// readers to.
const readersRepository = "OWNER/REPO"

func aliasOf(name string) string {
	sum := sha1.Sum([]byte(name))
	return hex.EncodeToString(sum[:])
}

// actual is a command with what it means here.
func (p *player) actual(command string) string {
	for _, word := range p.words {
		from, to, _ := strings.Cut(word, "=")
		command = strings.ReplaceAll(command, from, to)
	}
	command = strings.ReplaceAll(command, readersRepository, owner+"/"+name)
	return commitLike.ReplaceAllStringFunc(command, func(token string) string {
		for _, commit := range p.w.named {
			if strings.HasPrefix(aliasOf(commit.name), token) {
				return commit.sha[:len(token)]
			}
		}
		return token
	})
}

var (
	lasted = regexp.MustCompile(`after [0-9.]+ s\b`)
	// underWay is a line that says how far something is, whenever somebody looked.
	underWay = regexp.MustCompile(`^(run \d+: (queued|in_progress)|\w+: has |still )`)
)

// alias is what a command says, without what differs from run to run.
func (p *player) alias(out string) string {
	out = strings.ReplaceAll(out, p.w.github.Host(), "github.com")
	out = strings.ReplaceAll(out, owner+"/"+name, readersRepository)
	out = here.ReplaceAllString(out, "192.0.2.7:6443")
	out = lasted.ReplaceAllString(out, "after 2 s")
	out = commitLike.ReplaceAllStringFunc(out, func(token string) string {
		sha := p.resolve(token)
		if sha == "" {
			return token
		}
		for _, commit := range p.w.named {
			if commit.sha == sha {
				return aliasOf(commit.name)[:len(token)]
			}
		}
		p.w.remember(fmt.Sprint("commit ", len(p.w.named)), sha)
		return aliasOf(p.w.named[len(p.w.named)-1].name)[:len(token)]
	})
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(out, "\n"), "\n") {
		if !underWay.MatchString(line) {
			lines = append(lines, strings.TrimRight(line, " \t"))
		}
	}
	return strings.Join(lines, "\n")
}

// resolve is the commit that a token names, in the repository or where the script is.
func (p *player) resolve(token string) string {
	for _, dir := range []string{p.w.repo.Path(), p.ts.MkAbs(".")} {
		command := exec.Command("git", "-C", dir, "rev-parse", "--quiet", "--verify", token+"^{commit}")
		if out, err := command.Output(); err == nil {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
}
