package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// newer is the module with the newest definitions of the controllers that cannot
// be built as new as that. The kustomize-controller beside them asks for kinds and
// versions of sources that came later, and the repository's manifests for keys.
const newer = "crds"

// Definitions returns the CustomResourceDefinitions of the controllers.
func (c Cache) Definitions(ctx context.Context) ([]*unstructured.Unstructured, error) {
	all, err := c.definitions(ctx, KustomizeController.Module, KustomizeController)
	if err != nil {
		return nil, err
	}
	for _, p := range []Program{SourceController, NotificationController} {
		definitions, err := c.newest(ctx, p)
		if err != nil {
			return nil, err
		}
		all = append(all, definitions...)
	}
	return all, nil
}

// newest reads a controller's newest definitions, with the versions that the
// controller itself knows.
func (c Cache) newest(ctx context.Context, p Program) ([]*unstructured.Unstructured, error) {
	definitions, err := c.definitions(ctx, newer, p)
	if err != nil {
		return nil, err
	}
	older, err := c.definitions(ctx, p.Module, p)
	if err != nil {
		return nil, err
	}
	return definitions, serveToo(definitions, older)
}

// definitions reads those of one controller, in the version that a module pins.
func (c Cache) definitions(ctx context.Context, module string, p Program) ([]*unstructured.Unstructured, error) {
	dir, err := c.place("definitions-"+module, []string{module}, p.Repository)
	if err != nil {
		return nil, err
	}
	err = c.make(dir, "Fetching the definitions of "+p.Name+" as of "+module, func(into string) error {
		return c.fetch(ctx, module, p.Repository, into)
	})
	if err != nil {
		return nil, fmt.Errorf("fetch the definitions of %s: %w", p.Name, err)
	}
	return read(dir)
}

// fetch copies a controller's definitions out of its module.
func (c Cache) fetch(ctx context.Context, module, repository, into string) error {
	dir, err := c.download(ctx, module, repository)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "config", "crd", "bases", "*.yaml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s has none in config/crd/bases", repository)
	}
	for _, file := range files {
		if err := copyFile(file, into); err != nil {
			return err
		}
	}
	return nil
}

// download gets the source of a module that one of ours pins.
func (c Cache) download(ctx context.Context, module, repository string) (dir string, err error) {
	out, err := c.run(ctx, module, "mod", "download", "-json", repository)
	if err != nil {
		return "", err
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(out, &downloaded); err != nil {
		return "", fmt.Errorf("understand what go mod download says: %w", err)
	}
	return downloaded.Dir, nil
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

// serveToo adds the versions that only older definitions have: the older
// controller reads them. Stored is what the newer ones store.
func serveToo(definitions, older []*unstructured.Unstructured) error {
	for _, old := range older {
		at := slices.IndexFunc(definitions, func(d *unstructured.Unstructured) bool { return d.GetName() == old.GetName() })
		if at < 0 {
			return fmt.Errorf("the newer definitions lack %s", old.GetName())
		}
		versions, err := versionsOf(definitions[at])
		if err != nil {
			return err
		}
		added, err := versionsOf(old)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(added)) {
			if version := added[name]; versions[name] == nil {
				version["served"], version["storage"] = true, false
				appendVersion(definitions[at], version)
			}
		}
	}
	return nil
}

// versionsOf are a definition's versions, by their names.
func versionsOf(definition *unstructured.Unstructured) (map[string]map[string]any, error) {
	list, _, err := unstructured.NestedSlice(definition.Object, "spec", "versions")
	if err != nil {
		return nil, fmt.Errorf("versions of %s: %w", definition.GetName(), err)
	}
	versions := map[string]map[string]any{}
	for _, item := range list {
		version, isMap := item.(map[string]any)
		name, isText := version["name"].(string)
		if !isMap || !isText {
			return nil, fmt.Errorf("versions of %s: one has no name", definition.GetName())
		}
		versions[name] = version
	}
	return versions, nil
}

func appendVersion(definition *unstructured.Unstructured, version map[string]any) {
	list, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
	_ = unstructured.SetNestedSlice(definition.Object, append(list, version), "spec", "versions")
}
