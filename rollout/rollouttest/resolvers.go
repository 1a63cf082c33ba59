package rollouttest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The objects of the GraphQL interface. Objects whose fields need no work are
// plain fields.
type (
	gqlRepository struct{ *Repository }
	gqlRef        struct {
		repo *Repository
		ref
	}
	gqlCommit struct {
		repo *Repository
		*commit
	}
	gqlTree struct {
		repo   *Repository
		oid    string
		prefix string
	}
	gqlBlob struct {
		repo *Repository
		object
	}
	gqlEntry struct {
		repo *Repository
		path string
		treeEntry
	}
	gqlComparison struct {
		repo *Repository
		comparison
	}
	gqlStatus struct {
		repo *Repository
		oid  string
		list []status
	}
	gqlContext struct {
		repo *Repository
		oid  string
		status
	}
	gqlUser string
)

// typeOf is an object's type; declared is what the schema says of the place
// where it stands.
func typeOf(value any, declared string) string {
	switch value.(type) {
	case gqlRepository:
		return "Repository"
	case gqlRef:
		return "Ref"
	case gqlCommit:
		return "Commit"
	case gqlTree:
		return "Tree"
	case gqlBlob:
		return "Blob"
	case gqlUser:
		return "User"
	}
	return declared
}

// arguments are a field's, with their defaults filled in.
type arguments map[string]any

func (a arguments) text(name string) string {
	value, _ := a[name].(string)
	return value
}

// resolve returns the value of one field of an object.
func resolve(c *call, typeName string, parent any, name string, args arguments) (any, error) {
	switch typeName {
	case "Query":
		return c.resolveQuery(name, args)
	case "Mutation":
		return c.resolveMutation(name, args)
	}
	switch p := parent.(type) {
	case fields:
		return p[name], nil
	case gqlRepository:
		return c.resolveRepository(p, name, args)
	case gqlRef:
		return c.resolveRef(p, name, args)
	case gqlCommit:
		return c.resolveCommit(p, name, args)
	case gqlTree:
		return c.resolveTree(p, name)
	case gqlBlob:
		return c.resolveBlob(p, name)
	case gqlEntry:
		return c.resolveEntry(p, name)
	case gqlComparison:
		return c.resolveComparison(p, name, args)
	case gqlStatus:
		return c.resolveStatus(p, name, args)
	case gqlContext:
		return c.resolveContext(p, name)
	case gqlUser:
		return c.resolveUser(string(p), name)
	}
	return nil, noField(typeName, name)
}

// noField is an error in the stand-in itself: its schema promises a field that
// no resolver has.
func noField(typeName, name string) error {
	return fmt.Errorf("the stand-in has no resolver for %s.%s", typeName, name)
}

func (c *call) resolveQuery(name string, args arguments) (any, error) {
	switch name {
	case "viewer":
		return gqlUser(c.who.Login), nil
	case "rateLimit":
		w := c.g.window(c.who, "graphql")
		return fields{
			"cost": 1, "nodeCount": 1, "limit": w.limit, "remaining": w.remaining, "used": w.limit - w.remaining,
			"resetAt": w.reset.UTC(),
		}, nil
	case "repository":
		slug := args.text("owner") + "/" + args.text("name")
		r := c.g.find(args.text("owner"), args.text("name"))
		if r == nil || !c.who.sees(r) {
			return nil, &graphqlError{
				Type: typeNotFound, Message: fmt.Sprintf("Could not resolve to a Repository with the name '%s'.", slug),
			}
		}
		if !c.who.may(r, "contents", "read") {
			return nil, c.forbidden()
		}
		return gqlRepository{r}, nil
	case "node":
		return c.resolveNode(args.text("id"))
	}
	return nil, noField("Query", name)
}

// forbidden is what GraphQL says to who lacks a permission.
func (c *call) forbidden() error {
	return &graphqlError{Type: typeForbidden, Message: c.who.refusal()}
}

