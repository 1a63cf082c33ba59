package oracle

import (
	"regexp"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/kustomize/api/resmap"
)

var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	if err := corev1.AddToScheme(s); err != nil {
		panic(err)
	}
	return s
}()

// apiServer is one with what a Flux Kustomization takes variables from: the
// ConfigMaps of the cluster, and for what the repository does not tell, something
// that sets every variable.
func (w *world) apiServer(k *kustomizev1.Kustomization, built resmap.ResMap) client.Client {
	builder := fake.NewClientBuilder().WithScheme(scheme)
	if k.Spec.PostBuild == nil {
		return builder.Build()
	}
	added := map[string]bool{}
	for _, from := range k.Spec.PostBuild.SubstituteFrom {
		if added[from.Kind+from.Name] || from.Name == "" {
			continue
		}
		added[from.Kind+from.Name] = true
		object := w.source(k, from.Kind, from.Name, built)
		if object != nil {
			builder = builder.WithObjects(object)
		}
	}
	return builder.Build()
}

// source is what variables come from; nil where there is none.
func (w *world) source(k *kustomizev1.Kustomization, kind, name string, built resmap.ResMap) client.Object {
	if kind == "Secret" {
		s := &corev1.Secret{Data: map[string][]byte{}}
		s.Name, s.Namespace = name, k.Namespace
		for key, value := range presumed(built) {
			s.Data[key] = []byte(value)
		}
		return s
	}
	m := &corev1.ConfigMap{}
	m.Name, m.Namespace = name, k.Namespace
	found := w.object("", kind, k.Namespace, name)
	switch {
	case found != nil && found.Object["sops"] == nil:
		m.Data, _, _ = unstructured.NestedStringMap(found.Object, "data")
	case found != nil || w.presumed[name]:
		m.Data = presumed(built)
	default:
		return nil
	}
	return m
}

// variable finds what an expression of envsubst names.
var variable = regexp.MustCompile(`\$\{#?(\w+)`)

// presumed gives a value to every variable that a text names.
func presumed(built resmap.ResMap) map[string]string {
	text, err := built.AsYaml()
	if err != nil {
		return nil
	}
	values := map[string]string{}
	for _, match := range variable.FindAllSubmatch(text, -1) {
		values[string(match[1])] = "presumed-" + string(match[1])
	}
	return values
}
