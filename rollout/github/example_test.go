package github_test

import (
	"context"
	"fmt"
	"time"

	"github.com/monosense/k8s-ops/rollout"
	"github.com/monosense/k8s-ops/rollout/github"
	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// demo is a GitHub with three commits on main, and a client that speaks to it.
// A program takes its token from github.Token, and leaves Transport out.
func demo() (*github.Client, *rollouttest.Repository, func()) {
	g, err := rollouttest.Start(rollouttest.Options{})
	if err != nil {
		panic(err)
	}
	repo := g.Repositories()[0]
	if _, err := repo.History("main", 3, 1, time.Hour); err != nil {
		panic(err)
	}
	client, err := github.New(github.Options{
		Host: g.Host(), Owner: "octo-org", Name: "fleet",
		Token: rollouttest.DefaultToken, Transport: g.Transport(),
	})
	if err != nil {
		panic(err)
	}
	return client, repo, func() { _ = g.Close() }
}

func ExampleNew() {
	client, _, end := demo()
	defer end()
	o, err := client.Observe(context.Background(), rollout.Query{Branches: []string{"main", "release"}, Ledger: "rollout/ledger"})
	fmt.Println(len(o.Heads), "branch,", "ledger", o.Ledger == "", "as", o.Viewer, err)
	// Output: 1 branch, ledger true as octocat-admin <nil>
}

func ExampleClient_Commit() {
	client, repo, end := demo()
	defer end()
	head, err := repo.Head("main")
	if err != nil {
		panic(err)
	}
	begin := rollout.Transaction{
		Branch: "release", To: rollout.SHA(head),
		Ledger: rollout.Head{Branch: "rollout/ledger"},
		Draft:  rollout.Draft{Message: "begin", Files: map[string][]byte{"state.json": []byte("{}")}},
	}
	_, err = client.Commit(context.Background(), begin)
	fmt.Println("first:", err)
	_, err = client.Commit(context.Background(), begin) // the branch exists by now
	fmt.Println("second:", err != nil)
	// Output:
	// first: <nil>
	// second: true
}

func ExampleClient_Movements() {
	client, _, end := demo()
	defer end()
	newest := func(rollout.Movement) bool { return true }
	pushes, err := client.Movements(context.Background(), "main", newest)
	fmt.Println(len(pushes), "push, forced:", pushes[0].Forced, err)
	// Output: 1 push, forced: false <nil>
}

func ExampleClient_Protection() {
	client, _, end := demo()
	defer end()
	change, err := client.Protection(context.Background(), rollout.Protection{Name: "staged rollout", Branches: []string{"release"}})
	fmt.Println(change.Found+":", change.Intent, err)
	// Output: missing: create with deletion, non_fast_forward for release <nil>
}