// readNodeID undoes nodeID.
func (c *call) readNodeID(id string) (kind string, r *Repository, rest string) {
	kind, packed, _ := strings.Cut(id, "_")
	plain, err := base64.RawURLEncoding.DecodeString(packed)
	number, rest, found := strings.Cut(string(plain), ":")
	if err != nil || !found {
		return "", nil, ""
	}
	repository, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return "", nil, ""
	}
	if r = c.g.findID(repository); r == nil || !c.who.may(r, "contents", "read") {
		return "", nil, ""
	}
	return kind, r, rest
}

func (c *call) resolveNode(id string) (any, error) {
	missing := &graphqlError{
		Type: typeNotFound, Message: fmt.Sprintf("Could not resolve to a node with the global id of '%s'.", id),
	}
	kind, r, rest := c.readNodeID(id)
	switch {
	case r == nil:
		return nil, missing
	case kind == "R":
		return gqlRepository{r}, nil
	case kind == "REF" && r.resolve(rest) != "":
		return gqlRef{r, ref{name: rest, oid: r.resolve(rest)}}, nil
	case kind == "C" || kind == "B" || kind == "T":
		return c.gitObjectNode(r, rest, "")
	}
	return nil, missing
}

func (c *call) resolveRepository(r gqlRepository, name string, args arguments) (any, error) {
	switch name {
	case "id":
		return r.nodeID(), nil
	case "databaseId":
		return r.id, nil
	case "name":
		return r.name, nil
	case "nameWithOwner":
		return r.Slug(), nil
	case "owner":
		return gqlUser(r.owner), nil
	case "url":
		return c.g.URL() + "/" + r.Slug(), nil
	case "createdAt":
		return r.created, nil
	case "isPrivate":
		return r.private, nil
	case "isEmpty":
		return len(r.refs("refs/heads/")) == 0, nil
	case "visibility":
		if r.private {
			return "PRIVATE", nil
		}
		return "PUBLIC", nil
	case "defaultBranchRef":
		return c.refNode(r.Repository, "refs/heads/"+r.head), nil
	case "ref":
		return c.namedRef(r.Repository, args.text("qualifiedName")), nil
	case "refs":
		return c.resolveRefs(r.Repository, args)
	case "object":
		expression := args.text("expression")
		if oid := args.text("oid"); oid != "" {
			expression = oid
		}
		return c.gitObjectNode(r.Repository, expression, "")
	}
	return nil, noField("Repository", name)
}

// refNode is a ref, or nothing.
func (c *call) refNode(r *Repository, name string) any {
	oid := r.resolve(name)
	if oid == "" {
		return nil
	}
	return gqlRef{r, ref{name: name, oid: oid}}
}

// namedRef is the ref with a name that may lack "refs/heads/" or "refs/".
func (c *call) namedRef(r *Repository, name string) any {
	for _, full := range []string{name, "refs/" + name, "refs/heads/" + name, "refs/tags/" + name} {
		if found := c.refNode(r, full); found != nil {
			return found
		}
	}
	return nil
}

func (c *call) resolveRefs(r *Repository, args arguments) (any, error) {
	prefix := args.text("refPrefix")
	if !strings.HasSuffix(prefix, "/") {
		return nil, &graphqlError{Type: typeUnprocessable, Message: "refPrefix must end with a '/'"}
	}
	var list []any
	for _, found := range r.refs(prefix) {
		if strings.Contains(strings.TrimPrefix(found.name, prefix), args.text("query")) {
			list = append(list, gqlRef{r, found})
		}
	}
	if args["orderBy"] != nil {
		return nil, errors.New("the stand-in sorts refs by name only")
	}
	if args["direction"] == "DESC" {
		slices.Reverse(list)
	}
	return connection("refs", list, args)
}

func (c *call) resolveRef(r gqlRef, name string, args arguments) (any, error) {
	short := strings.TrimPrefix(strings.TrimPrefix(r.name, "refs/heads/"), "refs/tags/")
	switch name {
	case "id":
		return nodeID("REF", r.repo.id, r.name), nil
	case "name":
		return short, nil
	case "prefix":
		return strings.TrimSuffix(r.name, short), nil
	case "repository":
		return gqlRepository{r.repo}, nil
	case "target":
		return c.gitObjectNode(r.repo, r.oid, "")
	case "compare":
		return c.compareRef(r, args.text("headRef"))
	}
	return nil, noField("Ref", name)
}

