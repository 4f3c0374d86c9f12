package statement

import (
	"context"
	"database/sql"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/view"
)

// PutSecret keeps a sealed secret in place of the one of its name.
func (db *DB) PutSecret(ctx context.Context, act journal.Act, x SealedSecret) error {
	return db.act(ctx, act, false, func(s *session) error {
		_, err := s.exec(ctx, `INSERT INTO secret (name, version, wrapped_key, sealed, set_at, set_by) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (name) DO UPDATE SET version = excluded.version, wrapped_key = excluded.wrapped_key,
			sealed = excluded.sealed, set_at = excluded.set_at, set_by = excluded.set_by`,
			x.Name, x.Version, x.Key, x.Value, nanos(act.At), act.Actor.String())
		return err
	})
}

// DeleteSecret forgets a secret, fault.NotFound when there is none.
func (db *DB) DeleteSecret(ctx context.Context, act journal.Act, name string) error {
	return db.act(ctx, act, false, func(s *session) error {
		n, err := s.exec(ctx, `DELETE FROM secret WHERE name = $1`, name)
		if err == nil && n == 0 {
			err = notSet(name)
		}
		return err
	})
}

// RewrapSecrets keeps the data keys of secrets wrapped anew; a secret that was
// set meanwhile keeps its own.
func (db *DB) RewrapSecrets(ctx context.Context, act journal.Act, list []SealedSecret) error {
	return db.act(ctx, act, false, func(s *session) error {
		for _, x := range list {
			if _, err := s.exec(ctx, `UPDATE secret SET wrapped_key = $1 WHERE name = $2 AND version = $3`, x.Key, x.Name, x.Version); err != nil {
				return err
			}
		}
		return nil
	})
}

// SealedSecret returns a secret as it is kept, fault.NotFound when there is none.
func (db *DB) SealedSecret(ctx context.Context, name string) (SealedSecret, error) {
	x := SealedSecret{Name: name}
	found, err := db.read().one(ctx, `SELECT version, wrapped_key, sealed FROM secret WHERE name = $1`, []any{name}, &x.Version, &x.Key, &x.Value)
	if err == nil && !found {
		return x, notSet(name)
	}
	return x, db.failed("load secret", err)
}

// SealedSecrets returns all of them in the order of their names.
func (db *DB) SealedSecrets(ctx context.Context) ([]SealedSecret, error) {
	var list []SealedSecret
	err := db.read().each(ctx, `SELECT name, version, wrapped_key, sealed FROM secret ORDER BY name`, nil, func(r *sql.Rows) error {
		var x SealedSecret
		err := r.Scan(&x.Name, &x.Version, &x.Key, &x.Value)
		list = append(list, x)
		return err
	})
	return list, db.failed("load secrets", err)
}

func notSet(name string) error {
	e := fault.New(fault.NotFound, "", "the secret %s is not set", name)
	e.Do = "set it with `provisor secret set " + name + "`"
	return e
}

// Secrets answers which secrets are set, in the order of their names.
func (v *Views) Secrets(ctx context.Context) ([]view.Secret, error) {
	list := []view.Secret{}
	if err := v.whole("list secrets"); err != nil {
		return nil, err
	}
	err := v.db.read().each(ctx, `SELECT name, set_at, set_by FROM secret ORDER BY name`, nil, func(r *sql.Rows) error {
		var x view.Secret
		var at int64
		err := r.Scan(&x.Name, &at, &x.By)
		x.At = instant(at)
		list = append(list, x)
		return err
	})
	return list, v.db.failed("list secrets", err)
}
