package statement

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
)

// assignmentCounter and tokenCounter number what people have and what they show.
const (
	assignmentCounter = "profile_assignment"
	tokenCounter      = "api_token"
)

const selectAccounts = `SELECT name, person_type, person_key, hash, issuer, subject, epoch, disabled_at, at, actor FROM account`

func scanAccount(r *sql.Rows) (a Account, err error) {
	var disabled, at int64
	err = r.Scan(&a.Name, &a.Person.Type, &a.Person.Key, &a.Hash, &a.Issuer, &a.Subject, &a.Epoch, &disabled, &at, &a.By)
	a.Disabled, a.At = instant(disabled), instant(at)
	return a, err
}

// AddAccount keeps a new account, with the profiles that it begins with; it is a
// conflict when there is one of this name.
func (db *DB) AddAccount(ctx context.Context, act journal.Act, a Account, profiles ...access.ProfileAssignment) error {
	return db.act(ctx, act, false, func(s *session) error { return s.addAccount(ctx, act, a, profiles) })
}

func (s *session) addAccount(ctx context.Context, act journal.Act, a Account, profiles []access.ProfileAssignment) error {
	n, err := s.exec(ctx, `INSERT INTO account (name, person_type, person_key, hash, issuer, subject, epoch, disabled_at, at, actor)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9) ON CONFLICT DO NOTHING`,
		a.Name, a.Person.Type, a.Person.Key, a.Hash, a.Issuer, a.Subject, a.Epoch, nanos(act.At), act.Actor.String())
	if err != nil {
		return err
	}
	if n == 0 {
		return &fault.Error{Kind: fault.Conflict, Op: "add account", Msg: "there is an account " + a.Name + " already, or one for the same user of the provider", Do: "see `provisor account list`"}
	}
	for _, p := range profiles {
		if _, err := s.addProfile(ctx, act, p); err != nil {
			return err
		}
	}
	return nil
}

// FirstAccount makes the first account for whoever holds the link, which is used
// up with it; it is denied when the link is not the present one or too old.
func (db *DB) FirstAccount(ctx context.Context, act journal.Act, link string, a Account, profiles ...access.ProfileAssignment) error {
	return db.act(ctx, act, false, func(s *session) error {
		n, err := s.exec(ctx, `DELETE FROM first_link WHERE hash = $1 AND expires_at > $2`, link, nanos(act.At))
		if err == nil && n == 0 {
			err = &fault.Error{Kind: fault.Denied, Op: "make the first account", Msg: "this link was used, is too old, or a newer one took its place", Do: "start the server again: it prints a new one while there is no administrator"}
		}
		if err != nil {
			return err
		}
		return s.addAccount(ctx, act, a, profiles)
	})
}

// PutFirstLink keeps a one-time link in place of the one before.
func (db *DB) PutFirstLink(ctx context.Context, act journal.Act, x FirstLink) error {
	return db.act(ctx, act, false, func(s *session) error {
		_, err := s.exec(ctx, `INSERT INTO first_link (id, hash, expires_at) VALUES (1, $1, $2)
			ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at`, x.Hash, nanos(x.Expires))
		return err
	})
}

// ChangeAccount changes one account.
func (db *DB) ChangeAccount(ctx context.Context, act journal.Act, name string, change func(*Account) error) error {
	return db.act(ctx, act, false, func(s *session) error {
		a, found, err := s.account(ctx, `name = $1`, name)
		if err != nil {
			return err
		}
		if !found {
			return noAccount(name)
		}
		if err := change(&a); err != nil {
			return err
		}
		_, err = s.exec(ctx, `UPDATE account SET person_type = $1, person_key = $2, hash = $3, issuer = $4, subject = $5, epoch = $6, disabled_at = $7 WHERE name = $8`,
			a.Person.Type, a.Person.Key, a.Hash, a.Issuer, a.Subject, a.Epoch, nanos(a.Disabled), name)
		return err
	})
}

func noAccount(name string) error {
	return &fault.Error{Kind: fault.NotFound, Op: "find account", Msg: "there is no account " + name, Do: "see `provisor account list`"}
}

func (s *session) account(ctx context.Context, where string, args ...any) (a Account, found bool, err error) {
	err = s.each(ctx, selectAccounts+` WHERE `+where, args, func(r *sql.Rows) error {
		found = true
		a, err = scanAccount(r)
		return err
	})
	return a, found, err
}

// Account returns an account, fault.NotFound when there is none.
func (db *DB) Account(ctx context.Context, name string) (Account, error) {
	a, found, err := db.read().account(ctx, `name = $1`, name)
	if err == nil && !found {
		return a, noAccount(name)
	}
	return a, db.failed("load account", err)
}

// AccountOf returns the account of a provider's user; found is false for nobody.
func (db *DB) AccountOf(ctx context.Context, issuer, subject string) (a Account, found bool, err error) {
	a, found, err = db.read().account(ctx, `issuer = $1 AND subject = $2 AND subject <> ''`, issuer, subject)
	return a, found, db.failed("load account", err)
}

