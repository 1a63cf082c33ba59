package cluster

import (
	"context"
	"fmt"

	"github.com/monosense/k8s-ops/e2e/internal/process"
	"github.com/monosense/k8s-ops/e2e/internal/tools"
)

// A unit is one of a cluster's programs: how it is started, and how it is known
// to be ready. It is started in the same way every time, on the same ports.
type unit struct {
	program tools.Program
	env     []string
	args    []string
	ready   func(context.Context) error
	process *process.Process
}

// start starts a unit and waits until it is ready.
func (c *Cluster) start(ctx context.Context, u *unit) error {
	started, err := c.site.run.Start(process.Command{
		Name: c.name + "-" + u.program.Name,
		Path: c.site.binaries.Path(u.program),
		Args: u.args,
		Env:  u.env,
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	u.process = started
	c.units[u.program.Name] = u
	c.mu.Unlock()
	return await(ctx, u.program.Name+" of "+c.name+" to be ready", started, u.ready)
}

// Kill ends one of the cluster's programs as a crash would.
func (c *Cluster) Kill(program tools.Program) error {
	u, err := c.unit(program)
	if err != nil {
		return err
	}
	return u.process.Kill()
}

// Restart starts a program again that was killed, and waits until it is ready.
func (c *Cluster) Restart(ctx context.Context, program tools.Program) error {
	u, err := c.unit(program)
	if err != nil {
		return err
	}
	return c.start(ctx, u)
}

func (c *Cluster) unit(program tools.Program) (*unit, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u, known := c.units[program.Name]
	if !known {
		return nil, fmt.Errorf("cluster %s has no %s", c.name, program.Name)
	}
	return u, nil
}
