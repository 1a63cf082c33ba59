package gitrepo_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/gitrepo"
)

// TestReadingSaysHowFarItIs: commits and files are counted while git still prints.
func TestReadingSaysHowFarItIs(t *testing.T) {
	r := newRepository(t)
	for i := range 6 {
		r.commit(fmt.Sprint("commit ", i))
	}
	r.git("push", "--quiet", "origin", "main")
	head := r.head("HEAD")
	for _, test := range []struct {
		what, command string
		parts         int
		read          func(context.Context) error
	}{
		{"reading history", "rev-list", 7, func(ctx context.Context) error {
			commits, err := open(t, r.bare).Between(ctx, "", head)
			if err == nil && len(commits) != 7 {
				err = fmt.Errorf("it has %d commits", len(commits))
			}
			return err
		}},
		{"reading " + head.Short(), "cat-file", 1, func(ctx context.Context) error {
			c, err := gitrepo.OpenCheckout(ctx, r.work)
			if err != nil {
				return err
			}
			return c.Export(ctx, head, t.TempDir())
		}},
	} {
		t.Run(test.command, func(t *testing.T) {
			enough := slowly(t, test.command)
			var p rollout.Progress
			read := make(chan error, 1)
			go func() { read <- test.read(rollout.WithProgress(t.Context(), &p)) }()
			for range 2000 {
				if at := p.Now(); at != nil && at.What == test.what {
					if parts, _ := at.Done(); parts == test.parts {
						enough()
						break
					}
				}
				time.Sleep(10 * time.Millisecond)
			}
			if err := <-read; err != nil {
				t.Error(err)
			}
			if p.Now() != nil {
				t.Errorf("it is at %s, and has ended", p.Now().What)
			}
		})
	}
}

// slowly makes a git command end only when somebody has seen enough, or fail after a
// while.
func slowly(t *testing.T, command string) (enough func()) {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	signal := filepath.Join(dir, "enough")
	script := fmt.Sprintf(`#!/bin/sh
'%s' "$@" || exit
case "$*" in *%s*) for i in $(seq 600); do test -e '%s' && exit; sleep 0.05; done; exit 1 ;; esac
`, git, command, signal)
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() {
		if err := os.WriteFile(signal, nil, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// trickle gives the answers of a remote byte by byte.
type trickle func()

func (each trickle) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		answer.Body = drip{iotest.OneByteReader(answer.Body), answer.Body, each}
	}
	return answer, err
}

type drip struct {
	io.Reader
	io.Closer
	each func()
}

func (d drip) Read(into []byte) (int, error) {
	d.each()
	return d.Reader.Read(into)
}

// noise is a text that cannot be made shorter.
func noise(length int) string {
	var text strings.Builder
	for text.Len() < length {
		text.WriteString(rand.Text())
	}
	return text.String()
}

// TestReceivingSaysHowFarItIs: objects are counted as they come, of as many as the
// remote says.
func TestReceivingSaysHowFarItIs(t *testing.T) {
	r := newRepository(t)
	for range 6 {
		// More than one packet holds.
		r.commit(noise(60_000))
	}
	r.git("push", "--quiet", "origin", "main")
	var p rollout.Progress
	var seen *rollout.Phase
	remote := open(t, serve(t, r).URL+"/k8s-ops.git", func(o *gitrepo.Options) {
		o.Transport = trickle(func() {
			if at := p.Now(); at != nil {
				seen = at
			}
		})
	})
	if _, err := remote.Between(rollout.WithProgress(t.Context(), &p), "", r.head("HEAD")); err != nil {
		t.Fatal(err)
	}
	if seen == nil {
		t.Fatal("nobody said what it is at")
	}
	if done, _ := seen.Done(); seen.What != "receiving" || done < 7 || done != seen.Total {
		t.Errorf("%s: %d of %d are there", seen.What, done, seen.Total)
	}
	if p.Now() != nil {
		t.Errorf("it is at %s, and has ended", p.Now().What)
	}
}