// compareRef compares a ref, as the base, with another, as the head; nothing
// where there is no such other.
func (c *call) compareRef(r gqlRef, headRef string) (any, error) {
	base, err := r.repo.peel(r.oid)
	if err != nil {
		return nil, err
	}
	head, err := r.repo.revision(headRef)
	if errors.Is(err, errNoObject) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	result, err := r.repo.compare(c.r.Context(), base, head)
	if errors.Is(err, errNoAncestor) {
		return nil, nil
	}
	return gqlComparison{r.repo, result}, err
}

func (c *call) resolveComparison(p gqlComparison, name string, args arguments) (any, error) {
	switch name {
	case "id":
		return nodeID("CMP", p.repo.id, p.base.oid+"..."+p.head.oid), nil
	case "status":
		return strings.ToUpper(p.status), nil
	case "aheadBy":
		return p.aheadBy, nil
	case "behindBy":
		return p.behindBy, nil
	case "baseTarget":
		return gqlCommit{p.repo, p.base}, nil
	case "headTarget":
		return gqlCommit{p.repo, p.head}, nil
	case "commits":
		list, err := p.repo.log(c, "--date-order", "--reverse", p.base.oid+".."+p.head.oid)
		if err != nil {
			return nil, err
		}
		return connection("commits", commitNodes(p.repo, list), args)
	}
	return nil, noField("Comparison", name)
}

func commitNodes(r *Repository, list []*commit) []any {
	var nodes []any
	for _, k := range list {
		nodes = append(nodes, gqlCommit{r, k})
	}
	return nodes
}

// gitObjectNode is the object that an expression names, or nothing. prefix is
// where a tree stands below the root.
func (c *call) gitObjectNode(r *Repository, expression, prefix string) (any, error) {
	o, err := r.objects.read(expression)
	if errors.Is(err, errNoObject) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	switch o.kind {
	case "commit":
		k, err := r.objects.commit(o.oid)
		return gqlCommit{r, k}, err
	case "tree":
		if _, below, found := strings.Cut(expression, ":"); found {
			prefix = strings.Trim(below, "/")
		}
		return gqlTree{r, o.oid, prefix}, nil
	case "blob":
		return gqlBlob{r, o}, nil
	}
	return nil, fmt.Errorf("the stand-in serves no %s objects over GraphQL", o.kind)
}

// resolveObject resolves what all Git objects have in common.
func (c *call) resolveObject(r *Repository, typeName, letter, oid, name string) (any, error) {
	switch name {
	case "id":
		return nodeID(letter, r.id, oid), nil
	case "oid":
		return oid, nil
	case "abbreviatedOid":
		return oid[:7], nil
	case "commitUrl":
		return c.g.URL() + "/" + r.Slug() + "/commit/" + oid, nil
	case "repository":
		return gqlRepository{r}, nil
	}
	return nil, noField(typeName, name)
}

func (c *call) resolveCommit(k gqlCommit, name string, args arguments) (any, error) {
	headline, body, _ := strings.Cut(k.message, "\n")
	switch name {
	case "message":
		return k.message, nil
	case "messageHeadline":
		return headline, nil
	case "messageBody":
		return strings.TrimSpace(body), nil
	case "committedDate":
		return k.committer.when, nil
	case "authoredDate":
		return k.author.when, nil
	case "author":
		return actor(k.author), nil
	case "committer":
		return actor(k.committer), nil
	case "tree":
		return gqlTree{k.repo, k.tree, ""}, nil
	case "url":
		return c.g.URL() + "/" + k.repo.Slug() + "/commit/" + k.oid, nil
	case "parents":
		var nodes []any
		for _, oid := range k.parents {
			parent, err := k.repo.objects.commit(oid)
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, gqlCommit{k.repo, parent})
		}
		return connection("parents", nodes, args)
	case "file":
		entry, found, err := k.repo.objects.find(k.tree, args.text("path"))
		if err != nil || !found {
			return nil, err
		}
		return gqlEntry{k.repo, args.text("path"), entry}, nil
	case "history":
		return c.resolveHistory(k, args)
	case "status", "statusCheckRollup":
		if !c.who.may(k.repo, "statuses", "read") {
			return nil, c.forbidden()
		}
		list := k.repo.latest(k.oid)
		if len(list) == 0 {
			return nil, nil
		}
		return gqlStatus{k.repo, k.oid, list}, nil
	}
	return c.resolveObject(k.repo, "Commit", "C", k.oid, name)
}

