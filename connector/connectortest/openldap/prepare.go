package openldap

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

const maxDatabaseBytes = 4 << 30 // an address range, not disk: mdb maps it and grows into it

// prepare fills the folder: configuration, certificate, the first entries. It is
// done when the file "ready" exists, so that a start that broke off is repeated.
func (s *Server) prepare(ctx context.Context) error {
	dir := s.options.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := s.readPassword(); err != nil {
		return err
	}
	ready := filepath.Join(dir, "ready")
	if _, err := os.Stat(ready); err == nil {
		return nil
	}
	for _, sub := range []string{"config", "data", "log", "tls"} {
		if err := os.RemoveAll(filepath.Join(dir, sub)); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	if err := writeCertificate(filepath.Join(dir, "tls")); err != nil {
		return err
	}
	schema, err := firstDir("core.ldif", "/etc/ldap/schema", "/etc/openldap/schema", "/usr/local/etc/openldap/schema")
	if err != nil {
		return err
	}
	modules, err := firstDir("back_mdb.la", "/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap", "/usr/libexec/openldap")
	if err != nil {
		return err
	}
	data := settings{
		Options: s.options, Password: s.Password, Schema: schema, Modules: modules,
		MaxBytes: maxDatabaseBytes, DC: firstValue(s.options.Suffix), Database: 1,
	}
	if s.options.AccessLog {
		data.Database = 2
	}
	if err := s.load(ctx, 0, configuration, data); err != nil {
		return err
	}
	if err := s.load(ctx, data.Database, entries, data); err != nil {
		return err
	}
	return os.WriteFile(ready, nil, 0o600)
}

type settings struct {
	Options
	Password, Schema, Modules, DC string
	MaxBytes                      int64
	Database                      int
}

// Has reports whether the installation offers an overlay that is wanted.
func (s settings) Has(overlay string) bool {
	if overlay == "refint" && s.Dangling {
		return false
	}
	_, err := os.Stat(filepath.Join(s.Modules, overlay+".la"))
	return err == nil
}

// load writes entries into one database without a running server.
func (s *Server) load(ctx context.Context, database int, text *template.Template, data settings) error {
	file := filepath.Join(s.options.Dir, text.Name()+".ldif")
	var ldif strings.Builder
	if err := text.Execute(&ldif, data); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(ldif.String()), 0o600); err != nil {
		return err
	}
	add := exec.CommandContext(ctx, s.slapd, "-T", "add", "-n", fmt.Sprint(database), "-F", filepath.Join(s.options.Dir, "config"), "-l", file) // #nosec G204 -- the directory of this machine, with files of ours
	if out, err := add.CombinedOutput(); err != nil {
		return fmt.Errorf("loading %s: %w: %s", file, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func firstDir(file string, dirs ...string) (string, error) {
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%s is in none of %s; on Debian: apt-get install --no-install-recommends slapd ldap-utils", file, strings.Join(dirs, ", "))
}

// firstValue returns example of dc=example,dc=test.
func firstValue(dn string) string {
	first, _, _ := strings.Cut(dn, ",")
	_, text, _ := strings.Cut(first, "=")
	return text
}

// writeCertificate makes a certificate that is its own authority, valid for
// localhost and 127.0.0.1. Its dates are fixed: it is worth nothing elsewhere.
func writeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "localhost"},
		NotBefore:             time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
	)
}
