package rollouttest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// serveGit serves Git's smart HTTP protocol. The second result is false for a
// path that is not Git's. Reading is left to the real "git upload-pack";
// receiving is done here, so that rulesets, permissions and the activity rows
// apply to a push as they do to everything else.
func (g *GitHub) serveGit(r *http.Request, body []byte, who caller) (answer, bool) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	if len(parts) != 3 {
		return answer{}, false
	}
	service := strings.TrimPrefix(parts[2], "/")
	if service == "info/refs" {
		service = r.URL.Query().Get("service")
	}
	if service != "git-receive-pack" && service != "git-upload-pack" {
		return answer{}, false
	}
	repo := g.find(parts[0], strings.TrimSuffix(parts[1], ".git"))
	if refused, no := refuseGit(repo, who, service); no {
		return refused, true
	}
	if strings.HasSuffix(r.URL.Path, "/info/refs") && r.Method == http.MethodGet {
		return repo.advertise(r, service), true
	}
	if r.Method != http.MethodPost {
		return answer{}, false
	}
	body, err := unzipped(r, body)
	if err != nil {
		return plain(http.StatusBadRequest, err.Error()), true
	}
	if service == "git-receive-pack" {
		return repo.receive(r.Context(), who.Identity, body), true
	}
	return repo.uploadPack(r, service, body, "upload-pack", "--stateless-rpc", repo.path), true
}

// refuseGit refuses who may not read or write a repository, in the words of
// github.com.
func refuseGit(repo *Repository, who caller, service string) (answer, bool) {
	writes := service == "git-receive-pack"
	visible := repo != nil && who.sees(repo)
	switch {
	case !who.known, who.anonymous() && (writes || !visible):
		a := plain(http.StatusUnauthorized, "Invalid username or token. Password authentication is not supported for Git operations.")
		a.header.Set("WWW-Authenticate", `Basic realm="GitHub"`)
		return a, true
	case !visible:
		return plain(http.StatusNotFound, "Repository not found."), true
	case writes && !who.may(repo, "contents", "write"):
		return plain(http.StatusForbidden, fmt.Sprintf("Permission to %s.git denied to %s.", repo.Slug(), who.Login)), true
	case !writes && !who.may(repo, "contents", "read"):
		return plain(http.StatusForbidden, "Write access to repository not granted."), true
	}
	return answer{}, false
}

// plain is an answer for git to show after "remote:".
func plain(status int, text string) answer {
	return answer{
		status: status, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body: []byte(text + "\n"),
	}
}

// unzipped undoes the compression that git uses for long requests.
func unzipped(r *http.Request, body []byte) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("a body that is not gzip: %w", err)
	}
	return io.ReadAll(z)
}

// advertise lists the refs, as the first request of each git command asks for.
func (r *Repository) advertise(request *http.Request, service string) answer {
	if service == "git-upload-pack" {
		return r.uploadPack(request, service, nil, "upload-pack", "--http-backend-info-refs", r.path)
	}
	var out bytes.Buffer
	packet(&out, "# service=git-receive-pack\n")
	flush(&out)
	const able = "report-status delete-refs side-band-64k quiet atomic ofs-delta object-format=sha1 agent=git/github-rollouttest"
	refs := r.refs("refs/")
	if len(refs) == 0 {
		refs = []ref{{name: "capabilities^{}", oid: zeroOID}}
	}
	for i, found := range refs {
		line := found.oid + " " + found.name
		if i == 0 {
			line += "\x00" + able
		}
		packet(&out, line+"\n")
	}
	flush(&out)
	return gitAnswer(service, "advertisement", out.Bytes())
}

