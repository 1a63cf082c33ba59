package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/monosense/k8s-ops/e2e/internal/tools"
)

// A Cluster is an API server, and the controllers that work on it.
type Cluster struct {
	site          *Site
	name          string
	dir           string
	collector     string // of its kind
	address       string
	authority     *authority
	administrator pair
	serving       pair
	events        string // where Flux reports to; empty: nowhere

	mu    sync.Mutex
	units map[string]*unit // by the program's name

	config    *rest.Config
	client    dynamic.Interface
	discovery discovery.DiscoveryInterface
	journal   *Journal
}

// A Kind is what a cluster consists of.
type Kind struct {
	// collector tells a program in Go how much garbage it may have: what it saves of a
	// processor's time, it takes of memory.
	collector string
	steps     []func(*Cluster, context.Context) error
}

// Whole is a cluster with all that podinfo needs, and Flux as one installs it.
func Whole() Kind {
	return kind("GOGC=200", (*Cluster).startControllerManager, (*Cluster).runPods, (*Cluster).startNotification)
}

// Lean is a cluster that fetches and applies, and nothing more: nothing in it is
// rolled out, nor does it report to anybody. It takes half the memory, so that there can
// be many.
func Lean() Kind { return kind("GOGC=100") }

// kind is one that has some things beside those that each has.
func kind(collector string, more ...func(*Cluster, context.Context) error) Kind {
	steps := []func(*Cluster, context.Context) error{
		(*Cluster).furnish, (*Cluster).startAPIServer, (*Cluster).define, (*Cluster).keepJournal,
	}
	return Kind{collector: collector, steps: append(append(steps, more...), (*Cluster).startFlux)}
}

// Start starts a cluster and waits until all of it is ready. Ctx is also how long
// its pods run, and its journal is kept.
func (s *Site) Start(ctx context.Context, kind Kind, name string) (*Cluster, error) {
	c := &Cluster{site: s, name: name, dir: filepath.Join(s.run.Dir(), name), collector: kind.collector, units: map[string]*unit{}}
	for _, step := range kind.steps {
		if err := step(c, ctx); err != nil {
			return nil, fmt.Errorf("start cluster %s: %w", name, err)
		}
	}
	return c, s.add(c)
}

// Name is the cluster's name, and its context's.
func (c *Cluster) Name() string { return c.name }

// Client is an administrator's.
func (c *Cluster) Client() dynamic.Interface { return c.client }

// Journal is what the API server told of Flux.
func (c *Cluster) Journal() *Journal { return c.journal }

func (c *Cluster) url() string { return "https://" + c.address }

// furnish makes what has to be there before anything starts.
func (c *Cluster) furnish(context.Context) error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	var err error
	if c.address, err = c.site.ports.Address(); err != nil {
		return err
	}
	if c.authority, err = newAuthority(c.dir); err != nil {
		return fmt.Errorf("make an authority: %w", err)
	}
	if c.serving, err = c.authority.server(); err != nil {
		return fmt.Errorf("make a server certificate: %w", err)
	}
	if c.administrator, err = c.authority.administrator(); err != nil {
		return fmt.Errorf("make an administrator's certificate: %w", err)
	}
	if _, err := c.authority.newKey(c.authority.file("accounts")); err != nil {
		return fmt.Errorf("make a key for service accounts: %w", err)
	}
	if err := writeKubeconfig(c.kubeconfig(), c); err != nil {
		return fmt.Errorf("write a kubeconfig: %w", err)
	}
	return c.connect()
}

// connect makes the clients. They speak to nobody yet.
func (c *Cluster) connect() error {
	var err error
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.kubeconfig()); err != nil {
		return err
	}
	c.config.QPS, c.config.Burst = -1, -1       // this is no shared cluster
	c.config.WarningHandler = rest.NoWarnings{} // of kinds that only the inventory asks for
	if c.client, err = dynamic.NewForConfig(c.config); err != nil {
		return err
	}
	c.discovery, err = discovery.NewDiscoveryClientForConfig(c.config)
	return err
}

func (c *Cluster) startAPIServer(ctx context.Context) error {
	_, port, err := net.SplitHostPort(c.address)
	if err != nil {
		return err
	}
	accounts := c.authority.file("accounts")
	return c.start(ctx, &unit{
		program: tools.APIServer,
		env:     []string{c.collector},
		args: []string{
			"--etcd-servers=" + c.site.etcd, "--etcd-prefix=/" + c.name,
			"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + port,
			"--cert-dir=" + c.dir, "--tls-cert-file=" + c.serving.certificate, "--tls-private-key-file=" + c.serving.key,
			"--client-ca-file=" + c.authority.file("authority"),
			"--service-account-key-file=" + accounts, "--service-account-signing-key-file=" + accounts,
			"--service-account-issuer=" + c.url(), "--service-cluster-ip-range=10.0.0.0/24",
			"--authorization-mode=RBAC", "--endpoint-reconciler-type=none",
			// Nobody makes the accounts that every pod would need.
			"--disable-admission-plugins=ServiceAccount",
			"--enable-priority-and-fairness=false",
		},
		ready: func(ctx context.Context) error {
			return c.discovery.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
		},
	})
}

// startControllerManager starts the controllers without which a Deployment never
// progresses, and a namespace never goes away.
func (c *Cluster) startControllerManager(ctx context.Context) error {
	address, err := c.site.ports.Address()
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	return c.start(ctx, &unit{
		program: tools.ControllerManager,
		args: []string{
			"--kubeconfig=" + c.kubeconfig(), "--leader-elect=false",
			"--bind-address=127.0.0.1", "--secure-port=" + port, "--cert-dir=" + filepath.Join(c.dir, "controller-manager"),
			"--controllers=deployment-controller,replicaset-controller,disruption-controller,namespace-controller,garbage-collector-controller",
		},
		ready: func(ctx context.Context) error { return probe(ctx, "https://"+address+"/healthz") },
	})
}
