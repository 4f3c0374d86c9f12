package fulfil

import (
	"context"
	"fmt"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
)

// Released mass changes go out in waves.
const (
	// waveFirst is one: a mistake in a mass change shows on the first account.
	waveFirst = 1
	// waveWidens makes five waves enough for a hundred thousand orders.
	waveWidens = 10
)

// waves lets what people released after a threshold had parked it go out one
// order at first, then ten, then a hundred, each wave when everything of the one
// before was read back as ordered. The first surprise takes the release of the
// rest back. Where the connection reads nothing back at once there is nothing to
// widen on, and a handful is no mass change.
//
// Nothing of it is stored: a run that begins anew begins with one.
type waves struct {
	*drain
	of     map[stage.ParkKey]*wave
	member map[orders.AssignedID]stage.ParkKey // what is under way of a wave
}

// A wave is how far the released orders of one kind of one resource type are.
type wave struct {
	size    int // of the present one
	sent    int
	back    int // read back as ordered
	stopped bool
}

func newWaves(d *drain) *waves {
	return &waves{drain: d, of: map[stage.ParkKey]*wave{}, member: map[orders.AssignedID]stage.ParkKey{}}
}

// waveGate is what an order waits for that goes out in a later wave.
const waveGate = "those released with it: they go out one at first, then ten times as many while all goes as ordered"

// wait says what keeps an order whose gates are open from going out now, "" when
// it may go; it then counts as sent.
func (w *waves) wait(ctx context.Context, a *orders.AssignedResource, ready []*orders.Item) (string, error) {
	if !released(ready) {
		return "", nil
	}
	at := stage.ParkKey{Type: a.Type, Kind: a.Order.Kind}
	group, mass := w.of[at]
	if !mass {
		var err error
		if mass, err = w.mass(ctx, at); err != nil || !mass {
			return "", err
		}
		group = &wave{size: waveFirst}
		w.of[at] = group
	}
	if !group.more() {
		return waveGate, nil
	}
	group.sent++
	w.member[a.ID] = at
	return "", nil
}

// released reports whether a person let something of this through a threshold.
func released(ready []*orders.Item) bool {
	for _, it := range ready {
		if it.Place.Mark == orders.Released {
			return true
		}
	}
	return false
}

// mass reports whether what was released is a mass change that can be watched:
// of more owners than a threshold's floor, and read back at once.
func (w *waves) mass(ctx context.Context, at stage.ParkKey) (bool, error) {
	t := w.Model.ResourceTypes[at.Type]
	if w.connection.Manual || !t.Provisioning.VerifyImmediately || !w.about.Can.FreshLookup || !w.about.Can.Lookup {
		return false, nil
	}
	owners, err := w.Store.ReleasedOwners(ctx, at)
	return owners > stage.ThresholdFloor, err
}

// more reports whether one more order may go out now.
func (w *wave) more() bool { return !w.stopped && w.sent < w.size }

// arrived counts one order that was read back as ordered; the next wave may
// begin when the present one is complete.
func (w *wave) arrived() {
	if w.back++; w.back == w.size {
		w.size, w.sent, w.back = w.size*waveWidens, 0, 0
	}
}

// forget takes back that an order was sent: it was not, or not answered for a
// reason that has nothing to do with it.
func (w *waves) forget(id orders.AssignedID) {
	if at, ok := w.member[id]; ok {
		w.of[at].sent--
		delete(w.member, id)
	}
}

// end notes what came of an order. A surprise stops its wave.
func (w *waves) end(ctx context.Context, c carried, surprise string) error {
	at, ok := w.member[c.assigned.ID]
	switch {
	case !ok:
		return nil
	case c.report.Down:
		w.forget(c.assigned.ID)
		return nil
	}
	delete(w.member, c.assigned.ID)
	group := w.of[at]
	switch {
	case surprise == "":
		group.arrived()
		return nil
	case group.stopped: // it was on its way when the first surprise came
		list, err := w.Store.Assigned(ctx, stage.AssignedFilter{IDs: []orders.AssignedID{c.assigned.ID}})
		if err != nil {
			return err
		}
		o := w.occasion(surprise)
		return w.save(ctx, "stop a wave", list, func(a *orders.AssignedResource) error { return a.TakeReleaseBack(o) })
	}
	group.stopped = true
	return w.stop(ctx, at, fmt.Sprintf("a wave of %d stopped at order %d of %s: %s", group.size, c.report.Order, c.assigned.Owner, surprise))
}

// stop parks what has not gone out yet again, in one act.
func (w *waves) stop(ctx context.Context, at stage.ParkKey, why string) error {
	list, err := w.Store.Assigned(ctx, stage.AssignedFilter{Types: []roles.ResourceTypeID{at.Type}, OpenOnly: true})
	if err != nil {
		return err
	}
	var waiting []*orders.AssignedResource
	for _, a := range list {
		if a.Order.Kind == at.Kind && a.LetThrough() {
			waiting = append(waiting, a)
		}
	}
	o := w.occasion(why)
	park := stage.Park{Type: at.Type, Kind: at.Kind, Since: o.Now, Count: len(waiting), Limit: stage.ThresholdFloor, Why: why}
	move := func(a *orders.AssignedResource) error { return a.TakeReleaseBack(o) }
	return w.save(ctx, "stop a wave", waiting, move, stage.Extra{Park: []stage.Park{park}})
}

// surprising says what of an order did not come as ordered, "" when all did.
func surprising(a *orders.AssignedResource, r orders.Report) string {
	for i := range a.Items {
		it := &a.Items[i]
		_, sent := r.Items[it.ID]
		switch {
		case !sent, it.Place.State == orders.Verified, it.Place.State == orders.Executed && it.Policy.Once, it.Place.Mark == orders.Declined:
			continue
		case it.Message != "":
			return fmt.Sprintf("%s is %s, %s", it.Name(), it.Place, it.Message)
		}
		return fmt.Sprintf("%s is %s", it.Name(), it.Place)
	}
	return ""
}
