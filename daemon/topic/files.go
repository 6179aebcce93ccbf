package topic

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// expiresSoon is when a certificate is worth a warning.
const expiresSoon = 14 * 24 * time.Hour

// Files are the PEM files of one side: the authority of the other side, this side's certificate and key, and what the
// authority has revoked. CRL may be empty; Certificate and Key too, for a client that has a password alone.
type Files struct{ CA, Certificate, Key, CRL string }

// config reads the files. A certificate that has expired is an error, and one that soon will a warning.
func (f Files) config(log *slog.Logger, now time.Time) (*tls.Config, error) {
	text, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, fmt.Errorf("mqtt.tls.ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("mqtt.tls.ca: %s holds no certificate in PEM", f.CA)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool, ClientCAs: pool, VerifyConnection: f.notRevoked}
	if f.Certificate == "" {
		return c, nil
	}
	own, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return nil, fmt.Errorf("mqtt.tls: certificate %s and key %s: %w", f.Certificate, f.Key, err)
	}
	if err := othersMustNotRead(f.Key); err != nil {
		return nil, fmt.Errorf("mqtt.tls.key: %w", err)
	}
	c.Certificates = []tls.Certificate{own}
	return c, f.checkExpiry(own.Leaf, log, now)
}

func (f Files) checkExpiry(leaf *x509.Certificate, log *slog.Logger, now time.Time) error {
	left := leaf.NotAfter.Sub(now)
	if left <= 0 {
		return fmt.Errorf("mqtt.tls.certificate: %s expired on %s; renew it", f.Certificate, leaf.NotAfter.Format(time.DateOnly))
	}
	if left <= expiresSoon {
		log.Warn("certificate expires soon; renew it", "file", f.Certificate, "on", leaf.NotAfter.Format(time.DateOnly), "days", int(left.Hours()/24))
	}
	return nil
}

// notRevoked asks the list anew at each connection, so that a revocation counts from the next one on.
func (f Files) notRevoked(state tls.ConnectionState) error {
	if f.CRL == "" {
		return nil
	}
	if len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) < 2 {
		return errors.New("mqtt.tls.crl: a certificate that no authority of mqtt.tls.ca has signed")
	}
	list, err := f.revoked(state.VerifiedChains[0][1])
	if err != nil {
		return err
	}
	leaf := state.VerifiedChains[0][0]
	for _, entry := range list.RevokedCertificateEntries {
		if entry.SerialNumber.Cmp(leaf.SerialNumber) == 0 {
			return fmt.Errorf("the certificate of %s is revoked", leaf.Subject.CommonName)
		}
	}
	return nil
}

func (f Files) revoked(authority *x509.Certificate) (*x509.RevocationList, error) {
	text, err := os.ReadFile(f.CRL)
	if err != nil {
		return nil, fmt.Errorf("mqtt.tls.crl: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("mqtt.tls.crl: %s is not PEM", f.CRL)
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("mqtt.tls.crl: %s: %w", f.CRL, err)
	}
	if err := list.CheckSignatureFrom(authority); err != nil {
		return nil, fmt.Errorf("mqtt.tls.crl: %s is not the authority's: %w", f.CRL, err)
	}
	return list, nil
}

// ReadSecret is the first line of a file, which others must not be able to read. $CREDENTIALS_DIRECTORY may begin its
// name.
func ReadSecret(path string) (string, error) {
	const directory = "$CREDENTIALS_DIRECTORY"
	if rest, ok := strings.CutPrefix(path, directory); ok {
		base := os.Getenv(directory[1:])
		if base == "" {
			return "", fmt.Errorf("%s: %s is not set; systemd sets it where the unit has LoadCredential", path, directory)
		}
		path = filepath.Join(base, rest)
	}
	if err := othersMustNotRead(path); err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	secret, _, _ := strings.Cut(string(text), "\n")
	if secret = strings.TrimSuffix(secret, "\r"); secret == "" {
		return "", fmt.Errorf("%s: its first line is empty", path)
	}
	return secret, nil
}

func othersMustNotRead(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o007 != 0 {
		return fmt.Errorf("%s can be read by everybody; chmod 600 it", path)
	}
	return nil
}
