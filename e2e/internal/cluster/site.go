package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/monosense/k8s-ops/e2e/internal/process"
	"github.com/monosense/k8s-ops/e2e/internal/tools"
)

// Parts are what clusters are made of.
type Parts struct {
	binaries    tools.Binaries
	definitions []*unstructured.Unstructured
}

// A Site is what the clusters of a run have in common.
type Site struct {
	Parts
	run   *process.Run
	ports *process.Ports
	etcd  string // its address

	mu       sync.Mutex
	contexts []*Cluster
}

// Prepare builds, or finds built, all that a site needs.
func Prepare(ctx context.Context, cache tools.Cache) (Parts, error) {
	binaries, err := cache.Build(ctx, tools.ForClusters)
	if err != nil {
		return Parts{}, err
	}
	definitions, err := cache.Definitions(ctx)
	return Parts{binaries: binaries, definitions: definitions}, err
}

// Open starts what the clusters have in common.
func Open(ctx context.Context, run *process.Run, parts Parts) (*Site, error) {
	s := &Site{Parts: parts, run: run, ports: new(process.Ports)}
	return s, s.startEtcd(ctx)
}

// Kubeconfig is the file with a context for every cluster that was started,
// named after it.
func (s *Site) Kubeconfig() string { return filepath.Join(s.run.Dir(), "kubeconfig") }

// Kubectl is the path of the kubectl of the clusters' version.
func (s *Site) Kubectl() string { return s.binaries.Path(tools.Kubectl) }

func (s *Site) startEtcd(ctx context.Context) error {
	addresses, err := s.addresses(2)
	if err != nil {
		return err
	}
	s.etcd = "http://" + addresses[0]
	peer := "http://" + addresses[1]
	etcd, err := s.run.Start(process.Command{
		Name: tools.Etcd.Name,
		Path: s.binaries.Path(tools.Etcd),
		Args: []string{
			"--name=e2e", "--data-dir=" + filepath.Join(s.run.Dir(), "etcd"),
			"--listen-client-urls=" + s.etcd, "--advertise-client-urls=" + s.etcd,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=e2e=" + peer,
			// What a run writes is not meant to outlive a power cut.
			"--unsafe-no-fsync",
		},
	})
	if err != nil {
		return err
	}
	return await(ctx, "etcd to be healthy", etcd, func(ctx context.Context) error {
		return probe(ctx, s.etcd+"/health")
	})
}

// Address is a free one, which nothing else of the run is given.
func (s *Site) Address() (string, error) { return s.ports.Address() }

// addresses are so many free ones.
func (s *Site) addresses(n int) ([]string, error) {
	found := make([]string, n)
	for i := range found {
		var err error
		if found[i], err = s.ports.Address(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// StartAll starts clusters of a kind beside each other. Ctx is also how long they
// are looked after.
func (s *Site) StartAll(ctx context.Context, kind Kind, names ...string) (map[string]*Cluster, error) {
	clusters := make([]*Cluster, len(names))
	var group errgroup.Group
	for i, name := range names {
		group.Go(func() error {
			var err error
			clusters[i], err = s.Start(ctx, kind, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	named := map[string]*Cluster{}
	for i, name := range names {
		named[name] = clusters[i]
	}
	return named, nil
}

// Everywhere does something in all of these clusters at once.
func Everywhere(ctx context.Context, clusters map[string]*Cluster, do func(ctx context.Context, name string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for name := range clusters {
		group.Go(func() error { return do(ctx, name) })
	}
	return group.Wait()
}

// add writes the kubeconfig anew, with one more cluster.
func (s *Site) add(c *Cluster) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contexts = append(s.contexts, c)
	if err := writeKubeconfig(s.Kubeconfig(), s.contexts...); err != nil {
		return fmt.Errorf("write the kubeconfig of all clusters: %w", err)
	}
	return nil
}
