package rollouttest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
	"github.com/monosense/k8s-ops/rollout/rollouttest/openapi"
)

// start is the time at which the tests' clocks begin.
var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const zero = "0000000000000000000000000000000000000000"

// stage is a GitHub with one repository, one clock and a client whose traffic
// is checked against GitHub's description.
type stage struct {
	t      *testing.T
	github *rollouttest.GitHub
	repo   *rollouttest.Repository
	clock  *rollouttest.Clock
	http   http.RoundTripper
	token  string
}

func newStage(t *testing.T, repository rollouttest.RepositoryOptions) *stage {
	t.Helper()
	clock := rollouttest.NewClock(start)
	repository.Owner, repository.Name = "octo-org", "fleet"
	github := rollouttest.New(t, rollouttest.Options{
		Clock: clock.Now, Repositories: []rollouttest.RepositoryOptions{repository},
	})
	return &stage{
		t: t, github: github, repo: github.Repositories()[0], clock: clock,
		http: openapi.Validate(t, github.Transport()), token: rollouttest.DefaultToken,
	}
}

// as is the same stage, seen by another identity.
func (s *stage) as(who rollouttest.Identity) *stage {
	token := fmt.Sprintf("token-of-%s-%s", who.Kind, who.Login)
	s.github.AddToken(token, who)
	other := *s
	other.token = token
	return &other
}

// commit makes one commit.
func (s *stage) commit(branch string, files map[string]string) string {
	s.t.Helper()
	oid, err := s.repo.Commit(branch, rollouttest.Change{Message: "Change", Files: files})
	if err != nil {
		s.t.Fatal(err)
	}
	return oid
}

// head is what a branch points at, or "".
func (s *stage) head(branch string) string {
	oid, err := s.repo.Head(branch)
	if err != nil {
		return ""
	}
	return oid
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request to the REST interface; path is below the repository unless
// it begins with a slash.
func (s *stage) do(method, path string, body any) reply {
	s.t.Helper()
	r, err := s.try(method, path, body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (s *stage) try(method, path string, body any) (reply, error) {
	s.t.Helper()
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		sent = bytes.NewReader(data)
	}
	address := path
	if !strings.HasPrefix(path, "https://") {
		if !strings.HasPrefix(path, "/") {
			path = strings.TrimSuffix("/repos/octo-org/fleet/"+path, "/")
		}
		address = s.github.URL() + "/api/v3" + path
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, address, sent)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return s.roundTrip(request)
}

func (s *stage) roundTrip(request *http.Request) (reply, error) {
	response, err := s.http.RoundTrip(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return reply{status: response.StatusCode, header: response.Header, body: data}, err
}

// want fails the test unless the reply has a status and its message contains a
// text.
func (s *stage) want(r reply, status int, message string) reply {
	s.t.Helper()
	if r.status != status || !strings.Contains(r.message(), message) {
		s.t.Fatalf("the answer is %d %s; want %d with %q", r.status, r.body, status, message)
	}
	return r
}

// message is the reply's message, or its whole body where it has none.
func (r reply) message() string {
	var shown struct{ Message string }
	if json.Unmarshal(r.body, &shown) != nil || shown.Message == "" {
		return string(r.body)
	}
	return shown.Message
}

// object reads the reply as a JSON object.
func (r reply) object(t *testing.T) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal(r.body, &value); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
	return value
}

// list reads the reply as a list of JSON objects.
func (r reply) list(t *testing.T) []map[string]any {
	t.Helper()
	var value []map[string]any
	if err := json.Unmarshal(r.body, &value); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
	return value
}

// into reads the reply as whatever a test wants of it.
func (r reply) into(t *testing.T, value any) {
	t.Helper()
	if err := json.Unmarshal(r.body, value); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
}

// at follows keys and indexes into a JSON value.
func at(value any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[step]
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

// graphql sends a query and returns the data and the errors.
func (s *stage) graphql(query string, variables map[string]any) (data map[string]any, problems []map[string]any) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.github.URL()+"/api/graphql", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "bearer "+s.token)
	r, err := s.roundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	var answer struct {
		Data   map[string]any
		Errors []map[string]any
	}
	if err := json.Unmarshal(r.body, &answer); err != nil || r.status != http.StatusOK {
		s.t.Fatalf("the answer is %d %s", r.status, r.body)
	}
	return answer.Data, answer.Errors
}

// git runs the real git against the stand-in and returns all that it printed.
func (s *stage) git(dir string, args ...string) (string, error) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(s.github.Env(),
		"PATH="+os.Getenv("PATH"), "HOME="+s.t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_COUNT=0", // the token is in the remote's address
		"GIT_AUTHOR_NAME=Mona", "GIT_AUTHOR_EMAIL=mona@example.com",
		"GIT_COMMITTER_NAME=Mona", "GIT_COMMITTER_EMAIL=mona@example.com")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustGit is git where nothing may go wrong.
func (s *stage) mustGit(dir string, args ...string) string {
	s.t.Helper()
	out, err := s.git(dir, args...)
	if err != nil {
		s.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// remote is the repository's address with the stage's token in it.
func (s *stage) remote() string {
	return strings.Replace(s.github.CloneURL("octo-org/fleet"), "https://", "https://x-access-token:"+s.token+"@", 1)
}

// clone makes a clone and returns its directory.
func (s *stage) clone(args ...string) string {
	s.t.Helper()
	dir := s.t.TempDir()
	s.mustGit(dir, append(append([]string{"clone", "--quiet"}, args...), s.remote(), "work")...)
	return dir + "/work"
}

// write makes a commit in a clone and returns its id.
func (s *stage) write(dir, file, content string) string {
	s.t.Helper()
	if parent, _, nested := cutLast(file, "/"); nested {
		if err := os.MkdirAll(dir+"/"+parent, 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := os.WriteFile(dir+"/"+file, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.mustGit(dir, "add", "--all")
	s.mustGit(dir, "commit", "--quiet", "--message", "Write "+file)
	return s.mustGit(dir, "rev-parse", "HEAD")
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
