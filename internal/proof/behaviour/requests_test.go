package behaviour

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/requests"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/view"
)

// actions are what can be asked for.
var actions = map[string]requests.Action{
	"add": requests.Add, "remove": requests.Remove, "deny": requests.Deny, "extend": requests.Extend,
}

// wish is what a line says about a role of somebody.
type wish struct {
	owner      resources.Ref
	role       roles.RoleID
	parameters map[roles.DimensionID]string
	period     assignments.Period
	as, why    string
	declined   bool
}

// wishWords are what may follow a person and a role.
var wishWords = map[string]func(x *wish, p *phrase) error{
	"as":       func(x *wish, p *phrase) (err error) { x.as, err = p.text("a person"); return err },
	"because":  func(x *wish, p *phrase) (err error) { x.why, err = p.text("a reason"); return err },
	"from":     func(x *wish, p *phrase) error { return dateOf(&x.period.From, p) },
	"until":    func(x *wish, p *phrase) error { return dateOf(&x.period.To, p) },
	"declined": func(x *wish, _ *phrase) error { x.declined = true; return nil },
	"with": func(x *wish, p *phrase) error {
		text, err := p.text("parameters")
		if err != nil {
			return err
		}
		x.parameters = map[roles.DimensionID]string{}
		for _, part := range strings.Split(text, ",") {
			name, value, ok := strings.Cut(part, "=")
			if !ok {
				return fmt.Errorf("%q is not like department=SAL", part)
			}
			x.parameters[roles.DimensionID(name)] = value
		}
		return nil
	},
}

func dateOf(t *time.Time, p *phrase) error {
	text, err := p.text("a date")
	if err == nil {
		*t, err = time.Parse(time.DateOnly, text)
	}
	return err
}

// wish reads PERSON ROLE and what is said of them. A period is named by its days:
// the last one is included, as at the terminal.
func (w *world) wish(p *phrase) (*wish, error) {
	person, err := p.text("a person")
	if err != nil {
		return nil, err
	}
	id, err := p.text("a role")
	if err != nil {
		return nil, err
	}
	if _, err := choose("role", id, w.roles); err != nil {
		return nil, &misused{err}
	}
	x := &wish{role: roles.RoleID(id)}
	if x.owner, err = w.ownerCalled(person); err != nil {
		return nil, &misused{err}
	}
	for !p.done() {
		next, _ := p.next("")
		q, err := choose("word after a role", next.text, wishWords)
		if err == nil {
			err = q(x, p)
		}
		if err != nil {
			return nil, &misused{err}
		}
	}
	return x, nil
}

func (w *world) requestDesk(as string) (*review.RequestDesk, error) {
	return w.engine.As(as).RequestDesk(context.Background())
}

// request is somebody who asks: request add E1 seller with department=SAL from
// 2026-03-01 until 2026-12-31 as E2 because "month's end".
func (w *world) request(p *phrase) error {
	name, err := p.text("what is asked for")
	if err != nil {
		return err
	}
	action, err := choose("action", name, actions)
	if err != nil {
		return &misused{err}
	}
	x, err := w.wish(p)
	if err != nil {
		return err
	}
	desk, err := w.requestDesk(x.as)
	if err != nil {
		return err
	}
	_, err = desk.Ask(context.Background(), review.Asked{
		Owner: x.owner, Role: x.role, Action: action, Parameters: x.parameters, Period: x.period, Why: x.why,
	})
	return err
}

// decideRequest approves or declines the one open request for a role of somebody:
// approve request E1 seller as E2.
func (w *world) decideRequest(approve bool, p *phrase) error {
	x, err := w.wish(p)
	if err != nil {
		return err
	}
	page, err := w.engine.Views().Requests(context.Background(), view.RequestFilter{Owner: &x.owner})
	if err != nil {
		return err
	}
	var open []requests.RequestID
	with := assignments.ParametersOf(x.parameters)
	for _, r := range page.Requests {
		if r.Role == string(x.role) && (with == "" || r.Parameters == string(with)) {
			open = append(open, r.ID)
		}
	}
	if len(open) != 1 {
		return &misused{fmt.Errorf("there are %d open requests for %s of %s; with says which is meant", len(open), x.role, x.owner.Key)}
	}
	desk, err := w.requestDesk(x.as)
	if err != nil {
		return err
	}
	_, err = desk.Decide(context.Background(), open[0], approve, x.why)
	return err
}

// validate settles what a rule gives with validation, or what stays for a time of
// grace: validate E1 seller as E2, validate E1 seller declined as E2.
func (w *world) validate(p *phrase) error {
	x, err := w.wish(p)
	if err != nil {
		return err
	}
	desk, err := w.requestDesk(x.as)
	if err != nil {
		return err
	}
	_, err = desk.Validate(context.Background(), x.owner, x.role, x.parameters, !x.declined, x.why)
	return err
}

// requestLines lists requests as "E1 add seller department=SAL workflow 9 since
// 2026-03-01 waits E2,E3", then what was said in each step, and the remarks.
func (w *world) requestLines(closed bool) ([]string, error) {
	page, err := w.engine.Views().Requests(context.Background(), view.RequestFilter{Closed: closed})
	var lines []string
	for _, r := range page.Requests {
		line := fmt.Sprintf("%s %s %s", r.Owner.Key, r.Action, r.Role)
		if r.Parameters != "" {
			line += " " + r.Parameters
		}
		line += fmt.Sprintf(" workflow %d since %s", r.Workflow.Number, r.Since.Format(time.DateOnly))
		if len(r.Waits) > 0 {
			var who []string
			for _, reviewer := range r.Waits {
				who = append(who, reviewer.Person)
			}
			line += " waits " + strings.Join(who, ",")
		}
		if r.Stuck != "" {
			line += " stuck: " + r.Stuck
		}
		for _, x := range r.Rulings {
			line += fmt.Sprintf("; step %d %s by %s (%s) %s", x.Step, x.Verdict, x.By, x.How, x.Why)
		}
		for _, remark := range r.Remarks {
			line += "; " + remark
		}
		lines = append(lines, line)
	}
	if err == nil && page.After != 0 {
		err = errors.New("there are more requests than one page holds")
	}
	return lines, err
}
