package planfile

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// A claim is a branch and the stage that uses it.
type claim struct {
	branch text
	// stage is empty for the ledger.
	stage string
}

func (c claim) String() string {
	if c.stage == "" {
		return "the ledger " + quote(c.branch.value)
	}
	return "the branch " + quote(c.branch.value) + " of " + c.stage
}

func (b *binder) checkBranches(doc document) {
	claims := make([]claim, 0, len(doc.Stages)+1)
	for _, stage := range doc.Stages {
		claims = append(claims, claim{text(stage.Branch), stage.String()})
	}
	claims = append(claims, claim{branch: text(doc.Ledger)}) // last: it gives way to the stages

	taken := map[string]claim{}
	for _, claim := range claims {
		if claim.branch.present() {
			b.checkClaim(claim, taken)
		}
	}
	for _, claim := range taken {
		b.checkNesting(claim, taken)
	}
}

// checkClaim adds the claim to those taken if nothing speaks against it.
func (b *binder) checkClaim(claim claim, taken map[string]claim) {
	if problem := checkBranch(claim.branch.value); problem != nil {
		b.fail(claim.branch, problem.hint, "%s %s", claim, problem.message)
		return
	}
	if other, ok := taken[claim.branch.value]; ok {
		b.fail(claim.branch, "give each stage and the ledger a branch of its own",
			"%s is already the branch of %s, on line %d", claim, other.stage, other.branch.line)
		return
	}
	taken[claim.branch.value] = claim
}

// checkNesting refuses branches that Git cannot keep side by side: refs are
// files to it, and a/b makes a directory of a.
func (b *binder) checkNesting(claim claim, taken map[string]claim) {
	for i, char := range claim.branch.value {
		if char != '/' {
			continue
		}
		if parent, ok := taken[claim.branch.value[:i]]; ok {
			b.fail(claim.branch, "rename one of the two: Git keeps no branch below another one",
				"%s cannot exist beside %s", claim, parent)
		}
	}
}

var commitID = regexp.MustCompile(`^([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$`)

// checkBranch judges by the rules of git-check-ref-format(1) for branches, and
// refuses as well what is a branch to Git but something else to its readers: a
// full ref name and a commit's id.
func checkBranch(name string) *problem {
	const rename = "rename the branch"
	switch {
	case name == "":
		return &problem{"is empty", "name a branch"}
	case strings.HasPrefix(name, "refs/heads/"):
		return &problem{"is a full ref name", "leave refs/heads/ out"}
	case strings.HasPrefix(name, "refs/"):
		return &problem{"is a ref, and no branch", "name a branch, without refs/"}
	case name == "HEAD" || name == "@":
		return &problem{"is a name that Git keeps for itself", rename}
	case commitID.MatchString(name):
		return &problem{"reads as the id of a commit", rename}
	case len(name) > maxBranch:
		return &problem{fmt.Sprintf("is longer than %d bytes", maxBranch), rename}
	case strings.HasPrefix(name, "-"):
		return &problem{"begins with -, which commands take for an option", rename}
	case strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.Contains(name, "//"):
		return &problem{"has an empty part between slashes", "put one slash between two words, and none at the ends"}
	case strings.Contains(name, "..") || strings.HasSuffix(name, ".") || strings.Contains(name, "@{"):
		return &problem{`contains "..", "@{" or a dot at its end, which Git does not allow`, rename}
	case strings.ContainsAny(name, `~^:?*[\`) || strings.ContainsFunc(name, invisible):
		return &problem{`contains a space, a control character or one of ~^:?*[\, which Git does not allow`, rename}
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return &problem{"has a part that begins with a dot or ends in .lock, which Git does not allow", rename}
		}
	}
	return nil
}

// invisible also holds for the characters that Git allows in a branch but
// nobody can see, such as those that turn the direction of writing.
func invisible(char rune) bool {
	return unicode.IsSpace(char) || unicode.IsControl(char) || unicode.Is(unicode.Cf, char)
}
