package statement

import (
	"context"
	"database/sql"
	"encoding/json"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/stage"
)

var assignedRoleColumns = []string{"owner_type", "owner_key", "role", "parameters", "workflow", "from_at", "to_at", "reasons", "since_at"}

var assignedRoleTable = &table{
	name: "assigned_role", columns: assignedRoleColumns,
	conflict: upsert("owner_type, owner_key, role, parameters", assignedRoleColumns, ""),
}

var roleDecisionColumns = []string{
	"owner_type", "owner_key", "role", "parameters", "workflow", "from_at", "to_at", "at", "actor", "why", "request",
	"found", "yields_from", "yields_to",
}

var roleDecisionTable = &table{
	name: "role_decision", columns: roleDecisionColumns,
	conflict: upsert("owner_type, owner_key, role, parameters", roleDecisionColumns, ""),
}

// roleName is the assigned role's key as one text.
func roleName(k AssignedRoleKey) string {
	return k.Owner.String() + "\x00" + string(k.Role) + "\x00" + string(k.Parameters)
}

// AssignedRoles returns who has which role: of one owner, or of all for nil.
func (db *DB) AssignedRoles(ctx context.Context, owner *resources.Ref) ([]assignments.AssignedRole, error) {
	list, err := db.read().assignedRoles(ctx, owner)
	return list, db.failed("load assigned roles", err)
}

func (s *session) assignedRoles(ctx context.Context, owner *resources.Ref) ([]assignments.AssignedRole, error) {
	c := &conditions{}
	if owner != nil {
		c.add("owner_type = %s", owner.Type)
		c.add("owner_key = %s", owner.Key)
	}
	return s.chosenRoles(ctx, c, false, "")
}

func (s *session) chosenRoles(ctx context.Context, c *conditions, down bool, limit string) (list []assignments.AssignedRole, err error) {
	// Whom one rule line gives a role has it for the same reasons: they are read
	// once and shared, since nobody changes reasons in place.
	known := map[string][]assignments.Reason{}
	order := " ORDER BY owner_type, owner_key, role, parameters"
	if down {
		order = " ORDER BY owner_type DESC, owner_key DESC, role DESC, parameters DESC"
	}
	err = s.each(ctx, `SELECT owner_type, owner_key, role, parameters, workflow, from_at, to_at, reasons, since_at FROM assigned_role`+
		c.where()+order+limit, c.args, func(r *sql.Rows) error {
		var a assignments.AssignedRole
		var from, to, since int64
		var reasons []byte
		if err := r.Scan(&a.Owner.Type, &a.Owner.Key, &a.Role, &a.Parameters, &a.Workflow, &from, &to, &reasons, &since); err != nil {
			return err
		}
		a.Period, a.Since = assignments.Period{From: instant(from), To: instant(to)}, instant(since)
		var same bool
		if a.Reasons, same = known[string(reasons)]; !same {
			if err := json.Unmarshal(reasons, &a.Reasons); err != nil {
				return err
			}
			if len(known) < outlinesMax {
				known[string(reasons)] = a.Reasons
			}
		}
		list = append(list, a)
		return nil
	})
	return list, err
}

// SaveAssignedRoles writes the differences that an evaluation found.
func (db *DB) SaveAssignedRoles(ctx context.Context, act journal.Act, put []assignments.AssignedRole, remove []AssignedRoleKey) error {
	batch := newBatch(assignedRoleTable)
	for _, a := range inOrder(put, func(a assignments.AssignedRole) string {
		return roleName(stage.RoleKeyOf(a))
	}) {
		reasons, err := json.Marshal(a.Reasons)
		if err != nil {
			return db.failed(act.Name, err)
		}
		batch.add(string(a.Owner.Type), string(a.Owner.Key), string(a.Role), string(a.Parameters), int(a.Workflow), nanos(a.Period.From), nanos(a.Period.To), string(reasons), nanos(a.Since))
	}
	return db.act(ctx, act, batch.rows()+len(remove) >= bulkFrom, func(s *session) error {
		for _, gone := range inOrder(remove, roleName) {
			_, err := s.exec(ctx, `DELETE FROM assigned_role WHERE owner_type = $1 AND owner_key = $2 AND role = $3 AND parameters = $4`,
				gone.Owner.Type, gone.Owner.Key, gone.Role, gone.Parameters)
			if err != nil {
				return err
			}
		}
		_, err := s.insert(ctx, batch)
		return err
	})
}

