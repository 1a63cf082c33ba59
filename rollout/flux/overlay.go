package flux

import (
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	sigsyaml "sigs.k8s.io/yaml"
)

// An overlay is what a Flux Kustomization adds to the kustomization in the
// directory that it applies (fluxcd/pkg kustomize, GenerateManifest).
type overlay struct {
	// Entry tells that it is an entry point: whoever applies it by hand builds
	// the kustomization as it is written, and may let it inflate charts.
	Entry                                   bool
	TargetNamespace, NamePrefix, NameSuffix string
	Patches                                 []types.Patch
	Components                              []string
	IgnoreMissingComponents                 bool
	Images                                  []types.Image
	BuildMetadata                           []string
	// Only are the resources of an entry point that is one manifest: the
	// directory's own kustomization does not count then.
	Only []string
}

// overlayOf reads the overlay of a Flux Kustomization.
func overlayOf(kustomization *yaml.Node) overlay {
	spec := field(kustomization, fieldSpec)
	o := overlay{
		TargetNamespace: text(field(spec, "targetNamespace")),
		NamePrefix:      text(field(spec, "namePrefix")), NameSuffix: text(field(spec, "nameSuffix")),
		Components: texts(field(spec, "components")), IgnoreMissingComponents: text(field(spec, "ignoreMissingComponents")) == "true",
		BuildMetadata: texts(field(spec, "buildMetadata")),
	}
	for _, patch := range elements(field(spec, "patches")) {
		o.Patches = append(o.Patches, types.Patch{Patch: text(field(patch, "patch")), Target: selectorOf(field(patch, "target"))})
	}
	for _, image := range elements(field(spec, "images")) {
		o.Images = append(o.Images, types.Image{
			Name: text(field(image, fieldName)), NewName: text(field(image, "newName")),
			NewTag: text(field(image, "newTag")), Digest: text(field(image, "digest")),
		})
	}
	return o
}

func selectorOf(node *yaml.Node) *types.Selector {
	if isEmpty(node) {
		return nil
	}
	return &types.Selector{
		ResId: resid.ResId{
			Gvk:  resid.Gvk{Group: text(field(node, "group")), Version: text(field(node, "version")), Kind: text(field(node, "kind"))},
			Name: text(field(node, fieldName)), Namespace: text(field(node, fieldNamespace)),
		},
		LabelSelector: text(field(node, "labelSelector")), AnnotationSelector: text(field(node, "annotationSelector")),
	}
}

// key is the same for overlays that are built alike. It is empty for one that
// adds nothing.
func (o overlay) key() string {
	if o.isEmpty() {
		return ""
	}
	// There is nothing in it that JSON cannot hold.
	written, _ := json.Marshal(o) //nolint:errchkjson // as said
	return string(written)
}

func (o overlay) isEmpty() bool {
	return !o.Entry && o.TargetNamespace == "" && o.NamePrefix == "" && o.NameSuffix == "" && len(o.Patches) == 0 && len(o.Components) == 0 &&
		len(o.Images) == 0 && len(o.BuildMetadata) == 0 && len(o.Only) == 0
}

// A base is what the overlay found in the kustomization that it was added to:
// what comes behind it in a list is the overlay's.
type base struct{ patches, components int }

// addTo makes of a kustomization what Flux builds.
func (o overlay) addTo(k *types.Kustomization, exists func(component string) bool) base {
	found := base{patches: len(k.Patches), components: len(k.Components)}
	if len(k.Resources) == 0 {
		// So does Flux, so that kustomize does not refuse it as empty.
		k.BuildMetadata = []string{types.OriginAnnotations}
	}
	if o.TargetNamespace != "" {
		k.Namespace = o.TargetNamespace
	}
	if o.NamePrefix != "" {
		k.NamePrefix = o.NamePrefix
	}
	if o.NameSuffix != "" {
		k.NameSuffix = o.NameSuffix
	}
	k.Patches = append(k.Patches, o.Patches...)
	for _, component := range o.Components {
		if !o.IgnoreMissingComponents || exists(component) {
			k.Components = append(k.Components, component)
		}
	}
	for _, image := range o.Images {
		k.Images = withImage(k.Images, image)
	}
	if len(o.BuildMetadata) > 0 {
		k.BuildMetadata = o.BuildMetadata
	}
	return found
}

// withImage lets an image overrule what there is of its name: a tag and a
// digest only together, since either chooses the version.
func withImage(images []types.Image, image types.Image) []types.Image {
	for i := range images {
		if images[i].Name != image.Name {
			continue
		}
		if image.NewName != "" {
			images[i].NewName = image.NewName
		}
		if image.NewTag != "" || image.Digest != "" {
			images[i].NewTag, images[i].Digest = image.NewTag, image.Digest
		}
		return images
	}
	return append(images, image)
}

