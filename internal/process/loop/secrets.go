package loop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/store/seal"
	"provisor.dev/provisor/secret"
)

const (
	// KeyFile is the key of the stored secrets, beside the store.
	KeyFile = "provisor.key"
	// SecretBytes bounds a secret: room for a private key with its certificates.
	SecretBytes = 64 << 10
)

// SetSecret seals a secret and keeps it, in place of the one of its name. The
// first secret of a store makes the key file.
func (e *Engine) SetSecret(ctx context.Context, name string, value secret.Text, why string) error {
	if err := secret.CheckName(name); err != nil {
		return err
	}
	if n := len(value.Reveal()); n == 0 || n > SecretBytes {
		return fault.New(fault.Invalid, "set secret "+name, "a secret has 1 to %d bytes, this one has %d", SecretBytes, n)
	}
	return e.changingSecrets(ctx, func() error {
		keys, err := e.keysToSeal(ctx, name)
		if err != nil {
			return err
		}
		version, err := e.Reserve(ctx, stage.SecretCounter, 1)
		if err != nil {
			return err
		}
		sealed, err := keys.Seal(name, version, value)
		if err != nil {
			return err
		}
		return e.PutSecret(ctx, e.secretAct("set secret", name, why), sealed)
	})
}

// RemoveSecret forgets a secret; while the deployed configuration refers to it
// only with force.
func (e *Engine) RemoveSecret(ctx context.Context, name, why string, force bool) error {
	c, err := e.Deployed(ctx)
	switch {
	case err == nil && !force:
		var settings []string
		for _, use := range c.StoredSecrets() {
			if use.Name == name {
				settings = append(settings, use.Setting)
			}
		}
		if len(settings) > 0 {
			e := fault.New(fault.Refused, "remove secret "+name, "the deployed configuration refers to it: %s", strings.Join(settings, ", "))
			e.Do = "deploy a configuration without it first, or add --force: the connection will not open any more"
			return e
		}
	case err != nil && fault.KindOf(err) != fault.NotFound && !force:
		return err
	}
	return e.changingSecrets(ctx, func() error {
		return e.DeleteSecret(ctx, e.secretAct("remove secret", name, why), name)
	})
}

// RewrapSecrets makes a new key and wraps every data key for it. The key file
// holds both keys until all are wrapped: a crash in between leaves every secret
// readable, and the next rewrap ends what was begun.
func (e *Engine) RewrapSecrets(ctx context.Context, why string) (secrets int, err error) {
	err = e.changingSecrets(ctx, func() error {
		older, err := seal.Load(e.keyFile)
		if err != nil {
			return err
		}
		newer, err := seal.New()
		if err != nil {
			return err
		}
		list, err := e.SealedSecrets(ctx)
		if err != nil {
			return err
		}
		both := newer.Before(older)
		for i := range list {
			if list[i], err = both.Rewrap(list[i]); err != nil {
				return err
			}
		}
		secrets = len(list)
		if err := both.Save(e.keyFile); err != nil {
			return err
		}
		act := e.secretAct("rewrap secrets", "", why)
		act.Detail = map[string]int{"secrets": secrets}
		if err := e.DB.RewrapSecrets(ctx, act, list); err != nil {
			return err
		}
		return newer.Save(e.keyFile)
	})
	return secrets, err
}

// storedSecret reads a secret of the store, for a connection that opens.
func (e *Engine) storedSecret(ctx context.Context, name string) (secret.Text, error) {
	sealed, err := e.SealedSecret(ctx, name)
	if err != nil {
		return secret.Text{}, err
	}
	keys, err := seal.Load(e.keyFile)
	if err != nil {
		return secret.Text{}, err
	}
	return keys.Open(sealed)
}

// keysToSeal returns the keys of the key file, made now for the first secret of
// a store. Keys that open nothing of what is there already are refused: the
// right file was lost or left elsewhere, and the secrets would part in two.
func (e *Engine) keysToSeal(ctx context.Context, name string) (seal.Keys, error) {
	list, err := e.SealedSecrets(ctx)
	if err != nil {
		return seal.Keys{}, err
	}
	others := slices.DeleteFunc(list, func(x stage.SealedSecret) bool { return x.Name == name })
	keys, err := seal.Load(e.keyFile)
	switch missing := fault.KindOf(err) == fault.NotFound; {
	case missing && len(others) == 0:
		if keys, err = seal.New(); err != nil {
			return keys, err
		}
		return keys, keys.Save(e.keyFile)
	case missing:
		return keys, fmt.Errorf("other secrets are in the store (%d) and need their key: %w", len(others), err)
	case err != nil:
		return keys, err
	}
	var refusal error
	for _, x := range others {
		if _, err := keys.Open(x); err == nil {
			return keys, nil
		} else if refusal == nil {
			refusal = err
		}
	}
	return keys, refusal
}

// changingSecrets keeps the key file and the store in step: one change at a time.
func (e *Engine) changingSecrets(ctx context.Context, do func() error) error {
	release, ok, err := e.Exclusive(ctx, "secrets")
	if err != nil {
		return err
	}
	if !ok {
		e := fault.New(fault.Conflict, "change secrets", "somebody else is changing secrets")
		e.Do = "try again"
		return e
	}
	return errors.Join(do(), release())
}

func (e *Engine) secretAct(name, subject, why string) journal.Act {
	return journal.Act{Actor: e.Actor, Name: name, Subject: subject, Why: why, At: e.Clock()}
}