// Accounts returns all of them in the order of their names.
func (db *DB) Accounts(ctx context.Context) ([]Account, error) {
	list := []Account{}
	err := db.read().each(ctx, selectAccounts+` ORDER BY name`, nil, func(r *sql.Rows) error {
		a, err := scanAccount(r)
		list = append(list, a)
		return err
	})
	return list, db.failed("list accounts", err)
}

// HasAccounts reports whether anybody can sign in.
func (db *DB) HasAccounts(ctx context.Context) (has bool, err error) {
	var one int
	has, err = db.read().one(ctx, `SELECT 1 FROM account LIMIT 1`, nil, &one)
	return has, db.failed("look for accounts", err)
}

// AddProfile gives somebody a profile and returns the number of it.
func (db *DB) AddProfile(ctx context.Context, act journal.Act, p access.ProfileAssignment) (id access.AssignmentID, err error) {
	err = db.act(ctx, act, false, func(s *session) error {
		id, err = s.addProfile(ctx, act, p)
		return err
	})
	return id, err
}

func (s *session) addProfile(ctx context.Context, act journal.Act, p access.ProfileAssignment) (access.AssignmentID, error) {
	id, err := s.reserve(ctx, assignmentCounter, 1)
	if err != nil {
		return 0, err
	}
	scope, err := json.Marshal(p.Scope)
	if err != nil {
		return 0, err
	}
	kind, key := heldBy(p.Holder)
	ofKind, ofKey := heldBy(p.Delegator)
	_, err = s.exec(ctx, `INSERT INTO profile_assignment (id, holder_type, holder_key, profile, scope, how, from_at, to_at, delegator_type, delegator_key, actor, at, why, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)`,
		id, kind, key, string(p.Profile), string(scope), string(p.How), nanos(p.From), nanos(p.To), ofKind, ofKey, act.Actor.String(), nanos(act.At), act.Why)
	return access.AssignmentID(id), err
}

// heldBy is how a holder is kept.
func heldBy(h access.Holder) (kind, key string) {
	if h.Account != "" {
		return "", h.Account
	}
	return string(h.Person.Type), string(h.Person.Key)
}

// holderOf reads what heldBy wrote.
func holderOf(kind, key string) access.Holder {
	if kind == "" {
		return access.Holder{Account: key}
	}
	return access.Holder{Person: resources.Ref{Type: schema.EntityType(kind), Key: resources.Key(key)}}
}

// RevokeProfile takes a profile away; what is revoked stays listed.
func (db *DB) RevokeProfile(ctx context.Context, act journal.Act, id access.AssignmentID) error {
	return db.act(ctx, act, false, func(s *session) error {
		n, err := s.exec(ctx, `UPDATE profile_assignment SET revoked_at = $1 WHERE id = $2 AND revoked_at = 0`, nanos(act.At), int64(id))
		if err == nil && n == 0 {
			err = &fault.Error{Kind: fault.NotFound, Op: "revoke profile", Msg: "nobody has a profile under this number now", Do: "see `provisor profile list --assigned`"}
		}
		return err
	})
}

// Profiles returns profile assignments, the present ones and others.
func (db *DB) Profiles(ctx context.Context, f ProfileFilter) ([]access.ProfileAssignment, error) {
	c := &conditions{}
	if f.Holders != nil {
		list := make([][2]string, len(f.Holders))
		for i, h := range f.Holders {
			list[i][0], list[i][1] = heldBy(h)
		}
		c.args = append(c.args, listOf(list))
		c.say("(holder_type, holder_key) IN (" + db.dialect.Pairs("$1") + ")")
	}
	if f.IDs != nil {
		c.among("id", db.dialect.Numbers, listOf(f.IDs))
	}
	list := []access.ProfileAssignment{}
	err := db.read().each(ctx, `SELECT id, holder_type, holder_key, profile, scope, how, from_at, to_at, delegator_type, delegator_key, actor, at, why, revoked_at
		FROM profile_assignment`+c.where()+` ORDER BY id`, c.args, func(r *sql.Rows) error {
		var p access.ProfileAssignment
		var kind, key, ofKind, ofKey string
		var scope []byte
		var from, to, at, revoked int64
		if err := r.Scan(&p.ID, &kind, &key, &p.Profile, &scope, &p.How, &from, &to, &ofKind, &ofKey, &p.By, &at, &p.Why, &revoked); err != nil {
			return err
		}
		p.Holder, p.Delegator = holderOf(kind, key), holderOf(ofKind, ofKey)
		p.From, p.To, p.At, p.Revoked = instant(from), instant(to), instant(at), instant(revoked)
		err := json.Unmarshal(scope, &p.Scope)
		list = append(list, p)
		return err
	})
	return list, db.failed("list profiles", err)
}

// Session returns what is kept of a browser's session; found is false when there
// is none, or it is over.
func (db *DB) Session(ctx context.Context, hash string, now time.Time) (content []byte, found bool, err error) {
	found, err = db.read().one(ctx, `SELECT content FROM session WHERE hash = $1 AND expires_at > $2`, []any{hash, nanos(now)}, &content)
	return content, found, db.failed("load session", err)
}

