package openapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/monosense/k8s-ops/rollout/rollouttest/internal/npm"
)

const repository = "/repos/{owner}/{repo}"

// used are the paths that the toolkit asks for. Where two match, the first
// counts.
var used = []string{
	"/user",
	"/rate_limit",
	"/meta",
	repository,
	repository + "/git/ref/{ref}",
	repository + "/git/matching-refs/{ref}",
	repository + "/git/refs",
	repository + "/git/refs/{ref}",
	repository + "/git/blobs",
	repository + "/git/blobs/{file_sha}",
	repository + "/git/trees",
	repository + "/git/trees/{tree_sha}",
	repository + "/git/commits",
	repository + "/git/commits/{commit_sha}",
	repository + "/branches",
	repository + "/branches/{branch}",
	repository + "/compare/{basehead}",
	repository + "/commits",
	repository + "/commits/{ref}/status",
	repository + "/commits/{ref}/statuses",
	repository + "/commits/{ref}",
	repository + "/statuses/{sha}",
	repository + "/contents/{path}",
	repository + "/activity",
	repository + "/pulls",
	repository + "/pulls/{pull_number}",
	repository + "/pulls/{pull_number}/merge",
	repository + "/actions/workflows",
	repository + "/actions/workflows/{workflow_id}",
	repository + "/actions/workflows/{workflow_id}/enable",
	repository + "/actions/workflows/{workflow_id}/disable",
	repository + "/actions/workflows/{workflow_id}/dispatches",
	repository + "/actions/workflows/{workflow_id}/runs",
	repository + "/actions/runs",
	repository + "/actions/runs/{run_id}",
	repository + "/actions/runs/{run_id}/jobs",
	repository + "/actions/secrets/public-key",
	repository + "/actions/secrets/{secret_name}",
	repository + "/keys",
	repository + "/keys/{key_id}",
	repository + "/environments",
	repository + "/environments/{environment_name}",
	repository + "/rulesets",
	repository + "/rulesets/{ruleset_id}",
	repository + "/rules/branches/{branch}",
}

// pruned returns the description of the used paths: the whole one is 12 MB,
// takes seconds to read, and has paths that conflict.
func pruned(ctx context.Context) ([]byte, error) {
	cache, err := npm.CacheDir()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(strings.Join(used, "\n")))
	kept := filepath.Join(cache, "openapi", npm.OpenAPI.Version+"-"+hex.EncodeToString(sum[:6])+".json")
	if data, err := os.ReadFile(kept); err == nil {
		return data, nil
	}
	whole, err := npm.OpenAPI.File(ctx, "generated/api.github.com.json")
	if err != nil {
		return nil, err
	}
	data, err := prune(whole)
	if err != nil {
		return nil, fmt.Errorf("prune GitHub's description: %w", err)
	}
	return data, npm.Keep(kept, data)
}

// prune keeps the used paths and the components that they refer to.
func prune(whole []byte) ([]byte, error) {
	var document struct {
		OpenAPI    string                    `json:"openapi"`
		Info       any                       `json:"info"`
		Servers    any                       `json:"servers"`
		Paths      map[string]any            `json:"paths"`
		Components map[string]map[string]any `json:"components"`
	}
	if err := json.Unmarshal(whole, &document); err != nil {
		return nil, err
	}
	paths := map[string]any{}
	for _, path := range used {
		paths[path] = withoutExamples(document.Paths[path])
	}
	components := map[string]map[string]any{}
	var keep func(value any)
	keep = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, item := range value {
				keep(item)
			}
		case map[string]any:
			for _, item := range value {
				keep(item)
			}
			name, _ := value["$ref"].(string)
			kind, name, found := strings.Cut(strings.TrimPrefix(name, "#/components/"), "/")
			if !found || components[kind][name] != nil {
				return
			}
			if components[kind] == nil {
				components[kind] = map[string]any{}
			}
			components[kind][name] = withoutExamples(document.Components[kind][name])
			keep(components[kind][name])
		}
	}
	for _, item := range paths {
		keep(item)
	}
	document.Paths, document.Components = paths, components
	return json.Marshal(document)
}

// withoutExamples drops what only people read.
func withoutExamples(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = withoutExamples(value[i])
		}
	case map[string]any:
		// A schema may have a property of this name, which is then an object
		// with a type.
		if examples, isMap := value["examples"].(map[string]any); isMap && examples["type"] == nil {
			delete(value, "examples")
		}
		for key := range value {
			value[key] = withoutExamples(value[key])
		}
	}
	return value
}
