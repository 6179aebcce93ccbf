package bundle

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// signedFile is a bundle on disk with its signature, and the key that it was signed with.
func signedFile(t testing.TB, release uint64) (path string, public ed25519.PublicKey, private ed25519.PrivateKey) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "door.safetensors")
	if err := testBundle(t).Save(path); err != nil {
		t.Fatal(err)
	}
	public, err := NewKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	if private, err = ReadKey(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	if _, err := SignFile(path, private, release); err != nil {
		t.Fatal(err)
	}
	return path, public, private
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestLoadSigned(t *testing.T) {
	path, public, _ := signedFile(t, 7)
	other, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	b, release, err := LoadSigned(path, []ed25519.PublicKey{other, public})
	if err != nil || release != 7 || b.Digest() != testBundle(t).Digest() {
		t.Fatalf("%v, release %d", err, release)
	}
	if _, _, err := LoadSigned(path, []ed25519.PublicKey{other}); !errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), "policy.trusted_keys") {
		t.Errorf("a foreign key: %v", err)
	}
	if _, _, err := LoadSigned(path, nil); !errors.Is(err, ErrSignature) {
		t.Errorf("no key: %v", err)
	}
	if err := os.Remove(path + SignatureSuffix); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadSigned(path, []ed25519.PublicKey{public}); !errors.Is(err, ErrUnsigned) || strings.Contains(err.Error(), "\n") {
		t.Errorf("unsigned: %v", err)
	}
}

// TestFlippedBits of a signed bundle, and of its signature, are each refused: 1000 of 1000, drawn from all of them.
func TestFlippedBits(t *testing.T) {
	path, public, _ := signedFile(t, 7)
	r := rand.New(rand.NewPCG(1, 2))
	for _, file := range []string{path, path + SignatureSuffix} {
		good := read(t, file)
		for range 1000 {
			bad := bytes.Clone(good)
			bit := r.IntN(8 * len(bad))
			bad[bit/8] ^= 1 << (bit % 8)
			write(t, file, bad)
			if _, _, err := LoadSigned(path, []ed25519.PublicKey{public}); !errors.Is(err, ErrSignature) {
				t.Errorf("%s, bit %d: %v", filepath.Base(file), bit, err)
			}
		}
		write(t, file, good)
	}
	if _, _, err := LoadSigned(path, []ed25519.PublicKey{public}); err != nil {
		t.Error(err)
	}
}

// TestForeignSignatures: a good signature, but of another file, another release, or by another key under this one's name.
func TestForeignSignatures(t *testing.T) {
	path, public, private := signedFile(t, 7)
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	data := read(t, path)
	good := Sign(private, data, 7)
	longer := Sign(private, append(bytes.Clone(data), 0), 7)
	for name, change := range map[string]func() Signature{
		"of another file":    func() Signature { return Sign(private, bytes.Repeat([]byte{1}, len(data)), 7) },
		"of a longer file":   func() Signature { return longer },
		"of another release": func() Signature { s := good; s.Release = 8; return s },
		"of another size":    func() Signature { s := good; s.Size--; return s },
		"of huge size":       func() Signature { s := good; s.Size = 1 << 62; return s },
		"of negative size":   func() Signature { s := good; s.Size = -1; return s },
		"by a stranger":      func() Signature { s := Sign(stranger, data, 7); s.Key = public; return s },
		"of nothing":         func() Signature { s := good; s.Bytes = make([]byte, ed25519.SignatureSize); return s },
	} {
		s := change()
		write(t, path+SignatureSuffix, []byte(s.String()))
		if _, _, err := LoadSigned(path, []ed25519.PublicKey{public}); !errors.Is(err, ErrSignature) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "a line": "signature\n", "more behind": good.String() + "x", "a space more": strings.Replace(good.String(), "release 7", "release  7", 1),
		"a zero more": strings.Replace(good.String(), "release 7", "release 07", 1), "long": strings.Repeat("x", maxSignature+1),
	} {
		write(t, path+SignatureSuffix, []byte(text))
		if _, _, err := LoadSigned(path, []ed25519.PublicKey{public}); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReplacedWhileItIsRead: another whole bundle takes the file's place again and again while it is loaded. What is
// loaded is the signed one or nothing.
func TestReplacedWhileItIsRead(t *testing.T) {
	path, public, _ := signedFile(t, 7)
	m := testManifest()
	m.Name = "trap"
	trap, err := New(m, testTensors())
	if err != nil {
		t.Fatal(err)
	}
	good, bad := read(t, path), bytesOf(t, trap)
	done := make(chan struct{})
	var swaps sync.WaitGroup
	swaps.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			if err := replaceFile(path, [][]byte{good, bad}[i%2], 0o600); err != nil {
				t.Error(err)
				return
			}
		}
	})
	want := testBundle(t).Digest()
	for range 300 {
		if b, _, err := LoadSigned(path, []ed25519.PublicKey{public}); err == nil && b.Digest() != want {
			t.Fatalf("%s was loaded, which nobody signed", b.Manifest.Name)
		}
	}
	close(done)
	swaps.Wait()
}

func TestReleasesOnlyGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "releases.json")
	r, err := OpenReleases(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name    string
		release uint64
		older   bool
	}{
		{"door", 3, false}, {"door", 3, false}, {"door", 2, true}, {"light", 1, false}, {"door", 5, false}, {"door", 4, true}, {"light", 0, true}, {"door", 5, false},
	} {
		err := r.Admit(step.name, step.release)
		if errors.Is(err, ErrOlder) != step.older || err != nil && !step.older {
			t.Errorf("%s release %d: %v", step.name, step.release, err)
		}
		if r, err = OpenReleases(path); err != nil { // as after a restart
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for _, text := range []string{"", "[]", "null", `{"door": -1}`, `{"door": "3"}`, `{"door": 3} {}`} {
		write(t, path, []byte(text))
		if _, err := OpenReleases(path); err == nil || !strings.Contains(err.Error(), "policy.releases") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	public, err := NewKey(path)
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.TrimPrefix(string(read(t, path)), secretHead)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if again, err := ParseKey(KeyText(public)); err != nil || !again.Equal(public) {
		t.Errorf("%v, %v", again, err)
	}
	if _, err := NewKey(path); !errors.Is(err, ErrKey) {
		t.Errorf("a key was overwritten: %v", err)
	}
	if private, err := ReadKey(path); err != nil || !private.Public().(ed25519.PublicKey).Equal(public) {
		t.Errorf("read back: %v", err)
	}
	for name, spoil := range map[string]func(){
		"others can read it": func() { _ = os.Chmod(path, 0o640) },
		"cut":                func() { write(t, path, []byte(secretHead+secret[:9])); _ = os.Chmod(path, 0o600) },
		"of another kind":    func() { write(t, path, []byte(secret)) },
		"missing":            func() { _ = os.Remove(path) },
	} {
		_ = os.Remove(path)
		write(t, path, []byte(secretHead+secret))
		spoil()
		if _, err := ReadKey(path); !errors.Is(err, ErrKey) || strings.Contains(err.Error(), secret[:8]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "ed25519:", "ed25519:AAAA", "rsa:" + KeyText(public)[8:], KeyText(public) + "A", strings.TrimSuffix(KeyText(public), "=")} {
		if _, err := ParseKey(text); !errors.Is(err, ErrKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzParseSignature: what is read is written again as it was.
func FuzzParseSignature(f *testing.F) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	s := Sign(private, []byte("bundle"), 3)
	f.Add(s.String())
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseSignature(text); err == nil && s.String() != text {
			t.Fatalf("%q is written as %q", text, s.String())
		}
	})
}
