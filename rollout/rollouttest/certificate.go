package rollouttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"time"
)

// certificate is what the server proves itself with, and what clients trust.
type certificate struct {
	pair tls.Certificate
	pem  []byte
	pool *x509.CertPool
}

// makeCertificate signs a certificate for 127.0.0.1 with itself. It is valid
// by the clients' clocks, which are real, and by the stand-in's, which may
// stand anywhere.
func makeCertificate(now time.Time) (certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate{}, err
	}
	from, to := now, now
	if clients := time.Now(); clients.Before(from) {
		from = clients
	} else {
		to = clients
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(from.UnixNano()),
		Subject:               pkix.Name{CommonName: "rollouttest GitHub"},
		NotBefore:             from.Add(-24 * time.Hour),
		NotAfter:              to.AddDate(10, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:              []string{"localhost"},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return certificate{}, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return certificate{
		pair: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		pem:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pool: pool,
	}, nil
}

// discardLog is for net/http, which would print what a hung up client did.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
