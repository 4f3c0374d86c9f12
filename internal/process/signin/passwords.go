package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/secret"
)

// How passwords are hashed: argon2id with the least memory and time that OWASP
// recommends. A hash names its own numbers, so that older ones can be read.
const (
	argonMemoryKiB = 19 << 10
	argonTime      = 2
	argonThreads   = 1
	argonKeyBytes  = 32
	saltBytes      = 16
	// argonMemoryMostKiB and argonTimeMost bound what a stored hash may ask for.
	argonMemoryMostKiB = 1 << 20
	argonTimeMost      = 100
	// passwordLeast is what a password must have, in characters: length is what
	// counts, so nothing else is asked for.
	passwordLeast = 12
	// passwordMostBytes keeps a request from making the server hash a book.
	passwordMostBytes = 1000
	// hashingMost bounds the memory that people who sign in at once can take.
	hashingMost = 4
)

// hashing lets so many hash at once.
var hashing = make(chan struct{}, hashingMost)

func enter(ctx context.Context) (leave func(), err error) {
	select {
	case hashing <- struct{}{}:
		return func() { <-hashing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// CheckPassword says what is wrong with a password that somebody chose.
func CheckPassword(password secret.Text) error {
	text := password.Reveal()
	if n := utf8.RuneCountInString(text); n < passwordLeast || len(text) > passwordMostBytes {
		return &fault.Error{
			Kind: fault.Invalid, Op: "set password", Msg: fmt.Sprintf("a password has at least %d characters and at most %d bytes, this one has %d", passwordLeast, passwordMostBytes, n),
			Do: "a few words that do not belong together are easy to remember",
		}
	}
	return nil
}

// hash hashes a password: $argon2id$v=19$m=...,t=...,p=...$salt$key.
func hash(ctx context.Context, password secret.Text) (string, error) {
	leave, err := enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // does not fail
	key := argon2.IDKey([]byte(password.Reveal()), salt, argonTime, argonMemoryKiB, argonThreads, argonKeyBytes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemoryKiB, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// nobodysHash is compared with when there is no account, so that the time of an
// answer does not tell whether there is one.
var nobodysHash = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemoryKiB, argonTime, argonThreads,
	base64.RawStdEncoding.EncodeToString(make([]byte, saltBytes)), base64.RawStdEncoding.EncodeToString(make([]byte, argonKeyBytes)))

// matches compares a password with a hash.
func matches(ctx context.Context, hashed string, password secret.Text) (bool, error) {
	var version int
	var memory, passes uint32
	var threads uint8
	parts := strings.Split(hashed, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || len(password.Reveal()) > passwordMostBytes {
		return false, nil
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, nil
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil ||
		memory > argonMemoryMostKiB || passes > argonTimeMost || passes == 0 || threads == 0 {
		return false, nil
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(key) != argonKeyBytes {
		return false, nil
	}
	leave, err := enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	got := argon2.IDKey([]byte(password.Reveal()), salt, passes, memory, threads, argonKeyBytes)
	return subtle.ConstantTimeCompare(got, key) == 1, nil
}

// tokenPrefix tells what a token is when it turns up where it does not belong.
const tokenPrefix = "provisor_"

// newToken makes a text that nobody guesses: 26 characters, 128 bits and more.
func newToken() secret.Text { return secret.New(tokenPrefix + rand.Text()) }

// digest is how a token is kept. It has enough chance in it, so that hashing it
// slowly would gain nothing.
func digest(token secret.Text) string {
	sum := sha256.Sum256([]byte(token.Reveal()))
	return hex.EncodeToString(sum[:])
}
