package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// The ports that are tried. They are below those that a kernel gives to outgoing
// connections, which could otherwise take one between its choice and its use.
const firstPort, lastPort = 20000, 32000

// blockSize is how many ports one [Ports] has to itself: many times as many as a run
// needs, since other programs have some of them.
const blockSize = 500

// Ports gives out free ports of 127.0.0.1, none of them twice, and none that another
// process gives out: a program is started again on its own port. The zero value is ready.
type Ports struct {
	mu    sync.Mutex
	block *os.File // the lock of the block; nil: there is none yet
	next  int      // the port to try next
	last  int      // the end of the block
}

// Address is 127.0.0.1 with a free port.
func (p *Ports) Address() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.block == nil {
		if err := p.reserve(); err != nil {
			return "", err
		}
	}
	for p.next < p.last {
		address := fmt.Sprintf("127.0.0.1:%d", p.next)
		p.next++
		if free(address) {
			return address, nil
		}
	}
	return "", fmt.Errorf("no port of 127.0.0.1 between %d and %d is free any more", p.last-blockSize, p.last)
}

// reserve takes a block that no other process has.
func (p *Ports) reserve() error {
	for _, n := range rand.Perm((lastPort - firstPort) / blockSize) {
		first := firstPort + n*blockSize
		block, err := lockOf(lockOfPorts(first), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reserve ports: %w", err)
		}
		p.block, p.next, p.last = block, first, first+blockSize
		return nil
	}
	return fmt.Errorf("other runs have all ports of 127.0.0.1 between %d and %d: wait for their ends", firstPort, lastPort)
}

// lockOfPorts is the lock of the block that begins with a port. One user's runs share it.
func lockOfPorts(first int) string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("k8s-ops-e2e-ports-%d-%d.lock", first, os.Getuid()))
}

func free(address string) bool {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
