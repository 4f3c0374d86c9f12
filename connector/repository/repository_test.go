package repository

import (
	"context"
	"fmt"
	"testing"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
)

// shelf is a store of objects with the keys 0, 1, 2 ...
type shelf int

func (s shelf) Objects(_ context.Context, _, after string, limit int) (list []connector.Object, err error) {
	for i := range int(s) {
		if key := fmt.Sprint(i); key > after && len(list) < limit {
			list = append(list, connector.Object{Key: key})
		}
	}
	return list, nil
}

func (s shelf) Object(_ context.Context, _, key string) (connector.Object, bool, error) {
	return connector.Object{Key: key}, key == "0", nil
}

func TestEveryPageIsReadAndOnlyTheLastIsComplete(t *testing.T) {
	for held, pages := range map[shelf]int{0: 1, 1: 1, 2: 1, 3: 2, 4: 2, 5: 3} {
		s, err := Package(held).Open(t.Context(), connector.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		seen, n := 0, 0
		for cursor := ""; ; {
			page, err := s.Read(t.Context(), connector.ReadRequest{Cursor: cursor, Limit: 2})
			if err != nil {
				t.Fatal(err)
			}
			seen, n, cursor = seen+len(page.Objects), n+1, page.Cursor
			if page.Complete {
				break
			}
		}
		if seen != int(held) || n != pages {
			t.Errorf("%d objects: %d in %d pages", held, seen, n)
		}
	}
}

func TestNothingIsWrittenThroughTheRepository(t *testing.T) {
	s, _ := Package(shelf(1)).Open(t.Context(), connector.Settings{})
	out := s.Apply(t.Context(), connector.Change{Items: []connector.Item{{ID: 1, Op: connector.OpObject}}})
	if got := out.Items[1]; got.Effect != connector.None || !got.Permanent {
		t.Errorf("got %+v", got)
	}
	if _, err := s.Lookup(t.Context(), connector.LookupRequest{Key: "0"}); err != nil {
		t.Error(err)
	}
	if _, err := s.Lookup(t.Context(), connector.LookupRequest{Key: "9"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Package(nil).Open(t.Context(), connector.Settings{}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without a store: %v", err)
	}
}