// PutSession keeps a session. Sessions are no acts: the journal knows who signed in.
func (db *DB) PutSession(ctx context.Context, hash string, content []byte, expires, now time.Time) error {
	return db.write(ctx, "keep session", false, func(s *session) error {
		_, err := s.exec(ctx, `INSERT INTO session (hash, content, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (hash) DO UPDATE SET content = excluded.content, expires_at = excluded.expires_at`, hash, content, nanos(expires))
		if err == nil {
			_, err = s.exec(ctx, `DELETE FROM session WHERE expires_at <= $1`, nanos(now))
		}
		return err
	})
}

// DeleteSession forgets a session, if it is there.
func (db *DB) DeleteSession(ctx context.Context, hash string) error {
	return db.write(ctx, "end session", false, func(s *session) error {
		_, err := s.exec(ctx, `DELETE FROM session WHERE hash = $1`, hash)
		return err
	})
}

const selectTokens = `SELECT id, hash, account, name, epoch, at, actor, expires_at, used_at, revoked_at FROM api_token` // #nosec G101 -- the name of a table, which holds hashes

func scanToken(r *sql.Rows) (x Token, err error) {
	var at, expires, used, revoked int64
	err = r.Scan(&x.ID, &x.Hash, &x.Account, &x.Name, &x.Epoch, &at, &x.By, &expires, &used, &revoked)
	x.At, x.Expires, x.Used, x.Revoked = instant(at), instant(expires), instant(used), instant(revoked)
	return x, err
}

// AddToken keeps a token and returns the number of it.
func (db *DB) AddToken(ctx context.Context, act journal.Act, x Token) (id int64, err error) {
	err = db.act(ctx, act, false, func(s *session) error {
		if id, err = s.reserve(ctx, tokenCounter, 1); err != nil {
			return err
		}
		_, err = s.exec(ctx, `INSERT INTO api_token (id, hash, account, name, epoch, at, actor, expires_at, used_at, revoked_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)`,
			id, x.Hash, x.Account, x.Name, x.Epoch, nanos(act.At), act.Actor.String(), nanos(x.Expires))
		return err
	})
	return id, err
}

// Token returns the token of a hash; found is false when there is none.
func (db *DB) Token(ctx context.Context, hash string) (x Token, found bool, err error) {
	err = db.read().each(ctx, selectTokens+` WHERE hash = $1`, []any{hash}, func(r *sql.Rows) error {
		found = true
		x, err = scanToken(r)
		return err
	})
	return x, found, db.failed("load token", err)
}

// Tokens returns those of an account, or of all for "".
func (db *DB) Tokens(ctx context.Context, account string) ([]Token, error) {
	c := &conditions{}
	if account != "" {
		c.add("account = %s", account)
	}
	list := []Token{}
	err := db.read().each(ctx, selectTokens+c.where()+` ORDER BY id`, c.args, func(r *sql.Rows) error {
		x, err := scanToken(r)
		list = append(list, x)
		return err
	})
	return list, db.failed("list tokens", err)
}

// RevokeToken makes a token worthless, fault.NotFound when there is none.
func (db *DB) RevokeToken(ctx context.Context, act journal.Act, id int64) error {
	return db.act(ctx, act, false, func(s *session) error {
		n, err := s.exec(ctx, `UPDATE api_token SET revoked_at = $1 WHERE id = $2 AND revoked_at = 0`, nanos(act.At), id)
		if err == nil && n == 0 {
			err = &fault.Error{Kind: fault.NotFound, Op: "revoke token", Msg: "there is no such token, or it is revoked already", Do: "see `provisor token list`"}
		}
		return err
	})
}

// TokenUsed notes when a token was shown last.
func (db *DB) TokenUsed(ctx context.Context, id int64, now time.Time) error {
	return db.write(ctx, "note token", false, func(s *session) error {
		_, err := s.exec(ctx, `UPDATE api_token SET used_at = $1 WHERE id = $2`, nanos(now), id)
		return err
	})
}

// Below lists a resource of an entity type and all whose parents lead up to it.
func (db *DB) Below(ctx context.Context, entity schema.EntityType, parent schema.PropertyName, from resources.Key) ([]resources.Key, error) {
	var list []resources.Key
	err := db.read().each(ctx, `WITH RECURSIVE below (k) AS (SELECT r.resource_key FROM resource r WHERE r.entity = $1 AND r.resource_key = $3 UNION
		SELECT l.resource_key FROM resource_link l JOIN below b ON l.target = b.k WHERE l.entity = $1 AND l.property = $2)
		SELECT k FROM below ORDER BY k`, []any{entity, parent, from}, func(r *sql.Rows) error {
		var key resources.Key
		err := r.Scan(&key)
		list = append(list, key)
		return err
	})
	if len(list) == 0 {
		list = []resources.Key{from} // not there, so nothing stands below it
	}
	return list, db.failed("look below", err)
}
