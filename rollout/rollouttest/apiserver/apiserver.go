// Package apiserver is a stand-in for the API server of a cluster with Flux.
//
// # Model
//
// A [Server] serves objects of the kinds that it is given, over TLS: lists in
// pages, and merge patches. No controller is behind it: what Flux would
// write into an object's status, a test writes, or [Server.Obey] does.
//
// # Invariants
//
// It is deaf to everything that the toolkit does not ask.
//
// # Concurrency
//
// A Server may be changed while it serves.
//
// # Not handled
//
// Watches, selectors, validation, and who may do what: the e2e module has real API
// servers and real controllers.
package apiserver

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
)

// An Object is one as JSON has it.
type Object = map[string]any

// A Server is a stand-in for one API server.
type Server struct {
	// Answer, where it is not nil, answers first, and returns whether it did.
	Answer func(http.ResponseWriter, *http.Request) bool
	// Page is how many objects a list has at once. Default is all.
	Page int

	patched func(Object) // nil for nobody
	http    *httptest.Server
	mu      sync.Mutex
	kinds   map[string][]Object
	asked   []string
}

// Start starts a server. It serves nothing yet.
func Start() *Server {
	s := &Server{kinds: map[string][]Object{}}
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.http.StartTLS()
	return s
}

// Close ends it.
func (s *Server) Close() { s.http.Close() }

// URL is where it listens.
func (s *Server) URL() string { return s.http.URL }

// Certificate is the one by which it is known, as PEM.
func (s *Server) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
}

// Set serves a kind, named group/version/resource, with these objects and no
// others.
func (s *Server) Set(kind string, objects ...Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kinds[kind] = objects
}

// Drop serves a kind no more.
func (s *Server) Drop(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kinds, kind)
}

// Get is an object as it is now, nil where there is none.
func (s *Server) Get(kind, namespace, name string) Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get(kind, namespace, name)
}

// Asked are the requests so far: method and path.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *Server) get(kind, namespace, name string) Object {
	for _, o := range s.kinds[kind] {
		metadata, _ := o["metadata"].(Object)
		if metadata["namespace"] == namespace && metadata["name"] == name {
			return o
		}
	}
	return nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	if s.Answer != nil && s.Answer(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/apis/"), "/")
	_, listed := s.kinds[strings.Join(parts, "/")]
	switch {
	case r.Method == http.MethodGet && listed:
		s.list(w, r, s.kinds[strings.Join(parts, "/")])
	case r.Method == http.MethodPatch && len(parts) == 6:
		s.patch(w, r, s.get(strings.Join([]string{parts[0], parts[1], parts[4]}, "/"), parts[3], parts[5]))
	default:
		Fail(w, http.StatusNotFound, "NotFound")
	}
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, all []Object) {
	from := 0
	_, _ = fmt.Sscan(r.URL.Query().Get("continue"), &from) // empty at first
	to, next := len(all), ""
	if s.Page > 0 && from+s.Page < len(all) {
		to, next = from+s.Page, fmt.Sprint(from+s.Page)
	}
	write(w, http.StatusOK, Object{"kind": "List", "apiVersion": "v1", "metadata": Object{"continue": next}, "items": append([]Object{}, all[from:to]...)})
}

// patch merges what comes into an object (RFC 7386).
func (s *Server) patch(w http.ResponseWriter, r *http.Request, o Object) {
	text, err := io.ReadAll(r.Body)
	var change Object
	if err == nil {
		err = json.Unmarshal(text, &change)
	}
	switch {
	case o == nil:
		Fail(w, http.StatusNotFound, "NotFound")
	case err != nil || r.Header.Get("Content-Type") != "application/merge-patch+json":
		Fail(w, http.StatusBadRequest, "BadRequest")
	default:
		merge(o, change)
		if s.patched != nil {
			s.patched(o)
		}
		write(w, http.StatusOK, o)
	}
}

func merge(into, change Object) {
	for key, value := range change {
		below, ok := value.(Object)
		switch {
		case value == nil:
			delete(into, key)
		case !ok:
			into[key] = value
		default:
			there, _ := into[key].(Object)
			if there == nil {
				there = Object{}
			}
			merge(there, below)
			into[key] = there
		}
	}
}

// Fail answers as an API server refuses.
func Fail(w http.ResponseWriter, code int, reason string) {
	write(w, code, Object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": "no: " + reason})
}

func write(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // whoever went away does not wait for it
}

// Kubeconfig is one with a context for each server, of its name.
func Kubeconfig(servers map[string]*Server) string {
	var clusters, users, contexts strings.Builder
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		s := servers[name]
		fmt.Fprintf(&clusters, "- name: %q\n  cluster: {server: %q, certificate-authority-data: %s}\n", name, s.URL(), base64.StdEncoding.EncodeToString(s.Certificate()))
		fmt.Fprintf(&users, "- name: %q\n  user: {token: %s}\n", name, Token)
		fmt.Fprintf(&contexts, "- name: %q\n  context: {cluster: %q, user: %q}\n", name, name, name)
	}
	return "apiVersion: v1\nkind: Config\nclusters:\n" + clusters.String() + "users:\n" + users.String() + "contexts:\n" + contexts.String()
}

// Token is what the kubeconfig's users show.
const Token = "a-cluster-token"
