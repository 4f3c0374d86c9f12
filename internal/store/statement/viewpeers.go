package statement

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/view"
)

// peersIn is where the links of resources have what filters ask for.
var peersIn = columns{kind: access.Person, owner: "l.entity", key: "l.resource_key"}

// Peers answers how many of those who stand where an owner stands have each role.
func (v *Views) Peers(ctx context.Context, f view.PeersFilter) (x view.Peers, err error) {
	x.Roles = map[string]int{}
	if len(f.Hops) == 0 {
		return x, nil
	}
	err = v.db.snapshot(ctx, "count what peers have", func(s *session) error {
		place, err := s.led(ctx, f.Owner, f.Hops)
		if err != nil {
			return err
		}
		peers, err := v.peers(ctx, s, f, place)
		if err != nil {
			return err
		}
		if x.More = len(peers) > view.PeersMost; x.More {
			peers = peers[:view.PeersMost]
		}
		x.Count = len(peers)
		return v.had(ctx, s, f, peers, x.Roles)
	})
	return x, err
}

// led are the keys to which links lead from an owner.
func (s *session) led(ctx context.Context, owner resources.Ref, hops []access.Hop) ([]resources.Key, error) {
	reached := []resources.Key{owner.Key}
	for _, hop := range hops {
		var next []resources.Key
		err := s.each(ctx, `SELECT target FROM resource_link WHERE entity = $1 AND property = $2 AND resource_key IN (`+s.db.dialect.Texts("$3")+`)`,
			[]any{hop.Entity, hop.Property, listOf(reached)}, func(r *sql.Rows) error {
				var key resources.Key
				err := r.Scan(&key)
				next = append(next, key)
				return err
			})
		if err != nil {
			return nil, err
		}
		slices.Sort(next) // told apart here: DISTINCT would walk everybody's links by their targets
		reached = slices.Compact(next)
	}
	return reached, nil
}

// peers are those, but the owner, from whom the links lead to the same place.
func (v *Views) peers(ctx context.Context, s *session, f view.PeersFilter, place []resources.Key) (peers []resources.Key, err error) {
	if len(place) == 0 {
		return nil, nil
	}
	c := &conditions{args: []any{listOf(place)}}
	targets := v.db.dialect.Texts("$1")
	for _, hop := range slices.Backward(f.Hops[1:]) {
		c.args = append(c.args, hop.Entity, hop.Property)
		targets = fmt.Sprintf("SELECT h.resource_key FROM resource_link h WHERE h.entity = $%d AND h.property = $%d AND h.target IN (%s)",
			len(c.args)-1, len(c.args), targets)
	}
	c.add("l.entity = %s", f.Hops[0].Entity)
	c.add("l.property = %s", f.Hops[0].Property)
	c.say("l.target IN (" + targets + ")")
	c.add("l.resource_key <> %s", f.Owner.Key)
	c.within(v.within, peersIn, &v.db.dialect)
	err = s.each(ctx, `SELECT DISTINCT l.resource_key FROM resource_link l`+c.where()+` ORDER BY l.resource_key`+c.limit(view.PeersMost+1), c.args,
		func(r *sql.Rows) error {
			var key resources.Key
			err := r.Scan(&key)
			peers = append(peers, key)
			return err
		})
	return peers, err
}

// had counts who has which role on the day, each person once.
func (v *Views) had(ctx context.Context, s *session, f view.PeersFilter, peers []resources.Key, counts map[string]int) error {
	if len(peers) == 0 || len(f.Roles) == 0 {
		return nil
	}
	c := &conditions{}
	c.add("owner_type = %s", f.Owner.Type)
	c.among("owner_key", v.db.dialect.Texts, listOf(peers))
	c.among("role || ''", v.db.dialect.Texts, listOf(f.Roles)) // people are fewer than those who have a role
	c.within(v.within, rolesIn, &v.db.dialect)
	type had struct{ owner, role string }
	seen := map[had]bool{}
	return s.each(ctx, `SELECT owner_key, role, workflow, from_at, to_at FROM assigned_role`+c.where(), c.args, func(r *sql.Rows) error {
		var x had
		var state assignments.Workflow
		var from, to int64
		err := r.Scan(&x.owner, &x.role, &state, &from, &to)
		period := assignments.Period{From: instant(from), To: instant(to)}
		if !seen[x] && state.Expected() && period.Covers(f.On) {
			seen[x] = true
			counts[x.role]++
		}
		return err
	})
}
