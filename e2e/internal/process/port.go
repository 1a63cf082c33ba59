package process

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// The ports that are tried. They are below those that a kernel gives to outgoing
// connections, which could otherwise take one between its choice and its use.
const firstPort, lastPort = 20000, 32000

// Ports gives out free ports of 127.0.0.1, none of them twice. The zero value is
// ready.
type Ports struct {
	mu    sync.Mutex
	given map[int]bool
}

// Address is 127.0.0.1 with a free port.
func (p *Ports) Address() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.given == nil {
		p.given = map[int]bool{}
	}
	for range lastPort - firstPort {
		port := firstPort + rand.IntN(lastPort-firstPort)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		if p.given[port] || !free(address) {
			continue
		}
		p.given[port] = true
		return address, nil
	}
	return "", fmt.Errorf("no port of 127.0.0.1 between %d and %d is free", firstPort, lastPort)
}

func free(address string) bool {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
