package api

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/routes"
)

func TestAnOperationWithoutAPermissionDoesNotStart(t *testing.T) {
	answer := func(context.Context, *struct{}) (States, error) { return States{}, nil }
	for name, register := range map[string]func(*service){
		"none":             func(s *service) { shows(s, operation{"", "/x", "x", "X"}, answer) },
		"one that is none": func(s *service) { acts(s, operation{"orders.delete", "/x", "x", "X"}, answer) },
		"past the door": func(s *service) {
			huma.Get(s.api, "/x", func(context.Context, *struct{}) (*body[States], error) { return nil, nil })
		},
		"another method": func(s *service) {
			op := operation{access.OrdersView, "/x", "x", "X"}.described(http.MethodDelete)
			register(s, op, answer)
		},
	} {
		started := func() (started bool) {
			defer func() { _ = recover() }()
			g := routes.New(routes.Open{}, func(http.ResponseWriter, *http.Request, error) {})
			register(newService(g, Options{Within: func(access.Filter) reach.Questions { return nil }, Clock: time.Now}))
			return true
		}()
		if started {
			t.Errorf("%s: it starts", name)
		}
	}
}
