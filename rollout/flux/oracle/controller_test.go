package oracle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	securejoin "github.com/cyphar/filepath-securejoin"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/kustomize"
	ssautil "github.com/fluxcd/pkg/ssa/utils"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/api/resmap"
)

// A controller is kustomize-controller, with what source-controller packed of one
// repository.
type controller struct {
	root string
	// digest is of all that is in the repository.
	digest string
	// temp is where the controller works.
	temp string
	// built are the results of the build, by all that goes into it.
	built builds
}

// builds are results of kustomize, which takes a second for each.
type builds map[[sha256.Size]byte]result

type result struct {
	built resmap.ResMap
	err   error
}

// typed is a Flux Kustomization as the API server takes it. It refuses fields of
// another type.
func typed(object *unstructured.Unstructured) (*kustomizev1.Kustomization, error) {
	var k kustomizev1.Kustomization
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &k)
	return &k, err
}

// reconcile does what KustomizationReconciler.reconcile does, up to the objects
// that it applies.
func (c *controller) reconcile(k *kustomizev1.Kustomization, ignore string, w *world) (objects []*unstructured.Unstructured, lacks string, err error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(k)
	if err != nil {
		return nil, "", err
	}
	u := unstructured.Unstructured{Object: object}
	m, err := c.build(k, u, ignore)
	if err != nil {
		return nil, "", err
	}
	kube := w.apiServer(k, m)
	for _, res := range m.Resources() {
		if res.GetName() == "" || res.GetKind() == "" || res.GetApiVersion() == "" {
			return nil, "", fmt.Errorf("failed to decode Kubernetes apiVersion, kind and name from: %v", res.String())
		}
		if k.Spec.PostBuild == nil {
			continue
		}
		always := k.GetSubstituteStrategy() == kustomizev1.SubstituteStrategyAlways
		out, err := kustomize.SubstituteVariables(context.Background(), kube, u, res,
			kustomize.SubstituteWithStrict(false), kustomize.SubstituteWithAlways(always))
		if err != nil {
			return nil, missing(err), fmt.Errorf("post build failed for '%s/%s': %w", res.GetGvk(), res.GetName(), err)
		}
		if out != nil {
			if _, err := m.Replace(res); err != nil {
				return nil, "", err
			}
		}
	}
	text, err := m.AsYaml()
	if err != nil {
		return nil, "", err
	}
	objects, err = ssautil.ReadObjects(bytes.NewReader(text))
	if err != nil {
		return nil, "", err
	}
	if common := k.Spec.CommonMetadata; common != nil {
		ssautil.SetCommonMetadata(objects, common.Labels, common.Annotations)
	}
	return objects, "", nil
}

// missing is the name of the ConfigMap that is not there.
func missing(err error) string {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return ""
	}
	return status.Status().Details.Name
}

// build generates the kustomization and builds it.
func (c *controller) build(k *kustomizev1.Kustomization, u unstructured.Unstructured, ignore string) (resmap.ResMap, error) {
	spec := u.DeepCopy()
	unstructured.RemoveNestedField(spec.Object, "spec", "postBuild")
	unstructured.RemoveNestedField(spec.Object, "spec", "commonMetadata")
	key, err := json.Marshal([]any{c.digest, ignore, spec.Object["spec"]})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(key)
	found, ok := c.built[sum]
	if !ok {
		found.built, found.err = c.buildAnew(k.Spec.Path, u, ignore)
		c.built[sum] = found
	}
	if found.err != nil {
		return nil, found.err
	}
	return found.built.DeepCopy(), nil
}

func (c *controller) buildAnew(path string, u unstructured.Unstructured, ignore string) (resmap.ResMap, error) {
	work, err := os.MkdirTemp(c.temp, "kustomization-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := pack(c.root, ignore, work); err != nil {
		return nil, err
	}
	dir, err := securejoin.SecureJoin(work, path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("kustomization path not found: %w", err)
	}
	if _, err := kustomize.NewGenerator(work, u).WriteFile(dir); err != nil {
		return nil, err
	}
	m, err := kustomize.SecureBuild(work, dir, false)
	if err != nil {
		return nil, fmt.Errorf("kustomize build failed: %w", err)
	}
	return m, nil
}

// byHand builds an entry point as somebody does who applies it.
func (c *controller) byHand(e entry) ([]*unstructured.Unstructured, error) {
	work, err := os.MkdirTemp(c.temp, "entry-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := pack(c.root, "", work); err != nil {
		return nil, err
	}
	dir := filepath.Join(work, filepath.FromSlash(e.dir))
	if e.only != "" {
		content := "resources: [" + e.only + "]\n"
		if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	m, err := kustomize.SecureBuild(work, dir, false)
	if err != nil {
		return nil, err
	}
	text, err := m.AsYaml()
	if err != nil {
		return nil, err
	}
	return ssautil.ReadObjects(bytes.NewReader(text))
}
