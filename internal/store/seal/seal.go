// Package seal encrypts the secrets that the store keeps, so that a copy of the
// database reveals no value.
//
// Every value is encrypted with AES-256-GCM under a data key of its own,
// together with its name and version: a value that is moved under another name,
// or beside another version, does not open. The data key is wrapped by age for
// the identity in the key file, which stands outside the database.
//
// It promises that no error contains a value or a key, and that a key file which
// others can read is refused. The caller is package loop, where connections run.
// Writing the key file is one rename: a crash leaves the old file or the new one.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"filippo.io/age"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/secret"
)

const (
	dataKeyBytes = 32 // AES-256
	othersRead   = fs.FileMode(0o077)
)

// Keys are the identities of a key file. The first wraps; each of them opens, so
// that a rewrap that was interrupted leaves nothing closed.
type Keys struct{ identities []*age.X25519Identity }

// New makes a key.
func New() (Keys, error) {
	id, err := age.GenerateX25519Identity()
	return Keys{[]*age.X25519Identity{id}}, err
}

// Load reads a key file, fault.NotFound when there is none.
func Load(path string) (Keys, error) {
	file, err := os.Open(path) // #nosec G304 -- the key file, which the administrator names
	if errors.Is(err, fs.ErrNotExist) {
		e := fault.New(fault.NotFound, "", "there is no key file %s", path)
		e.Do = "put the key file back from where it is kept, or name it with PROVISOR_KEY_FILE"
		return Keys{}, e
	}
	if err != nil {
		return Keys{}, fault.Wrap(fault.Unavailable, "open the key file", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Keys{}, fault.Wrap(fault.Unavailable, "open the key file", err)
	}
	// Windows keeps access lists, which these bits do not show.
	if mode := info.Mode().Perm(); mode&othersRead != 0 && runtime.GOOS != "windows" {
		e := fault.New(fault.Refused, "", "others can read the key file %s (mode %04o)", path, mode)
		e.Do = "chmod 600 " + path + "; if somebody may have read it, `provisor secret rewrap` and change the secrets in their systems"
		return Keys{}, e
	}
	return parse(path, file)
}

func parse(path string, file io.Reader) (Keys, error) {
	damaged := &fault.Error{
		Kind: fault.Invalid, Msg: "the key file " + path + " does not hold a key", // its content is never repeated
		Do: "put the key file back from where it is kept: a line AGE-SECRET-KEY-1...",
	}
	found, err := age.ParseIdentities(file)
	if err != nil {
		return Keys{}, damaged
	}
	var k Keys
	for _, identity := range found {
		id, ok := identity.(*age.X25519Identity)
		if !ok {
			return Keys{}, damaged
		}
		k.identities = append(k.identities, id)
	}
	return k, nil
}

// Before returns the keys with those of an older file behind them.
func (k Keys) Before(older Keys) Keys {
	return Keys{append(k.identities[:len(k.identities):len(k.identities)], older.identities...)}
}

// Save writes the key file in one step, for its owner alone. It is on the disk
// when Save returns: a secret without its key would be lost.
func (k Keys) Save(path string) (err error) {
	var text strings.Builder
	text.WriteString("# The key of the secrets that Provisor keeps. Whoever has this file and a copy of the\n# database can read them: keep it apart from the database's back-ups.\n")
	for _, id := range k.identities {
		fmt.Fprintf(&text, "# public key: %s\n%s\n", id.Recipient(), id)
	}
	const op = "write the key file"
	file, err := os.CreateTemp(filepath.Dir(path), ".provisor-key-*") // mode 0600
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	_, err = file.WriteString(text.String())
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, errors.Join(err, os.Remove(file.Name())))
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename durable where folders can be synchronised.
func syncFolder(path string) error {
	folder, err := os.Open(path) // #nosec G304 -- the folder of the key file, which the administrator names
	if err != nil {
		return fault.Wrap(fault.Unavailable, "write the key file", err)
	}
	_ = folder.Sync() // some systems do not offer it
	return folder.Close()
}

// Seal encrypts a value for the store.
func (k Keys) Seal(name string, version int64, value secret.Text) (stage.SealedSecret, error) {
	x := stage.SealedSecret{Name: name, Version: version}
	dataKey := make([]byte, dataKeyBytes)
	if _, err := rand.Read(dataKey); err != nil {
		return x, err
	}
	box, err := boxOf(dataKey)
	if err != nil {
		return x, err
	}
	x.Value = base64.StdEncoding.EncodeToString(box.Seal(nil, nil, []byte(value.Reveal()), bound(x))) // #nosec G407 -- the cipher draws the nonce itself, and takes none
	x.Key, err = k.wrap(dataKey)
	return x, err
}

// Open decrypts a value.
func (k Keys) Open(x stage.SealedSecret) (secret.Text, error) {
	dataKey, err := k.unwrap(x)
	if err != nil {
		return secret.Text{}, err
	}
	box, err := boxOf(dataKey)
	if err != nil {
		return secret.Text{}, damaged(x)
	}
	sealed, err := base64.StdEncoding.DecodeString(x.Value)
	if err != nil {
		return secret.Text{}, damaged(x)
	}
	content, err := box.Open(nil, nil, sealed, bound(x))
	if err != nil {
		return secret.Text{}, damaged(x)
	}
	return secret.New(string(content)), nil
}

// Rewrap wraps a secret's data key for the first key.
func (k Keys) Rewrap(x stage.SealedSecret) (stage.SealedSecret, error) {
	dataKey, err := k.unwrap(x)
	if err != nil {
		return x, err
	}
	x.Key, err = k.wrap(dataKey)
	return x, err
}

func (k Keys) wrap(dataKey []byte) (string, error) {
	var wrapped bytes.Buffer
	w, err := age.Encrypt(&wrapped, k.identities[0].Recipient())
	if err != nil {
		return "", err
	}
	_, err = w.Write(dataKey)
	err = errors.Join(err, w.Close()) // only closing writes it all
	return base64.StdEncoding.EncodeToString(wrapped.Bytes()), err
}

func (k Keys) unwrap(x stage.SealedSecret) ([]byte, error) {
	wrapped, err := base64.StdEncoding.DecodeString(x.Key)
	if err != nil {
		return nil, damaged(x)
	}
	identities := make([]age.Identity, len(k.identities))
	for i, id := range k.identities {
		identities[i] = id
	}
	r, err := age.Decrypt(bytes.NewReader(wrapped), identities...)
	var other *age.NoIdentityMatchError
	if errors.As(err, &other) {
		e := fault.New(fault.Refused, "", "the secret %s was sealed for another key file", x.Name)
		e.Do = "put the key file back from where it is kept, or set the secret again with `provisor secret set " + x.Name + "`"
		return nil, e
	}
	if err != nil {
		return nil, damaged(x)
	}
	dataKey, err := io.ReadAll(r)
	if err != nil {
		return nil, damaged(x)
	}
	return dataKey, nil
}

func boxOf(dataKey []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bound is what a value is sealed together with. A name has no space.
func bound(x stage.SealedSecret) []byte {
	return fmt.Appendf(nil, "provisor secret %s %d", x.Name, x.Version)
}

func damaged(x stage.SealedSecret) error {
	e := fault.New(fault.Refused, "", "the secret %s does not open: it was changed in the database", x.Name)
	e.Do = "set it again with `provisor secret set " + x.Name + "`, and find out who changed it"
	return e
}
