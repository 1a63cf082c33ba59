package tools

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Definitions returns the CustomResourceDefinitions of the controllers.
func (c Cache) Definitions(ctx context.Context) ([]*unstructured.Unstructured, error) {
	controllers := []Program{SourceController, KustomizeController, NotificationController}
	dir, err := c.place("definitions", ForClusters, fmt.Sprintf("%q", controllers))
	if err != nil {
		return nil, err
	}
	err = c.make(dir, "Fetching the controllers' definitions", func(into string) error {
		for _, p := range controllers {
			if err := c.fetch(ctx, p, into); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("fetch the controllers' definitions: %w", err)
	}
	return read(dir)
}

// fetch copies a controller's definitions out of its module.
func (c Cache) fetch(ctx context.Context, p Program, into string) error {
	dir, err := c.download(ctx, ForClusters, p)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "config", "crd", "bases", "*.yaml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s has none in config/crd/bases", p.Repository)
	}
	for _, file := range files {
		if err := copyFile(file, into); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(file, into string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(into, filepath.Base(file)), data, 0o644)
}

// read reads the definitions of a directory, one a file.
func read(dir string) ([]*unstructured.Unstructured, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var definitions []*unstructured.Unstructured
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		definition := new(unstructured.Unstructured)
		if err := yaml.Unmarshal(data, &definition.Object); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		definitions = append(definitions, definition)
	}
	return definitions, nil
}