func (c *call) resolveHistory(k gqlCommit, args arguments) (any, error) {
	flags := []string{"--date-order"}
	for _, key := range []string{"since", "until"} {
		if text := args.text(key); text != "" {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is not a date", key, text)
			}
			flags = append(flags, "--"+key+"="+strconv.FormatInt(at.Unix(), 10))
		}
	}
	if args["author"] != nil {
		return nil, errors.New("the stand-in does not filter a history by author")
	}
	flags = append(flags, k.oid, "--")
	if path := args.text("path"); path != "" {
		flags = append(flags, ":(literal)"+path)
	}
	list, err := k.repo.log(c, flags...)
	if err != nil {
		return nil, err
	}
	return connection("history", commitNodes(k.repo, list), args)
}

// actor is a commit's author or committer.
func actor(s signature) fields {
	f := fields{"name": s.name, "email": s.email, "date": s.when, "user": nil}
	if login := loginOf(s.email); login != "" {
		f["user"] = gqlUser(login)
	}
	return f
}

func (c *call) resolveTree(t gqlTree, name string) (any, error) {
	if name != "entries" {
		return c.resolveObject(t.repo, "Tree", "T", t.oid, name)
	}
	entries, err := t.repo.objects.tree(t.oid)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, e := range entries {
		list = append(list, gqlEntry{t.repo, path.Join(t.prefix, e.name), e})
	}
	return list, nil
}

func (c *call) resolveEntry(e gqlEntry, name string) (any, error) {
	switch name {
	case "name":
		return e.name, nil
	case "path":
		return e.path, nil
	case "extension":
		return path.Ext(e.name), nil
	case "mode":
		mode, err := strconv.ParseInt(e.mode, 8, 64)
		return mode, err
	case "oid":
		return e.oid, nil
	case "type":
		return e.kind(), nil
	case "repository":
		return gqlRepository{e.repo}, nil
	case "object":
		if e.kind() == "commit" { // a submodule's
			return nil, nil
		}
		return c.gitObjectNode(e.repo, e.oid, e.path)
	case "size":
		if e.kind() != "blob" {
			return 0, nil
		}
		o, err := e.repo.objects.read(e.oid)
		return len(o.data), err
	}
	return nil, noField("TreeEntry", name)
}

// mostText is how much of a blob GraphQL shows; the real one stops at about
// half a megabyte.
const mostText = 512000

func (c *call) resolveBlob(b gqlBlob, name string) (any, error) {
	binary := slices.Contains(b.data[:min(len(b.data), 8000)], 0) || !utf8.Valid(b.data)
	switch name {
	case "byteSize":
		return len(b.data), nil
	case "isBinary":
		return binary, nil
	case "isTruncated":
		return len(b.data) > mostText, nil
	case "text":
		if binary {
			return nil, nil
		}
		return strings.ToValidUTF8(string(b.data[:min(len(b.data), mostText)]), ""), nil
	}
	return c.resolveObject(b.repo, "Blob", "B", b.oid, name)
}

