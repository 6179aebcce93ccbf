package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"sim2reald/model/safetensors"
)

// Refusals of a signature.
var (
	ErrUnsigned  = errors.New("bundle is not signed")
	ErrSignature = errors.New("bundle's signature is not good")
	ErrKey       = errors.New("signing key")
)

// SignatureSuffix is what is added to a bundle's path for that of its signature.
const SignatureSuffix = ".sig"

const (
	signatureDomain = "sim2real bundle signature 1\n"
	signatureHead   = "sim2reald bundle signature 1" // first line of the file
	keyPrefix       = "ed25519:"
	maxSignature    = 4 << 10 // bytes of a signature's file
)

// Signature says that the holder of a key vouches for a bundle file, byte for byte, as a release.
type Signature struct {
	Key     ed25519.PublicKey
	Release uint64 // grows with each bundle of a name that is handed out; an older one is refused after a newer
	Size    int64  // of the bundle file, bytes
	Bytes   []byte
}

// Sign signs the bytes of a bundle file.
func Sign(key ed25519.PrivateKey, data []byte, release uint64) Signature {
	s := Signature{Key: key.Public().(ed25519.PublicKey), Release: release, Size: int64(len(data))}
	s.Bytes = ed25519.Sign(key, s.message(data))
	return s
}

// message is what is signed: all of the signature but itself, and the SHA-256 of the file.
func (s *Signature) message(data []byte) []byte {
	sum := sha256.Sum256(data)
	out := append([]byte(signatureDomain), s.Key...)
	out = binary.LittleEndian.AppendUint64(out, s.Release)
	out = binary.LittleEndian.AppendUint64(out, uint64(s.Size))
	return append(out, sum[:]...)
}

// good is whether the signature is one of these bytes, by its own key.
func (s *Signature) good(data []byte) bool {
	return int64(len(data)) == s.Size && len(s.Key) == ed25519.PublicKeySize && ed25519.Verify(s.Key, s.message(data), s.Bytes)
}

// String is the signature's file.
func (s *Signature) String() string {
	return fmt.Sprintf("%s\nkey %s\nrelease %d\nsize %d\nsignature %s\n", signatureHead, KeyText(s.Key), s.Release, s.Size, base64.StdEncoding.EncodeToString(s.Bytes))
}

// parseSignature reads what String writes, and nothing else.
func parseSignature(text string) (Signature, error) {
	var s Signature
	var key, signature string
	if _, err := fmt.Sscanf(text, signatureHead+"\nkey %s\nrelease %d\nsize %d\nsignature %s\n", &key, &s.Release, &s.Size, &signature); err != nil {
		return s, fmt.Errorf("%w: its file is not one; sign the bundle again", ErrSignature)
	}
	var err error
	if s.Key, err = ParseKey(key); err != nil {
		return s, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	s.Bytes, err = base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil || len(s.Bytes) != ed25519.SignatureSize || s.String() != text {
		return s, fmt.Errorf("%w: its file is not as sim2reald writes it; sign the bundle again", ErrSignature)
	}
	return s, nil
}

// KeyText is a public key as configurations have it.
func KeyText(key ed25519.PublicKey) string { return keyPrefix + base64.StdEncoding.EncodeToString(key) }

// ParseKey reads a public key as KeyText writes it.
func ParseKey(text string) (ed25519.PublicKey, error) {
	encoded, ok := strings.CutPrefix(text, keyPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: %.80q is not %s and 32 bytes in base64; `sim2reald bundle keygen` prints one", ErrKey, text, keyPrefix)
	}
	return key, nil
}

// LoadSigned is Load of a bundle that one of the keys vouches for, and its release. The file is read once: what was
// verified is what is parsed, whatever becomes of the file meanwhile, and nothing of it is parsed before.
func LoadSigned(path string, keys []ed25519.PublicKey) (*Bundle, uint64, error) {
	b, release, err := loadSigned(path, keys)
	if err != nil {
		return nil, 0, fmt.Errorf("loading bundle %s: %w", path, err)
	}
	return b, release, nil
}

func loadSigned(path string, keys []ed25519.PublicKey) (*Bundle, uint64, error) {
	s, err := signatureOf(path)
	if err != nil {
		return nil, 0, err
	}
	if !trusted(s.Key, keys) {
		return nil, 0, fmt.Errorf("%w: its key %s is none of policy.trusted_keys; have it signed by one of them", ErrSignature, KeyText(s.Key))
	}
	data, err := readSized(path, s.Size)
	if err != nil {
		return nil, 0, err
	}
	if !s.good(data) {
		return nil, 0, fmt.Errorf("%w: the file is not what was signed; fetch it again, or sign it again if it was meant to change", ErrSignature)
	}
	b, err := Parse(data)
	return b, s.Release, err
}

// ReadSignature reads the signature beside a bundle and holds it against the file's bytes; whose key it is, the caller
// judges.
func ReadSignature(path string) (Signature, error) {
	s, err := signatureOf(path)
	if err != nil {
		return s, err
	}
	data, err := readSized(path, s.Size)
	if err != nil {
		return s, err
	}
	if !s.good(data) {
		return s, fmt.Errorf("%w: the file is not what was signed; fetch it again, or sign it again if it was meant to change", ErrSignature)
	}
	return s, nil
}

func signatureOf(path string) (Signature, error) {
	text, err := readAtMost(path+SignatureSuffix, maxSignature)
	if errors.Is(err, os.ErrNotExist) {
		return Signature{}, fmt.Errorf("%w: there is no %s%s; sign it with `sim2reald bundle sign`, or take policy.trusted_keys away", ErrUnsigned, path, SignatureSuffix)
	}
	if err != nil {
		return Signature{}, err
	}
	return parseSignature(string(text))
}

func trusted(key ed25519.PublicKey, keys []ed25519.PublicKey) bool {
	for _, k := range keys {
		if k.Equal(key) {
			return true
		}
	}
	return false
}

// readSized reads a regular file that must be of that size, so that a signature bounds what is read.
func readSized(path string, size int64) ([]byte, error) {
	if size < 0 || size > MaxFile {
		return nil, fmt.Errorf("%w: of %d bytes, want at most %d", ErrSignature, size, int64(MaxFile))
	}
	data, err := readAtMost(path, size)
	if err == nil && int64(len(data)) != size {
		err = fmt.Errorf("%w: the file has %d bytes, %d were signed; fetch it again", ErrSignature, len(data), size)
	}
	return data, err
}

// readAtMost reads a regular file of at most so many bytes. The kind is asked before opening: opening a named pipe would
// wait for a writer.
func readAtMost(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("%w: %s is not a regular file of at most %d bytes; fetch it again", ErrSignature, path, most)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1)) // a byte more shows a file that has grown since
}

// SignFile signs a bundle that is whole, and writes the signature beside it.
func SignFile(path string, key ed25519.PrivateKey, release uint64) (*Bundle, error) {
	data, err := safetensors.ReadBytes(path, limits())
	if err != nil {
		return nil, fmt.Errorf("signing: %w", unreadable(err, ErrCorrupt, "fetch or train it again"))
	}
	b, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", path, err)
	}
	s := Sign(key, data, release)
	return b, replaceFile(path+SignatureSuffix, []byte(s.String()), 0o644)
}
