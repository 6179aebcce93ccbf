package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const secretHead = "sim2reald private key 1\n"

// NewKey makes a signing key in a new file that only its owner can read.
func NewKey(path string) (ed25519.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; name a file that is not there yet", ErrKey, err)
	}
	_, err = f.WriteString(secretHead + base64.StdEncoding.EncodeToString(private.Seed()) + "\n")
	return public, errors.Join(err, f.Sync(), f.Close())
}

// ReadKey reads a signing key, whose file nobody but its owner may read. No error of it holds anything of the key.
func ReadKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; `sim2reald bundle keygen` makes one", ErrKey, err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %v, others must not read it; chmod 600 it", ErrKey, path, mode)
	}
	text, err := readAtMost(path, maxSignature)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	encoded, ok := strings.CutPrefix(string(text), secretHead)
	seed, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSuffix(encoded, "\n"))
	if !ok || err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: %s is not one; `sim2reald bundle keygen` makes one", ErrKey, path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// replaceFile leaves the old bytes or all of the new ones, whatever happens between.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