// resolveStatus serves Status and StatusCheckRollup.
func (c *call) resolveStatus(s gqlStatus, name string, args arguments) (any, error) {
	switch name {
	case "id":
		return nodeID("ST", s.repo.id, s.oid), nil
	case "state":
		return strings.ToUpper(combined(s.list)), nil
	case "commit":
		return c.gitObjectNode(s.repo, s.oid, "")
	case "contexts":
		list := []any{}
		for _, one := range s.list {
			list = append(list, gqlContext{s.repo, s.oid, one})
		}
		return list, nil
	case "context":
		for _, one := range s.list {
			if strings.EqualFold(one.Context, args.text("name")) {
				return gqlContext{s.repo, s.oid, one}, nil
			}
		}
		return nil, nil
	}
	return nil, noField("Status", name)
}

func (c *call) resolveContext(s gqlContext, name string) (any, error) {
	switch name {
	case "id":
		return nodeID("SC", s.repo.id, strconv.FormatInt(s.id, 10)), nil
	case "context":
		return s.Context, nil
	case "state":
		return strings.ToUpper(s.State), nil
	case "description":
		if s.Description == "" {
			return nil, nil
		}
		return s.Description, nil
	case "targetUrl":
		if s.TargetURL == "" {
			return nil, nil
		}
		return s.TargetURL, nil
	case "createdAt":
		return s.at, nil
	case "creator":
		return gqlUser(s.Creator), nil
	case "commit":
		return c.gitObjectNode(s.repo, s.oid, "")
	}
	return nil, noField("StatusContext", name)
}

func (c *call) resolveUser(login, name string) (any, error) {
	switch name {
	case "id":
		return nodeID("U", accountID(login), login), nil
	case "databaseId":
		return accountID(login), nil
	case "login":
		return login, nil
	case "name":
		return login, nil
	case "email":
		return "", nil
	case "url":
		return c.g.URL() + "/" + login, nil
	}
	return nil, noField("User", name)
}

// connection cuts a page out of a list, in the way of Relay. Cursors are
// opaque to clients.
func connection(name string, list []any, args arguments) (any, error) {
	first, hasFirst := number(args["first"])
	last, hasLast := number(args["last"])
	if !hasFirst && !hasLast {
		return nil, &graphqlError{
			Type:    "MISSING_PAGINATION_BOUNDARIES",
			Message: fmt.Sprintf("You must provide a `first` or `last` value to properly paginate the `%s` connection.", name),
		}
	}
	for bound, n := range map[string]int{"first": first, "last": last} {
		if n > 100 {
			return nil, &graphqlError{
				Type: "EXCESSIVE_PAGINATION",
				Message: fmt.Sprintf("Requesting %d records on the `%s` connection exceeds the `%s` limit of 100 records.",
					n, name, bound),
			}
		}
	}
	from, to := 0, len(list)
	if at, found := readCursor(args.text("after")); found {
		from = min(at+1, to)
	}
	if at, found := readCursor(args.text("before")); found {
		to = max(from, min(at, to))
	}
	if hasFirst {
		to = min(to, from+first)
	}
	if hasLast {
		from = max(from, to-last)
	}
	edges, nodes := []any{}, []any{}
	for i := from; i < to; i++ {
		nodes = append(nodes, list[i])
		edges = append(edges, fields{"cursor": cursor(i), "node": list[i]})
	}
	info := fields{"hasNextPage": to < len(list), "hasPreviousPage": from > 0, "startCursor": nil, "endCursor": nil}
	if from < to {
		info["startCursor"], info["endCursor"] = cursor(from), cursor(to-1)
	}
	return fields{"totalCount": len(list), "nodes": nodes, "edges": edges, "pageInfo": info}, nil
}

func cursor(i int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "cursor:v2:%d", i))
}

func readCursor(text string) (int, bool) {
	plain, err := base64.StdEncoding.DecodeString(text)
	digits, found := strings.CutPrefix(string(plain), "cursor:v2:")
	at, notNumber := strconv.Atoi(digits)
	return at, err == nil && found && notNumber == nil && at >= 0
}

// number reads an integer, which comes as one type from a literal and as
// another from a variable.
func number(value any) (int, bool) {
	switch n := value.(type) {
	case int64:
		return int(n), true
	case int:
		return n, true
	case float64:
		return int(n), true
	}
	return 0, false
}