// keysOf are the keys in the Flux Kustomization of a field that its overlay
// brought into the kustomization. It is false for one that stood there.
func (o overlay) keysOf(b base, keys []any) ([]string, bool) {
	if len(keys) == 0 {
		return nil, false
	}
	switch keys[0] {
	case "namespace":
		return []string{fieldSpec, "targetNamespace"}, o.TargetNamespace != ""
	case "namePrefix":
		return []string{fieldSpec, "namePrefix"}, o.NamePrefix != ""
	case "nameSuffix":
		return []string{fieldSpec, "nameSuffix"}, o.NameSuffix != ""
	case "patches":
		if len(o.Patches) > 0 {
			return listKeys(keys, b.patches)
		}
	case "components":
		if len(o.Components) > 0 {
			return listKeys(keys, b.components)
		}
	}
	return nil, false
}

func listKeys(keys []any, base int) ([]string, bool) {
	if len(keys) < 2 {
		return nil, false
	}
	i, ok := keys[1].(int)
	if !ok || i < base {
		return nil, false
	}
	found := []string{fieldSpec, fmt.Sprint(keys[0]), strconv.Itoa(i - base)}
	if len(keys) > 2 {
		found = append(found, fmt.Sprint(keys[2]))
	}
	return found, true
}

// apply makes the kustomization that Flux builds of a directory: of the file in
// it, or of one that it generates. Flux writes the file anew, whether it adds
// anything or not, and drops what it does not know; that is refused here, as
// `kustomize build` does.
func (s *survey) apply(k *kustomization, o overlay) error {
	if k.generated == nil {
		if o.Entry {
			return nil
		}
		var written types.Kustomization
		if err := written.Unmarshal(k.written); err != nil {
			return err
		}
		if written.CheckEmpty() != nil && len(o.Components) == 0 {
			// Flux takes it, and prunes what stood in it.
			s.empty(k)
		}
		if o.isEmpty() && len(written.Resources) > 0 {
			return nil // what Flux writes says the same
		}
	}
	spec := types.Kustomization{TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}}
	if k.generated == nil {
		if err := sigsyaml.Unmarshal(k.written, &spec); err != nil {
			return err
		}
	} else if spec.Resources = k.generated; len(spec.Resources) == 0 {
		spec.Namespace = "_placeholder" // as Flux writes it
	}
	k.overlay = o
	k.base = o.addTo(&spec, func(component string) bool {
		name, ok := joinLocal(k.dir, component)
		_, err := s.tree.stat(name)
		return ok && err == nil
	})
	if k.generated != nil && len(spec.Resources) == 0 {
		spec.BuildMetadata = o.BuildMetadata
	}
	content, err := sigsyaml.Marshal(spec)
	k.content = content
	return err
}

// generate lists what Flux's generated kustomization has as resources: all that
// is YAML, and of a directory with a kustomization that one (fluxcd/pkg
// kustomize, scanManifests).
func (s *survey) generate(dir string) ([]string, error) {
	found := []string{}
	var scan func(sub string) error
	scan = func(sub string) error {
		entries, err := s.tree.list(path.Join(dir, sub))
		if err != nil {
			return err
		}
		for _, entry := range entries {
			name := path.Join(sub, entry.Name())
			switch {
			case entry.IsDir() && entry.Name() == ".git" && dir == "." && sub == "":
				// Of a checkout, and not of what Flux packs.
			case entry.IsDir() && s.hasKustomization(path.Join(dir, name)):
				found = append(found, "./"+name)
			case entry.IsDir():
				if err := scan(name); err != nil {
					return err
				}
			case entry.Type().IsRegular() && isManifest(name) && s.packed(path.Join(dir, name)):
				found = append(found, "./"+name)
			}
			if len(found) > mostGenerated {
				return errTooMany
			}
		}
		return nil
	}
	return found, scan("")
}

// mostGenerated is how many manifests a generated kustomization may have.
// kustomize takes minutes for fewer, and gigabytes.
const mostGenerated = 20_000

var errTooMany = fmt.Errorf("there are more than %d manifests below it", mostGenerated)

func isManifest(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func (s *survey) packed(name string) bool {
	_, err := s.tree.stat(name)
	return err == nil
}

func (s *survey) hasKustomization(dir string) bool {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if mode, err := s.tree.stat(path.Join(dir, name)); err == nil && !mode.IsDir() {
			return true
		}
	}
	return false
}
