package rollouttest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Crash ends serving as a crash does: nothing listens any more, and every
// connection is cut, whatever was asked on it. A request that had come in may have
// its effect or not; what the repositories and the interfaces know stays.
func (g *GitHub) Crash() error {
	g.mu.Lock()
	server := g.server
	g.server = nil
	g.mu.Unlock()
	if server == nil {
		return errors.New("crash the stand-in: it does not serve")
	}
	return server.Close()
}

// Resume serves again after a Crash, on the same address.
func (g *GitHub) Resume() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.server != nil {
		return errors.New("resume the stand-in: it has not crashed")
	}
	listener, err := g.listen(g.host)
	if err != nil {
		return err
	}
	g.serveOn(listener)
	return nil
}

func (g *GitHub) listen(address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(g.ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// serveOn begins to serve. The caller holds g.mu, or nobody else has g yet.
func (g *GitHub) serveOn(listener net.Listener) {
	server := &http.Server{
		Handler:           http.HandlerFunc(g.serveHTTP),
		BaseContext:       func(net.Listener) context.Context { return g.ctx },
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          discardLog(),
	}
	g.server = server
	secured := tls.NewListener(listener, &tls.Config{
		Certificates: []tls.Certificate{g.certificate.pair},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	})
	go func() { _ = server.Serve(secured) }()
}
