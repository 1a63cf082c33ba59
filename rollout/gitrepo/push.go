package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/monosense/k8s-ops/rollout"
)

// Commit implements [rollout.Remote] with one receive-pack request. The
// branch's new commit is on the remote already, so only the ledger's commit,
// tree and files are sent.
func (r *Remote) Commit(ctx context.Context, t rollout.Transaction) (rollout.SHA, error) {
	store := memory.NewStorage()
	made, err := r.draft(store, t)
	if err != nil {
		return "", fmt.Errorf("write the ledger's commit: %w", err)
	}
	ledger := rollout.SHA(made.String())
	ctx, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	refused, err := r.receive(ctx, commands(t, made), store, func(offered *packp.AdvRefs) error { return r.mustHave(ctx, t, offered) })
	switch {
	case errors.Is(err, rollout.ErrUncertain):
		return ledger, err
	case err != nil:
		return "", err
	case refused != nil:
		return "", r.rejected(ctx, t, refused)
	default:
		return ledger, nil
	}
}

// receive makes one receive-pack request, unless check has something against what the
// remote offers. Refused is what the remote says that did not do it. An error of kind
// [rollout.ErrUncertain]: it may have.
func (r *Remote) receive(ctx context.Context, commands []*packp.Command, store *memory.Storage, check func(*packp.AdvRefs) error) (refused *packp.ReportStatus, err error) {
	session, err := r.at.writing()
	if err != nil {
		return nil, r.explain("write to", err)
	}
	defer session.Close()
	offered, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, r.explain("write to", err)
	}
	request, err := r.request(commands, offered, store)
	if err != nil {
		return nil, err
	}
	if err := check(offered); err != nil {
		return nil, err
	}
	report, err := session.ReceivePack(ctx, request)
	switch {
	case err == nil && report != nil:
		return nil, nil
	case report == nil:
		err = r.explain("write to", orNothing(err))
		if errors.Is(err, rollout.ErrNotPermitted) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", rollout.ErrUncertain, err)
	default:
		return report, nil
	}
}

func orNothing(err error) error {
	if err == nil {
		return errors.New("the answer is empty")
	}
	return err
}

// draft makes the ledger's commit, with its tree and files.
func (r *Remote) draft(store *memory.Storage, t rollout.Transaction) (plumbing.Hash, error) {
	tree := object.Tree{}
	for name, data := range t.Draft.Files {
		blob := store.NewEncodedObject()
		blob.SetType(plumbing.BlobObject)
		if err := write(blob, data); err != nil {
			return plumbing.ZeroHash, err
		}
		file, err := store.SetEncodedObject(blob)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		tree.Entries = append(tree.Entries, object.TreeEntry{Name: name, Mode: filemode.Regular, Hash: file})
	}
	slices.SortFunc(tree.Entries, func(a, b object.TreeEntry) int { return strings.Compare(a.Name, b.Name) })
	root, err := put(store, &tree)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	commit := object.Commit{Author: r.signature(), Committer: r.signature(), Message: t.Draft.Message, TreeHash: root}
	if t.Ledger.SHA != "" {
		commit.ParentHashes = []plumbing.Hash{hash(t.Ledger.SHA)}
	}
	return put(store, &commit)
}

func put(store *memory.Storage, o interface {
	Encode(plumbing.EncodedObject) error
},
) (plumbing.Hash, error) {
	encoded := store.NewEncodedObject()
	if err := o.Encode(encoded); err != nil {
		return plumbing.ZeroHash, err
	}
	return store.SetEncodedObject(encoded)
}

func write(o plumbing.EncodedObject, data []byte) error {
	w, err := o.Writer()
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Close()
}

// request names the old and new value of every ref. What the remote has just
// advertised only serves to be told early that a head moved: the old values
// sent are those that were observed.
func (r *Remote) request(commands []*packp.Command, offered *packp.AdvRefs, store *memory.Storage) (*packp.ReferenceUpdateRequest, error) {
	request := packp.NewReferenceUpdateRequest()
	request.Commands = commands
	for _, command := range request.Commands {
		if now := offered.References[command.Name.String()]; now != command.Old {
			return nil, moved(command, now)
		}
	}
	required := []capability.Capability{capability.ReportStatus}
	if len(request.Commands) > 1 {
		required = append(required, capability.Atomic)
	}
	for _, c := range required {
		if !offered.Capabilities.Supports(c) {
			return nil, &rollout.Problem{
				Kind: rollout.ErrRefused,
				What: fmt.Sprintf("%s does not offer `%s`, without which a promotion and its record cannot be one transaction", r.where, c),
				Ways: []string{"set receive.advertiseAtomic=true on the server, or use a Git server that has it"},
			}
		}
		if err := request.Capabilities.Set(c); err != nil {
			return nil, err
		}
	}
	var pack bytes.Buffer
	objects := make([]plumbing.Hash, 0, len(store.Objects))
	for h := range store.Objects {
		objects = append(objects, h)
	}
	if _, err := packfile.NewEncoder(&pack, store, false).Encode(objects, 0); err != nil {
		return nil, fmt.Errorf("pack the new commit: %w", err)
	}
	request.Packfile = io.NopCloser(&pack)
	return request, nil
}

