package tools

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Module is a directory below e2e/tools: a Go module that pins programs by its `tool`
// lines. They are built together, from one set of libraries.
type Module struct {
	// Name is the directory's.
	Name string
	// Programs are what is built of it.
	Programs []Program
	// patches are what is changed in the source of the module's only program.
	patches []patch
}

// A Program is one binary.
type Program struct {
	// Name is what it is called here, and in the cache.
	Name string
	// Package is what a `tool` line names.
	Package string
	// Repository is the module that the package comes from, and that the
	// version is one of.
	Repository string
}

// The programs of a cluster, and those that an operator uses.
var (
	Etcd = Program{
		Name: "etcd", Package: "go.etcd.io/etcd/server/v3", Repository: "go.etcd.io/etcd/server/v3",
	}
	APIServer         = kubernetes("kube-apiserver")
	ControllerManager = kubernetes("kube-controller-manager")
	Kubectl           = kubernetes("kubectl")

	SourceController       = flux("source-controller")
	KustomizeController    = flux("kustomize-controller")
	NotificationController = flux("notification-controller")
)

// Kubeconform checks manifests. No cluster needs it.
var Kubeconform = Program{
	Name: "kubeconform", Package: "github.com/yannh/kubeconform/cmd/kubeconform", Repository: "github.com/yannh/kubeconform",
}

// Act runs workflows.
var Act = Program{
	Name: "act", Package: "github.com/nektos/act", Repository: "github.com/nektos/act",
}

// ForClusters has what clusters consist of. Kubernetes and Flux of one age have most
// libraries in common, and these take most of the time to build.
var ForClusters = Module{Name: "cluster", Programs: []Program{
	Etcd, APIServer, ControllerManager, Kubectl,
	SourceController, KustomizeController, NotificationController,
}}

// ForManifests has what checks manifests.
var ForManifests = Module{Name: "kubeconform", Programs: []Program{Kubeconform}}

// ForWorkflows has what runs workflows.
var ForWorkflows = Module{
	Name: "act", Programs: []Program{Act},
	patches: []patch{actWritesIntoPipe, actReadsNoTerminal},
}

func kubernetes(name string) Program {
	return Program{Name: name, Package: "k8s.io/kubernetes/cmd/" + name, Repository: "k8s.io/kubernetes"}
}

func flux(name string) Program {
	return Program{Name: name, Package: "github.com/fluxcd/" + name, Repository: "github.com/fluxcd/" + name}
}

// binary is what Go calls a program when it builds it.
func (p Program) binary() string {
	elements := strings.Split(p.Package, "/")
	last := len(elements) - 1
	if regexp.MustCompile(`^v\d+$`).MatchString(elements[last]) {
		last--
	}
	return elements[last]
}

// Version reads in the go.mod of a program's module which version it pins. Root is
// e2e/tools.
func (m Module) Version(root string, p Program) (string, error) {
	path := filepath.Join(root, m.Name, "go.mod")
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read what %s requires: %w", m.Name, err)
	}
	line := regexp.MustCompile(`(?m)^(?:require)?\s*` + regexp.QuoteMeta(p.Repository) + ` (v\d+\.\d+\.\S+)`)
	found := line.FindSubmatch(data)
	if found == nil {
		return "", fmt.Errorf("%s does not require %s: `go get -tool %s@VERSION` in its directory", path, p.Repository, p.Package)
	}
	return string(found[1]), nil
}

// describe is what a module's programs are called, with their versions.
func (m Module) describe(root string) (string, error) {
	var names []string
	for _, p := range m.Programs {
		version, err := m.Version(root, p)
		if err != nil {
			return "", err
		}
		names = append(names, p.Name+" "+version)
	}
	return strings.Join(names, ", "), nil
}

// compiler is what the compiler is told. What the linker leaves out, since only
// debuggers read it, is work for nothing. Functions are not inlined but in the standard
// library, which is where programs spend their time: so all of them are compiled in four
// fifths of the time.
var compiler = []string{"-gcflags=all=-dwarf=false -l", "-gcflags=std=-dwarf=false"}

// linker is what the linker is told. Kubernetes' version is given as its Makefile does:
// an API server that does not know it says v0.0.0, and controllers believe it.
func (m Module) linker(root string) (string, error) {
	flags := []string{"-s", "-w"}
	if slices.Contains(m.Programs, APIServer) {
		version, err := m.Version(root, APIServer)
		if err != nil {
			return "", err
		}
		number := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
		const at = "k8s.io/component-base/version."
		flags = append(flags, "-X", at+"gitVersion="+version, "-X", at+"gitMajor="+number[0], "-X", at+"gitMinor="+number[1])
	}
	return strings.Join(flags, " "), nil
}
