package api

import (
	"context"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/routes"
)

func TestWhatHoldsAllOfTheStoreIsDoneOneAfterTheOther(t *testing.T) {
	g := routes.New(routes.Open{}, nil)
	s := newService(g, Options{Within: func(access.Filter) reach.Questions { return nil }, Clock: time.Now})
	first, err := s.alone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.alone(short); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a second one is let in: %v", err)
	}
	first()
	second, err := s.alone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second()
}
