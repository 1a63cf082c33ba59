package tools

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A Program is one binary.
type Program struct {
	// Name is what it is called here, and in the cache.
	Name string
	// Module is the directory below e2e/tools that pins it.
	Module string
	// Package is what the module's `tool` line names.
	Package string
	// Repository is the module that the package comes from, and that the
	// version is one of.
	Repository string
	// stamp says how the linker tells the program its version.
	stamp func(version string) []string
	// patches are what is changed in the source.
	patches []patch
}

// The programs of a cluster, and those that an operator uses.
var (
	Etcd = Program{
		Name: "etcd", Module: "etcd",
		Package: "go.etcd.io/etcd/server/v3", Repository: "go.etcd.io/etcd/server/v3",
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
	Name: "kubeconform", Module: "kubeconform",
	Package: "github.com/yannh/kubeconform/cmd/kubeconform", Repository: "github.com/yannh/kubeconform",
}

// Act runs workflows.
var Act = Program{
	Name: "act", Module: "act",
	Package: "github.com/nektos/act", Repository: "github.com/nektos/act",
	patches: []patch{actWritesIntoPipe, actReadsNoTerminal},
}

// Programs are those of the clusters. The first one is the smallest, and the module of
// the next takes longest to build.
func Programs() []Program {
	return []Program{
		Etcd, APIServer, ControllerManager, Kubectl,
		SourceController, KustomizeController, NotificationController,
	}
}

func kubernetes(name string) Program {
	return Program{
		Name: name, Module: "kubernetes",
		Package: "k8s.io/kubernetes/cmd/" + name, Repository: "k8s.io/kubernetes",
		stamp: stampKubernetes,
	}
}

func flux(name string) Program {
	return Program{
		Name: name, Module: name,
		Package: "github.com/fluxcd/" + name, Repository: "github.com/fluxcd/" + name,
	}
}

// stampKubernetes is what its Makefile does: an API server that does not know its
// version says v0.0.0, and controllers believe it.
func stampKubernetes(version string) []string {
	const at = "k8s.io/component-base/version."
	number := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	return []string{
		"-X", at + "gitVersion=" + version, "-X", at + "gitMajor=" + number[0], "-X", at + "gitMinor=" + number[1],
	}
}

// how is what decides how a program comes out, besides its module.
func (p Program) how(version string) string {
	how := strings.Join(compiler, " ") + " " + p.linker(version)
	if len(p.patches) > 0 {
		how += fmt.Sprintf(" %q", p.patches)
	}
	return how
}

// compiler is what the compiler is told. What the linker leaves out, since only
// debuggers read it, is work for nothing. Functions are not inlined but in the standard
// library, which is where programs spend their time: so all of them are compiled in four
// fifths of the time.
var compiler = []string{"-gcflags=all=-dwarf=false -l", "-gcflags=std=-dwarf=false"}

// linker is what the linker is told.
func (p Program) linker(version string) string {
	flags := []string{"-s", "-w"}
	if p.stamp != nil {
		flags = append(flags, p.stamp(version)...)
	}
	return strings.Join(flags, " ")
}

// Version reads the program's version in its module's go.mod. Root is e2e/tools.
func (p Program) Version(root string) (string, error) {
	return required(filepath.Join(root, p.Module), p.Repository)
}

// required is the version of a module that the go.mod of a directory requires.
func required(dir, module string) (string, error) {
	path := filepath.Join(dir, "go.mod")
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read what %s requires: %w", dir, err)
	}
	line := regexp.MustCompile(`(?m)^(?:require)?\s*` + regexp.QuoteMeta(module) + ` (v\d+\.\d+\.\S+)`)
	found := line.FindSubmatch(data)
	if found == nil {
		return "", fmt.Errorf("%s does not require %s: `go get -tool %s@VERSION` in its directory", path, module, module)
	}
	return string(found[1]), nil
}
