package web

import (
	"net/http"

	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/reach"
)

// actor is who acts.
func (s *site) actor(r *http.Request) journal.Actor { return reach.Actor(r.Context(), s.Local) }

// desk is where the person who asks decides on what his profiles reach.
func (s *site) desk(r *http.Request) act.Desk {
	return reach.Desk(s.Desks.Desk(s.actor(r)), s.Questions)
}

// requestDesk is where the person who asks decides requests that he may see, and
// asks for people whom he may ask for.
func (s *site) requestDesk(r *http.Request) (act.RequestDesk, error) {
	desk, err := s.Desks.RequestDesk(r.Context(), s.actor(r))
	return reach.RequestDesk(desk, s.Questions), err
}

// workflowDesk is where the person who asks changes the data of those whom his
// profiles reach.
func (s *site) workflowDesk(r *http.Request) (act.WorkflowDesk, error) {
	who := s.actor(r)
	desk, err := s.Desks.WorkflowDesk(r.Context(), who)
	if err != nil {
		return nil, err
	}
	return reach.WorkflowDesk(desk, s.Questions, who, s.Model), nil
}

// accessDesk is where the person who asks keeps profiles in order.
func (s *site) accessDesk(r *http.Request) act.AccessDesk { return s.Desks.AccessDesk(s.actor(r)) }