// RoleDecisions returns what people settled about roles: of one owner, or of all for nil.
func (db *DB) RoleDecisions(ctx context.Context, owner *resources.Ref) ([]assignments.RoleDecision, error) {
	c := &conditions{}
	if owner != nil {
		c.add("owner_type = %s", owner.Type)
		c.add("owner_key = %s", owner.Key)
	}
	var list []assignments.RoleDecision
	err := db.read().each(ctx, `SELECT owner_type, owner_key, role, parameters, workflow, from_at, to_at, at, actor, why, request,
		found, yields_from, yields_to FROM role_decision`+
		c.where()+` ORDER BY owner_type, owner_key, role, parameters`, c.args, func(r *sql.Rows) error {
		var d assignments.RoleDecision
		var from, to, at, yieldsFrom, yieldsTo int64
		err := r.Scan(&d.Owner.Type, &d.Owner.Key, &d.Role, &d.Parameters, &d.Workflow, &from, &to, &at, &d.By, &d.Why, &d.Request,
			&d.Found, &yieldsFrom, &yieldsTo)
		d.Yields = assignments.Period{From: instant(yieldsFrom), To: instant(yieldsTo)}
		d.Period, d.At = assignments.Period{From: instant(from), To: instant(to)}, instant(at)
		list = append(list, d)
		return err
	})
	return list, db.failed("load decisions on roles", err)
}

// DecideRoles records what was settled about roles; an earlier decision on the
// same is overwritten. Those in revoke are taken back; what is not there is no error.
func (db *DB) DecideRoles(ctx context.Context, act journal.Act, list []assignments.RoleDecision, revoke []AssignedRoleKey) error {
	return db.act(ctx, act, len(list)+len(revoke) >= bulkFrom, func(s *session) error { return s.decideRoles(ctx, act, list, revoke) })
}

// moveRoles changes roles that somebody has, if they still stand as they were
// seen: two people who decide at once do not decide both.
func (s *session) moveRoles(ctx context.Context, act journal.Act, list []stage.RoleMove) error {
	for _, m := range inOrder(list, func(m stage.RoleMove) string { return roleName(stage.RoleKeyOf(m.To)) }) {
		reasons, err := json.Marshal(m.To.Reasons)
		if err != nil {
			return err
		}
		n, err := s.exec(ctx, `UPDATE assigned_role SET workflow = $1, from_at = $2, to_at = $3, reasons = $4
			WHERE owner_type = $5 AND owner_key = $6 AND role = $7 AND parameters = $8 AND workflow = $9`,
			int(m.To.Workflow), nanos(m.To.Period.From), nanos(m.To.Period.To), string(reasons),
			m.To.Owner.Type, m.To.Owner.Key, m.To.Role, m.To.Parameters, int(m.From))
		if err != nil {
			return err
		}
		if n != 1 {
			return fault.New(fault.Conflict, act.Name, "the role %s of %s is not %s any more: it was decided, or evaluated anew, since you looked",
				m.To.Role, m.To.Owner, m.From)
		}
		if err := s.mark(ctx, stage.MarkOwner, m.To.Owner); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) decideRoles(ctx context.Context, act journal.Act, list []assignments.RoleDecision, revoke []AssignedRoleKey) error {
	var owners []resources.Ref
	for _, k := range inOrder(revoke, roleName) {
		_, err := s.exec(ctx, `DELETE FROM role_decision WHERE owner_type = $1 AND owner_key = $2 AND role = $3 AND parameters = $4`,
			k.Owner.Type, k.Owner.Key, k.Role, k.Parameters)
		if err != nil {
			return err
		}
		owners = append(owners, k.Owner)
	}
	batch := newBatch(roleDecisionTable)
	for _, d := range inOrder(list, func(d assignments.RoleDecision) string {
		return roleName(AssignedRoleKey{Owner: d.Owner, Role: d.Role, Parameters: d.Parameters})
	}) {
		if d.At.IsZero() {
			d.At = act.At
		}
		if d.By == "" {
			d.By = act.Actor.String()
		}
		batch.add(string(d.Owner.Type), string(d.Owner.Key), string(d.Role), string(d.Parameters), int(d.Workflow),
			nanos(d.Period.From), nanos(d.Period.To), nanos(d.At), d.By, d.Why, d.Request,
			int(d.Found), nanos(d.Yields.From), nanos(d.Yields.To))
		owners = append(owners, d.Owner)
	}
	if _, err := s.insert(ctx, batch); err != nil {
		return err
	}
	return s.mark(ctx, stage.MarkOwner, owners...)
}
