package server

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"provisor.dev/provisor/fault"
)

// The files of a certificate that is made here, in the folder.
const (
	CertificateFile = "tls.crt"
	CertificateKey  = "tls.key"
)

const (
	// certificateDays is how long a certificate that is made holds: as long as
	// browsers accept one.
	certificateDays = 397
	// certificateDaysLeft is when a new one takes its place.
	certificateDaysLeft = 30
)

// OwnCertificate serves TLS with the files of an administrator. They are read anew
// when they change; while what they hold is broken, what they held before serves.
func OwnCertificate(certificate, key string) (*tls.Config, error) {
	if certificate == "" || key == "" {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "serve", Msg: "a certificate and its key belong together", Do: "give both --tls-cert and --tls-key"}
	}
	k := &keeper{certificate: certificate, key: key}
	if _, err := k.present(nil); err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "read " + certificate + " and " + key, Err: err, Do: "give a certificate and the key that belongs to it, both PEM"}
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: k.present}, nil
}

// keeper holds the certificate of two files.
type keeper struct {
	certificate, key string
	lock             sync.Mutex
	read             time.Time // when the files were changed that were read
	pair             *tls.Certificate
}

func (k *keeper) present(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.lock.Lock()
	defer k.lock.Unlock()
	about, err := os.Stat(k.certificate)
	if err == nil && (k.pair == nil || !about.ModTime().Equal(k.read)) {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(k.certificate, k.key); err == nil {
			k.pair, k.read = &pair, about.ModTime()
		}
	}
	if k.pair != nil {
		return k.pair, nil
	}
	return nil, err
}

// MadeCertificate serves TLS with a certificate that signs itself, made in the
// folder when there is none for these names, and returns its fingerprint.
func MadeCertificate(dir string, names []string, now time.Time) (*tls.Config, string, error) {
	certificate, key := filepath.Join(dir, CertificateFile), filepath.Join(dir, CertificateKey)
	pair, err := tls.LoadX509KeyPair(certificate, key)
	switch {
	case err == nil && holds(pair.Leaf, names, now):
	case err == nil || errors.Is(err, fs.ErrNotExist):
		if err := makeCertificate(certificate, key, names, now); err != nil {
			return nil, "", fmt.Errorf("make a certificate: %w", err)
		}
		if pair, err = tls.LoadX509KeyPair(certificate, key); err != nil {
			return nil, "", err
		}
	default:
		return nil, "", &fault.Error{Kind: fault.Invalid, Op: "read " + certificate, Err: err, Do: "remove " + CertificateFile + " and " + CertificateKey + ": others are made"}
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, fingerprint(pair.Certificate[0]), nil
}

// holds reports whether a certificate is for all the names, and for a while.
func holds(c *x509.Certificate, names []string, now time.Time) bool {
	return now.AddDate(0, 0, certificateDaysLeft).Before(c.NotAfter) &&
		!slices.ContainsFunc(names, func(name string) bool { return c.VerifyHostname(name) != nil })
}

func makeCertificate(certificate, key string, names []string, now time.Time) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0], Organization: []string{"Provisor"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, certificateDays), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return err
	}
	hidden, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	return errors.Join(
		put(key, "PRIVATE KEY", hidden, 0o600),
		put(certificate, "CERTIFICATE", signed, 0o644))
}

// put writes a PEM file that is there whole or not at all.
func put(path, kind string, content []byte, mode fs.FileMode) error {
	fresh := path + ".new"
	if err := os.WriteFile(fresh, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), mode); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// fingerprint writes the SHA-256 of a certificate as browsers do: AB:CD:...
func fingerprint(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}

// NamesOf are the names by which a server on an address is reached: what the
// address says, and this machine's own.
func NamesOf(address string, others ...string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, err := os.Hostname(); err == nil {
		names = append([]string{host}, names...)
	}
	host, _, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		others = append(others, host)
	}
	for _, name := range others {
		if name = cmp.Or(strings.TrimSpace(name), "localhost"); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
