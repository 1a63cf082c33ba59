package rollouttest

import (
	"errors"
	"net/http"
	"strings"
)

// gitRef is a ref as REST shows it.
func (c *call) gitRef(found ref) fields {
	kind := "commit"
	if o, err := c.repo.objects.read(found.oid); err == nil {
		kind = o.kind
	}
	return fields{
		"ref": found.name, "node_id": nodeID("REF", c.repo.id, found.name), "url": c.repoURL("/git/%s", found.name),
		"object": fields{"type": kind, "sha": found.oid, "url": c.repoURL("/git/%ss/%s", kind, found.oid)},
	}
}

// getRef is GET /repos/{owner}/{repo}/git/ref/{ref}.
func getRef(c *call) (answer, error) {
	name := "refs/" + c.vars["ref"]
	oid := c.repo.resolve(name)
	if oid == "" {
		return answer{}, notFound()
	}
	return answerJSON(http.StatusOK, c.gitRef(ref{name: name, oid: oid})), nil
}

// listMatchingRefs is GET /repos/{owner}/{repo}/git/matching-refs/{ref}.
func listMatchingRefs(c *call) (answer, error) {
	list := []fields{}
	for _, found := range c.repo.refs("refs/" + c.vars["ref"]) {
		list = append(list, c.gitRef(found))
	}
	return answerJSON(http.StatusOK, list), nil
}

// createRef is POST /repos/{owner}/{repo}/git/refs.
func createRef(c *call) (answer, error) {
	var body struct{ Ref, SHA *string }
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	switch {
	case body.Ref == nil:
		return answer{}, notSupplied("ref")
	case body.SHA == nil:
		return answer{}, notSupplied("sha")
	case !strings.HasPrefix(*body.Ref, "refs/") || strings.Count(*body.Ref, "/") < 2:
		return answer{}, unprocessable("Reference name must start with 'refs/' and contain at least one other slash.")
	case !isOID(*body.SHA):
		return answer{}, unprocessable("The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
	}
	update := refUpdate{ref: *body.Ref, before: zeroOID, after: *body.SHA}
	if err := c.repo.push(c.r.Context(), c.who, []refUpdate{update}); err != nil {
		return answer{}, c.refused(err)
	}
	made := answerJSON(http.StatusCreated, c.gitRef(ref{name: *body.Ref, oid: *body.SHA}))
	made.header.Set("Location", c.repoURL("/git/%s", *body.Ref))
	return made, nil
}

// updateRef is PATCH /repos/{owner}/{repo}/git/refs/{ref}. It has no
// compare-and-swap.
func updateRef(c *call) (answer, error) {
	var body struct {
		SHA   *string
		Force bool
	}
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	name := "refs/" + c.vars["ref"]
	switch {
	case body.SHA == nil:
		return answer{}, notSupplied("sha")
	case !isOID(*body.SHA):
		return answer{}, unprocessable("The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
	case c.repo.resolve(name) == "":
		return answer{}, unprocessable("Reference does not exist")
	}
	update := refUpdate{ref: name, after: *body.SHA, force: body.Force}
	if err := c.repo.push(c.r.Context(), c.who, []refUpdate{update}); err != nil {
		return answer{}, c.refused(err)
	}
	return answerJSON(http.StatusOK, c.gitRef(ref{name: name, oid: *body.SHA})), nil
}

// deleteRef is DELETE /repos/{owner}/{repo}/git/refs/{ref}.
func deleteRef(c *call) (answer, error) {
	update := refUpdate{ref: "refs/" + c.vars["ref"], after: zeroOID}
	if err := c.repo.push(c.r.Context(), c.who, []refUpdate{update}); err != nil {
		return answer{}, c.refused(err)
	}
	return noContent(), nil
}

// refused puts a refusal into REST's words.
func (c *call) refused(err error) error {
	var no *refusal
	if !errors.As(err, &no) {
		return err
	}
	switch no.kind {
	case refusedName:
		return unprocessable("%s is not a valid ref name.", no.update.ref)
	case refusedStale:
		return unprocessable("Reference already exists")
	case refusedObject:
		return unprocessable("Object does not exist")
	case refusedMissing:
		return unprocessable("Reference does not exist")
	case refusedForward:
		return unprocessable("Update is not a fast forward")
	case refusedRules:
		return unprocessable("%s", ruleMessage(no.lines))
	case refusedWorkflows:
		return &apiError{status: http.StatusForbidden, message: c.who.refusal()}
	}
	return unprocessable("Reference cannot be updated")
}