// uploadPack runs git upload-pack.
func (r *Repository) uploadPack(request *http.Request, service string, body []byte, args ...string) answer {
	cmd := r.github.git.command(request.Context(), r.path, args...)
	if version := request.Header.Get("Git-Protocol"); version != "" {
		cmd.Env = append(cmd.Env, "GIT_PROTOCOL="+version)
	}
	var out, said bytes.Buffer
	kind := "result"
	if body == nil {
		kind = "advertisement"
		if !strings.Contains(request.Header.Get("Git-Protocol"), "version=2") {
			packet(&out, "# service="+service+"\n")
			flush(&out)
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(body), &out, &said
	// Upload-pack ends with an error where the client has what it wants and
	// hangs up, as in a shallow clone's first round: what it wrote counts.
	if err := cmd.Run(); err != nil && out.Len() == 0 {
		return plain(http.StatusInternalServerError, fmt.Sprintf("git upload-pack: %v: %s", err, said.String()))
	}
	return gitAnswer(service, kind, out.Bytes())
}

func gitAnswer(service, kind string, body []byte) answer {
	return answer{
		status: http.StatusOK,
		header: http.Header{
			"Content-Type":  {fmt.Sprintf("application/x-%s-%s", service, kind)},
			"Cache-Control": {"no-cache, max-age=0, must-revalidate"},
		},
		body: body,
	}
}

// receiving is one push by Git, while it is served.
type receiving struct {
	updates []refUpdate
	able    []string // what the client can do
	pack    []byte
}

// receive is git-receive-pack.
func (r *Repository) receive(ctx context.Context, who Identity, body []byte) answer {
	push, err := readPush(body)
	if err != nil {
		return plain(http.StatusBadRequest, err.Error())
	}
	if len(push.updates) == 0 { // git probes with an empty request before a long one
		return gitAnswer("git-receive-pack", "result", nil)
	}
	said, report := &bytes.Buffer{}, &bytes.Buffer{}
	if err := r.unpack(ctx, push); err != nil {
		packet(report, "unpack "+oneLine(err)+"\n")
		for _, u := range push.updates {
			packet(report, "ng "+u.ref+" unpacker error\n")
		}
	} else {
		packet(report, "unpack ok\n")
		r.receiveRefs(ctx, who, push, said, report)
	}
	flush(report)
	return gitAnswer("git-receive-pack", "result", push.frame(said.Bytes(), report.Bytes()))
}

// receiveRefs moves the refs of a push, together or one by one, and writes the
// report.
func (r *Repository) receiveRefs(ctx context.Context, who Identity, push receiving, said, report *bytes.Buffer) {
	if !slices.Contains(push.able, "atomic") {
		for _, u := range push.updates {
			r.reportPush(who, u, r.push(ctx, who, []refUpdate{u}), said, report)
		}
		return
	}
	err := r.push(ctx, who, push.updates)
	var no *refusal
	for _, u := range push.updates {
		if errors.As(err, &no) && no.update.ref != u.ref {
			packet(report, "ng "+u.ref+" atomic push failure\n")
			continue
		}
		r.reportPush(who, u, err, said, report)
	}
}

// reportPush says what became of one ref.
func (r *Repository) reportPush(who Identity, u refUpdate, err error, said, report *bytes.Buffer) {
	if err == nil {
		packet(report, "ok "+u.ref+"\n")
		return
	}
	why := oneLine(err)
	var no *refusal
	if errors.As(err, &no) {
		switch no.kind {
		case refusedObject:
			why = "missing necessary objects"
		case refusedMissing:
			why = "refusing to delete a ref that does not exist"
		case refusedRules:
			why = "push declined due to repository rule violations"
			fmt.Fprintf(said, "error: GH013: Repository rule violations found for %s.\n", u.ref)
			fmt.Fprintf(said, "Review all repository rules at %s/%s/rules?ref=%s\n\n",
				r.github.URL(), r.Slug(), strings.ReplaceAll(u.ref, "/", "%2F"))
			for _, line := range no.lines {
				fmt.Fprintf(said, "- %s\n\n", line)
			}
		case refusedWorkflows:
			why = "refusing to allow a GitHub App to create or update workflow `" + no.lines[0] + "` without `workflows` permission"
			if who.Kind == KindUser {
				why = "refusing to allow a Personal Access Token to create or update workflow `" + no.lines[0] + "` without `workflow` scope"
			}
		}
	}
	packet(report, "ng "+u.ref+" "+why+"\n")
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", " ") }

// unpack stores a push's objects and checks that nothing is missing.
func (r *Repository) unpack(ctx context.Context, push receiving) error {
	if len(push.pack) > 0 {
		if _, err := r.github.git.run(ctx, r.path, push.pack, "index-pack", "--stdin", "--fix-thin", "--strict"); err != nil {
			return fmt.Errorf("index-pack failed: %w", err)
		}
	}
	var tips strings.Builder
	for _, u := range push.updates {
		if u.after != zeroOID {
			tips.WriteString(u.after + "\n")
		}
	}
	if tips.Len() == 0 {
		return nil
	}
	if _, err := r.github.git.run(ctx, r.path, []byte(tips.String()),
		"rev-list", "--objects", "--quiet", "--stdin", "--not", "--all"); err != nil {
		return fmt.Errorf("missing necessary objects: %w", err)
	}
	return nil
}

// readPush reads a receive-pack request: a list of commands, and a pack.
func readPush(body []byte) (receiving, error) {
	var push receiving
	for {
		line, rest, err := readPacket(body)
		if err != nil {
			return receiving{}, err
		}
		body = rest
		if line == nil {
			break
		}
		command, able, first := strings.Cut(strings.TrimSuffix(string(line), "\n"), "\x00")
		if first {
			push.able = strings.Fields(able)
		}
		if strings.HasPrefix(command, "shallow ") {
			continue
		}
		words := strings.SplitN(command, " ", 3)
		if len(words) != 3 || !isOID(words[0]) || !isOID(words[1]) {
			return receiving{}, fmt.Errorf("a push with the command %q", command)
		}
		push.updates = append(push.updates, refUpdate{before: words[0], after: words[1], ref: words[2], force: true})
	}
	push.pack = body
	return push, nil
}

// frame writes what is said to the user and the report, side by side where the
// client can tell them apart.
func (p receiving) frame(said, report []byte) []byte {
	if !slices.Contains(p.able, "report-status") {
		report = nil
	}
	if !slices.Contains(p.able, "side-band-64k") {
		return report
	}
	var out bytes.Buffer
	for chunk := range slices.Chunk(said, 60000) {
		packet(&out, "\x02"+string(chunk))
	}
	for chunk := range slices.Chunk(report, 60000) {
		packet(&out, "\x01"+string(chunk))
	}
	flush(&out)
	return out.Bytes()
}

// packet writes one line of Git's protocol.
func packet(out *bytes.Buffer, line string) { fmt.Fprintf(out, "%04x%s", len(line)+4, line) }

// flush ends a list of lines.
func flush(out *bytes.Buffer) { out.WriteString("0000") }

// readPacket reads one line; nil is the end of a list.
func readPacket(data []byte) (line, rest []byte, err error) {
	if len(data) < 4 {
		return nil, nil, errors.New("a request that ends too early")
	}
	size, err := strconv.ParseUint(string(data[:4]), 16, 16)
	if err != nil {
		return nil, nil, fmt.Errorf("a request with the length %q", data[:4])
	}
	if size == 0 {
		return nil, data[4:], nil
	}
	if size < 4 || int(size) > len(data) {
		return nil, nil, errors.New("a request that ends too early")
	}
	return data[4:size], data[size:], nil
}