func commands(t rollout.Transaction, ledger plumbing.Hash) []*packp.Command {
	all := []*packp.Command{{Name: branchRef(t.Ledger.Branch), Old: hash(t.Ledger.SHA), New: ledger}}
	if t.Branch != "" {
		all = append(all, &packp.Command{Name: branchRef(t.Branch), Old: hash(t.From), New: hash(t.To)})
	}
	if t.Backup != "" {
		all = append(all, &packp.Command{Name: branchRef(t.Backup), Old: plumbing.ZeroHash, New: hash(t.From)})
	}
	return all
}

// mustHave refuses to move a branch to a commit that the remote has not. Of a
// transaction with such a command receive-pack drops that command alone, before
// it comes to `atomic`, and carries out the rest (seen with Git 2.39).
func (r *Remote) mustHave(ctx context.Context, t rollout.Transaction, offered *packp.AdvRefs) error {
	if t.Branch == "" {
		return nil
	}
	var branch plumbing.Hash
	for name, tip := range offered.References {
		switch {
		case tip == hash(t.To):
			return nil
		case plumbing.ReferenceName(name).IsBranch():
			branch = tip
		}
	}
	if !branch.IsZero() {
		var has bool
		err := r.patiently(ctx, "ask for a commit of", func(ctx context.Context) (err error) {
			has, err = r.at.has(ctx, hash(t.To), branch)
			return err
		})
		if err != nil || has {
			return err
		}
	}
	return &rollout.Problem{Kind: rollout.ErrRefused, What: fmt.Sprintf("%s has no commit %s", r.where, t.To)}
}

// rejected finds out why the remote refused: a head that is not where it was
// observed, or the remote's own rules.
func (r *Remote) rejected(ctx context.Context, t rollout.Transaction, report *packp.ReportStatus) error {
	heads, err := r.heads(ctx)
	if err != nil {
		return err
	}
	for _, command := range commands(t, plumbing.ZeroHash) {
		if now := heads[command.Name]; now != command.Old {
			return moved(command, now)
		}
	}
	return &rollout.Problem{
		Kind: rollout.ErrRefused,
		What: fmt.Sprintf("%s refused the transaction, and changed nothing: %s", r.where, refusals(report)),
		Ways: refusalWays(t),
	}
}

// refusals are what a remote says of what it did not do.
func refusals(report *packp.ReportStatus) string {
	var said []string
	if report.UnpackStatus != "" && report.UnpackStatus != "ok" {
		said = append(said, "unpack: "+report.UnpackStatus)
	}
	for _, status := range report.CommandStatuses {
		if status.Status != "ok" {
			said = append(said, fmt.Sprintf("%s: %s", status.ReferenceName.Short(), status.Status))
		}
	}
	return rollout.Printable(strings.Join(said, "; "), 400)
}

// refusalWays are the ways out where the remote's own rules are in the way.
func refusalWays(t rollout.Transaction) []string {
	ways := []string{"look at the hooks and the branch protection of the remote"}
	if t.Backup == "" {
		return ways
	}
	return append(ways,
		fmt.Sprintf("if it keeps everybody from rewinding branches (receive.denyNonFastForwards), have that lifted for %s for the moment, and run it again", t.Branch),
		"or leave the branch where it stands, and have its commits absorbed, which needs no force: mage release:repair",
	)
}

func moved(command *packp.Command, now plumbing.Hash) error {
	return fmt.Errorf("%w: %s was at %s and is at %s", rollout.ErrMoved, command.Name.Short(), name(command.Old), name(now))
}

func name(h plumbing.Hash) string {
	if h.IsZero() {
		return "nothing"
	}
	return rollout.SHA(h.String()).Short()
}
