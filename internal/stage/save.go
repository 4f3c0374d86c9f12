package stage

import (
	"context"
	"errors"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
)

// numbersPerMove is for a transaction that may run twice.
const numbersPerMove = 2

// Saver stores assigned resources, as they are or as they are moved.
type Saver interface {
	Save(ctx context.Context, act journal.Act, list []*orders.AssignedResource, also ...Extra) error
	Update(ctx context.Context, act journal.Act, ids []orders.AssignedID, move func(*orders.AssignedResource) error, also ...Extra) error
}

// SaveMoved stores resources that were loaded and moved. Only where somebody
// wrote one of them meanwhile, which it reports, are all of them loaded again in
// the transaction and moved by again; the values of the list are then out of date.
// numbers are those that the moves take.
func SaveMoved(ctx context.Context, store Saver, numbers *Numbering, act journal.Act, list []*orders.AssignedResource, again func(*orders.AssignedResource) error, also ...Extra) (outdated bool, err error) {
	if err := numbers.Err(); err != nil {
		return false, err
	}
	err = store.Save(ctx, act, list, also...)
	if fault.KindOf(err) != fault.Conflict {
		return false, err
	}
	ids := make([]orders.AssignedID, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	numbers.Prepare(numbersPerMove * len(list))
	defer numbers.Free()
	return true, errors.Join(store.Update(ctx, act, ids, again, also...), numbers.Err())
}
