package evaluate

import (
	"context"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage"
)

// readings is a store that holds nothing but readings.
type readings struct{ last stage.LastReading }

func (r readings) LastReadings(context.Context) ([]stage.LastReading, error) {
	return []stage.LastReading{r.last}, nil
}

func (readings) Resources(context.Context, schema.EntityType) ([]resources.Resource, error) {
	return nil, nil
}

func (readings) Assigned(context.Context, stage.AssignedFilter) ([]*orders.AssignedResource, error) {
	return nil, nil
}

func (readings) Decisions(context.Context, stage.DecisionKind) ([]stage.Decision, error) {
	return nil, nil
}

func (readings) AssignedRoles(context.Context, *resources.Ref) ([]assignments.AssignedRole, error) {
	return nil, nil
}

func (readings) RoleDecisions(context.Context, *resources.Ref) ([]assignments.RoleDecision, error) {
	return nil, nil
}

// Found by simulation: an account was matched from what the last complete reading
// had shown, and counted as seen by a later one that broke off before it.
func TestWhatIsKnownWasSeenByTheLastCompleteReading(t *testing.T) {
	monday := time.Date(2030, 3, 4, 8, 0, 0, 0, time.UTC)
	k, err := Load(t.Context(), readings{stage.LastReading{
		Entity:    "User",
		Complete:  resources.Reading{ID: 1, Began: monday, Complete: true},
		Committed: resources.Reading{ID: 2, Began: monday.Add(time.Hour)},
	}}, &roles.Model{})
	if err != nil {
		t.Fatal(err)
	}
	if got := k.ReadAt["User"]; !got.Equal(monday) {
		t.Errorf("users were seen at %s, not at %s", got, monday)
	}
}
