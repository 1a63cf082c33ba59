package rollouttest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DeployKey is an ssh key of a repository. The stand-in lists it; ssh itself is for
// package sshserver.
type DeployKey struct {
	ID    int64
	Title string
	// Key is its public half, as a line of authorized_keys.
	Key      string
	ReadOnly bool
	// Created is when it was added. Default is now.
	Created time.Time
	// LastUsed is nil where nobody has used it.
	LastUsed *time.Time
	// Disabled says that a rule of the organization has turned it off.
	Disabled bool
	AddedBy  string
}

// AddDeployKey adds a key, and returns its ID.
func (r *Repository) AddDeployKey(key DeployKey) int64 {
	key.ID = r.github.nextID()
	key.AddedBy = cmp.Or(key.AddedBy, DefaultLogin)
	if key.Created.IsZero() {
		key.Created = r.github.clock().UTC()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append(r.keys, &key)
	return key.ID
}

// DeployKeys lists the keys, in the order in which they were added.
func (r *Repository) DeployKeys() []DeployKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []DeployKey
	for _, key := range r.keys {
		list = append(list, *key)
	}
	return list
}

// Secrets are the names of the secrets of Actions, sorted. What they are the stand-in
// could not read: clients encrypt it.
func (r *Repository) Secrets() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.secrets))
}

// listKeys is GET /repos/{owner}/{repo}/keys.
func listKeys(c *call) (answer, error) {
	list := []fields{}
	for _, key := range c.repo.DeployKeys() {
		list = append(list, c.key(key))
	}
	page, link, err := paged(c, list)
	if err != nil {
		return answer{}, err
	}
	return linked(answerJSON(http.StatusOK, page), link), nil
}

// publicKey is what GitHub takes for the public half of a key.
var publicKey = regexp.MustCompile(`^(ssh-(rsa|ed25519)|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+=*( .*)?$`)

// createKey is POST /repos/{owner}/{repo}/keys.
func createKey(c *call) (answer, error) {
	var body struct {
		Title, Key string
		ReadOnly   bool `json:"read_only"`
	}
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	key := strings.TrimSpace(body.Key)
	wrong := func(message string) error {
		return validationFailed(fields{"resource": "PublicKey", "code": "custom", "field": "key", "message": message})
	}
	switch {
	case !publicKey.MatchString(key):
		return answer{}, wrong("key is invalid. You must supply a key in OpenSSH public key format")
	case slices.ContainsFunc(c.repo.DeployKeys(), func(other DeployKey) bool { return sameKey(other.Key, key) }):
		return answer{}, wrong("key is already in use")
	}
	id := c.repo.AddDeployKey(DeployKey{Title: body.Title, Key: key, ReadOnly: body.ReadOnly, AddedBy: c.who.Login})
	made, err := c.findKey(id)
	return answerJSON(http.StatusCreated, c.key(made)), err
}

// sameKey compares two keys without their comments.
func sameKey(a, b string) bool {
	return slices.Equal(strings.Fields(a + " -")[:2], strings.Fields(b + " -")[:2])
}

// getKey is GET /repos/{owner}/{repo}/keys/{key_id}.
func getKey(c *call) (answer, error) {
	key, err := c.pathKey()
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, c.key(key)), nil
}

// deleteKey is DELETE /repos/{owner}/{repo}/keys/{key_id}.
func deleteKey(c *call) (answer, error) {
	key, err := c.pathKey()
	if err != nil {
		return answer{}, err
	}
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	c.repo.keys = slices.DeleteFunc(c.repo.keys, func(k *DeployKey) bool { return k.ID == key.ID })
	return noContent(), nil
}

// pathKey is the key that a path names.
func (c *call) pathKey() (DeployKey, error) {
	id, err := strconv.ParseInt(c.vars["key"], 10, 64)
	if err != nil {
		return DeployKey{}, notFound()
	}
	return c.findKey(id)
}

func (c *call) findKey(id int64) (DeployKey, error) {
	for _, key := range c.repo.DeployKeys() {
		if key.ID == id {
			return key, nil
		}
	}
	return DeployKey{}, notFound()
}

// key is a deploy key as REST shows it: without its comment.
func (c *call) key(key DeployKey) fields {
	return fields{
		"id": key.ID, "key": strings.Join(strings.Fields(key.Key + " - -")[:2], " "), "url": c.repoURL("/keys/%d", key.ID), "title": key.Title,
		"verified": true, "created_at": key.Created, "read_only": key.ReadOnly, "added_by": key.AddedBy,
		"last_used": key.LastUsed, "enabled": !key.Disabled,
	}
}

// secretKey is the number of the key that clients encrypt secrets with.
const secretKey = "568250167242549743"

// getSecretKey is GET /repos/{owner}/{repo}/actions/secrets/public-key. Nobody has
// the private half: the base point of the curve is a key like any other to whoever
// encrypts.
func getSecretKey(*call) (answer, error) {
	point := make([]byte, 32)
	point[0] = 9
	return answerJSON(http.StatusOK, fields{"key_id": secretKey, "key": base64.StdEncoding.EncodeToString(point)}), nil
}

// secretName is what GitHub takes as the name of a secret.
var secretName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// putSecret is PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}.
func putSecret(c *call) (answer, error) {
	var body struct {
		Value string `json:"encrypted_value"`
		Key   string `json:"key_id"`
		// gh names these where they are not the repository's.
		Visibility   optional[string]  `json:"visibility"`
		Repositories optional[[]int64] `json:"selected_repository_ids"`
	}
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	name := strings.ToUpper(c.vars["secret"])
	sealed, err := base64.StdEncoding.DecodeString(body.Value)
	switch {
	case !secretName.MatchString(name) || strings.HasPrefix(name, "GITHUB_"):
		return answer{}, unprocessable("Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_).")
	case body.Key != secretKey:
		return answer{}, unprocessable("Bad request: invalid key_id")
	case err != nil || len(sealed) <= 48: // a key, a tag, and something between
		return answer{}, &apiError{status: http.StatusUnprocessableEntity, message: fmt.Sprintf("Could not decrypt the secret %s", name)}
	}
	c.repo.mu.Lock()
	defer c.repo.mu.Unlock()
	_, known := c.repo.secrets[name]
	c.repo.secrets[name] = body.Value
	if known {
		return noContent(), nil
	}
	return answerJSON(http.StatusCreated, fields{}), nil
}
