package rollouttest_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/monosense/k8s-ops/rollout/rollouttest"
)

// listedKey is what these tests read of a deploy key.
type listedKey struct {
	ID       int64
	Title    string
	Key      string
	ReadOnly bool `json:"read_only"`
	LastUsed *string
	Enabled  bool
	AddedBy  string `json:"added_by"`
}

func TestDeployKeys(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	add := func(key string) reply {
		return s.do("POST", "keys", map[string]any{"title": "k", "key": key, "read_only": true})
	}
	var made, found listedKey
	if r := add("ssh-ed25519 AAAAC3Nz ada@example.com"); r.status != 201 {
		t.Fatalf("%d %s", r.status, r.body)
	} else {
		r.into(t, &made)
	}
	if made.Key != "ssh-ed25519 AAAAC3Nz" || !made.ReadOnly || !made.Enabled || made.AddedBy != rollouttest.DefaultLogin {
		t.Errorf("made %+v", made)
	}
	for _, wrong := range []string{"ssh-ed25519 AAAAC3Nz another comment", "rsa", ""} {
		if r := add(wrong); r.status != 422 {
			t.Errorf("%q is taken: %d", wrong, r.status)
		}
	}
	path := fmt.Sprintf("keys/%d", made.ID)
	s.do("GET", path, nil).into(t, &found)
	if found != made {
		t.Errorf("found %+v, made %+v", found, made)
	}
	if r := s.do("DELETE", path, nil); r.status != 204 {
		t.Errorf("%d %s", r.status, r.body)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if r := s.do(method, path, nil); r.status != 404 {
			t.Errorf("%s of what is not there: %d", method, r.status)
		}
	}
}

// Of a public repository, too, those alone see the keys who administer it.
func TestDeployKeysAreNoPublicMatter(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	s.repo.AddDeployKey(rollouttest.DeployKey{Title: "k", Key: "ssh-ed25519 AAAA"})
	reader := s.as(rollouttest.Identity{Login: "reader", Permissions: map[string]string{"administration": "read"}})
	if r := reader.do("GET", "keys", nil); r.status != 200 {
		t.Errorf("who may read them: %d", r.status)
	}
	if r := reader.do("POST", "keys", map[string]any{"title": "k", "key": "ssh-rsa AAAA"}); r.status != 403 {
		t.Errorf("who may only read them, adds one: %d", r.status)
	}
	stranger := s.as(rollouttest.Identity{Login: "stranger"})
	if r := stranger.do("GET", "keys", nil); r.status != 403 {
		t.Errorf("anybody sees them: %d", r.status)
	}
}

func TestSecrets(t *testing.T) {
	s := newStage(t, rollouttest.RepositoryOptions{})
	var key struct {
		ID  string `json:"key_id"`
		Key string
	}
	s.do("GET", "actions/secrets/public-key", nil).into(t, &key)
	if point, err := base64.StdEncoding.DecodeString(key.Key); err != nil || len(point) != 32 {
		t.Errorf("it is no key: %s", key.Key)
	}
	sealed := base64.StdEncoding.EncodeToString(make([]byte, 60))
	put := func(name, value, id string) int {
		return s.do("PUT", "actions/secrets/"+name, map[string]any{"encrypted_value": value, "key_id": id}).status
	}
	for _, test := range []struct {
		name, value, key string
		want             int
	}{
		{"A_KEY", sealed, key.ID, 201},
		{"a_key", sealed, key.ID, 204},
		{"GITHUB_KEY", sealed, key.ID, 422},
		{"A_KEY", sealed, "another", 422},
		{"A_KEY", base64.StdEncoding.EncodeToString([]byte("as it is")), key.ID, 422},
	} {
		if got := put(test.name, test.value, test.key); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
	if got := s.repo.Secrets(); len(got) != 1 || got[0] != "A_KEY" {
		t.Errorf("the secrets are %q", got)
	}
	stranger := s.as(rollouttest.Identity{Login: "stranger"})
	if r := stranger.do("GET", "actions/secrets/public-key", nil); r.status != 403 {
		t.Errorf("anybody may: %d", r.status)
	}
}
