package statement

import (
	"context"
	"database/sql"
	"encoding/json"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
)

// Deploy makes a configuration the present one; earlier ones are kept for ever.
func (db *DB) Deploy(ctx context.Context, act journal.Act, d Deployment) error {
	files, err := json.Marshal(d.Files)
	if err != nil {
		return db.failed(act.Name, err)
	}
	return db.act(ctx, act, false, func(s *session) error {
		id, err := s.reserve(ctx, "configuration", 1)
		if err != nil {
			return err
		}
		_, err = s.exec(ctx, `INSERT INTO configuration (id, hash, at, actor, files) VALUES ($1, $2, $3, $4, $5)`,
			id, d.Hash, nanos(act.At), act.Actor.String(), string(files))
		return err
	})
}

// Deployed returns the present configuration, fault.NotFound when there is none yet.
func (db *DB) Deployed(ctx context.Context) (Deployment, error) {
	var d Deployment
	var at int64
	var files []byte
	found, err := db.read().one(ctx, `SELECT id, hash, at, actor, files FROM configuration ORDER BY id DESC LIMIT 1`, nil,
		&d.ID, &d.Hash, &at, &d.By, &files)
	switch {
	case err != nil:
		return d, db.failed("load configuration", err)
	case !found:
		e := fault.New(fault.NotFound, "load configuration", "no configuration has been deployed yet")
		e.Do = "write one and apply it"
		return d, e
	}
	d.At = instant(at)
	return d, db.failed("load configuration", json.Unmarshal(files, &d.Files))
}

// DeployedHash names the present configuration, "" when there is none yet.
func (db *DB) DeployedHash(ctx context.Context) (string, error) {
	var hash string
	_, err := db.read().one(ctx, `SELECT hash FROM configuration ORDER BY id DESC LIMIT 1`, nil, &hash)
	return hash, db.failed("load configuration", err)
}

// Deployments lists every deployed configuration without its files, newest first.
func (db *DB) Deployments(ctx context.Context) ([]Deployment, error) {
	var list []Deployment
	err := db.read().each(ctx, `SELECT id, hash, at, actor FROM configuration ORDER BY id DESC`, nil, func(r *sql.Rows) error {
		var d Deployment
		var at int64
		err := r.Scan(&d.ID, &d.Hash, &at, &d.By)
		d.At = instant(at)
		list = append(list, d)
		return err
	})
	return list, db.failed("list configurations", err)
}

// DeploymentFiles returns the files of one deployed configuration.
func (db *DB) DeploymentFiles(ctx context.Context, id int64) (map[string][]byte, error) {
	var content []byte
	files := map[string][]byte{}
	found, err := db.read().one(ctx, `SELECT files FROM configuration WHERE id = $1`, []any{id}, &content)
	if err != nil || !found {
		return nil, db.failed("load configuration", err)
	}
	return files, db.failed("load configuration", json.Unmarshal(content, &files))
}

// ordersAt returns the instant of an act.
func ordersAt(act journal.Act) orders.Instant { return orders.At(act.At) }
