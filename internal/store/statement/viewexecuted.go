package statement

import (
	"context"
	"database/sql"
	"time"

	"provisor.dev/provisor/internal/domain/orders"
)

// Executed answers which orders reached a system at or after a time. Where a
// reading or a named person verified what was sent, no step says Executed.
func (v *Views) Executed(ctx context.Context, since time.Time, connector string) (list []orders.OrderID, err error) {
	c := &conditions{}
	c.add("(o.closed_at = 0 OR o.closed_at >= %s)", nanos(since))
	c.add(`EXISTS (SELECT 1 FROM order_step s WHERE s.assigned_resource = o.assigned_resource AND s.order_id = o.id AND s.at >= %s
		AND (s.to_place = 'Executed' OR s.to_place LIKE 'Verified%' AND (s.event = 'done' OR s.event = 'verify' AND s.from_place LIKE 'Transmitted%')))`, nanos(since))
	if connector != "" {
		c.add("o.connector = %s", connector)
	}
	c.within(v.within, ordersIn, &v.db.dialect)
	err = v.db.snapshot(ctx, "list executed orders", func(s *session) error {
		return s.each(ctx, `SELECT o.id FROM provisioning_order o`+c.where()+` ORDER BY o.id`, c.args, func(r *sql.Rows) error {
			var id orders.OrderID
			err := r.Scan(&id)
			list = append(list, id)
			return err
		})
	})
	return list, err
}
