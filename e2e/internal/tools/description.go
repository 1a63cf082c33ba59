package tools

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Description returns what the API server says of Kubernetes' own kinds, in
// OpenAPI 2.
func (c Cache) Description(ctx context.Context) ([]byte, error) {
	const file = "swagger.json"
	dir, err := c.place("description", ForClusters, APIServer.Repository)
	if err != nil {
		return nil, err
	}
	err = c.make(dir, "Fetching the description of Kubernetes' kinds", func(into string) error {
		source, err := c.download(ctx, ForClusters, APIServer)
		if err != nil {
			return err
		}
		return copyFile(filepath.Join(source, "api", "openapi-spec", file), into)
	})
	if err != nil {
		return nil, fmt.Errorf("fetch the description of Kubernetes' kinds: %w", err)
	}
	return os.ReadFile(filepath.Join(dir, file))
}
