package loop

import (
	"context"
	"log/slog"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/notify"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/view"
)

// Messages tells people and other systems what waits for them. failures are the
// jobs of this process that fail; nil where it runs none.
func (e *Engine) Messages(log *slog.Logger, failures func() []notify.Failure) *notify.Runner {
	return &notify.Runner{
		Store: e.DB, Settings: e.messageSettings, Recipients: e.recipients, Model: e.Model, Failures: failures,
		Secret: e.Secret, Dir: e.Dir, Log: log,
		Within: func(f access.Filter) reach.Questions { return view.Named(e.Views().Within(f), e.Model) },
		Changes: func(ctx context.Context) ([]review.Waiting, error) {
			desk, err := e.WorkflowDesk(ctx)
			if err != nil {
				return nil, err
			}
			return desk.List(ctx, stage.WorkflowFilter{Open: true})
		},
	}
}

// messageSettings are those of the deployed configuration; nil for none.
func (e *Engine) messageSettings(ctx context.Context) (*messages.Settings, error) {
	c, err := e.Deployed(ctx)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.Messages, nil
}

// recipients are the webhooks and whoever may be told: those who have an account,
// those who have a profile by hand or by delegation, and the reviewers of open
// requests, each with all that his profiles permit.
func (e *Engine) recipients(ctx context.Context, s *messages.Settings) ([]notify.Recipient, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	g := &gathering{engine: e, desk: e.AccessDesk(), settings: s, at: map[string]int{}}
	world := g.desk.World(ctx, c)
	for i := range s.Webhooks {
		w := &s.Webhooks[i]
		g.list = append(g.list, notify.Recipient{Name: "webhook " + w.ID, Called: w.ID, Who: w.Principal(world), Webhook: w})
	}
	accounts, err := g.desk.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		if err := g.add(ctx, a); err != nil {
			return nil, err
		}
	}
	given, err := g.desk.Given(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range given {
		if a.Holder.Account == "" && a.Active(e.Clock()) {
			if err := g.add(ctx, stage.Account{Person: a.Holder.Person}); err != nil {
				return nil, err
			}
		}
	}
	return g.list, g.reviewers(ctx)
}

// gathering collects recipients, each person once.
type gathering struct {
	engine   *Engine
	desk     *signin.Desk
	settings *messages.Settings
	list     []notify.Recipient
	at       map[string]int // in the list, by name
}

// add adds whoever has an account, or, without a name, a person.
func (g *gathering) add(ctx context.Context, a stage.Account) error {
	if !a.Disabled.IsZero() {
		return nil
	}
	name := notify.NameOf(a.Name, a.Person)
	i, known := g.at[name]
	if known && a.Name == "" {
		return nil // his account gives him what he has as a person, too
	}
	who, err := g.desk.Principal(ctx, a)
	if err != nil {
		return err
	}
	if known { // a second account of his
		g.list[i].Who.Rights = append(g.list[i].Who.Rights, who.Rights...)
		return nil
	}
	to := notify.Recipient{Name: name, Called: a.Name, Who: who}
	if a.Person.Key == "" {
		if strings.Contains(a.Name, "@") {
			to.Address = a.Name
		}
	} else if property, ok := g.settings.Addresses[a.Person.Type]; ok {
		person, there, err := g.engine.Resource(ctx, a.Person)
		if err != nil {
			return err
		}
		if !there {
			return nil // whoever is gone is told of nothing
		}
		to.Called, to.Address = person.Display, person.Values[property].Text()
	}
	g.at[name] = len(g.list)
	g.list = append(g.list, to)
	return nil
}

// reviewers adds those whom an open request waits for.
func (g *gathering) reviewers(ctx context.Context) error {
	keys, err := g.engine.RequestReviewers(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		for entity := range g.settings.Addresses {
			ref := resources.Ref{Type: entity, Key: resources.Key(key)}
			if _, there, err := g.engine.Resource(ctx, ref); err != nil {
				return err
			} else if there {
				if err := g.add(ctx, stage.Account{Person: ref}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// RecipientNamed finds who is meant by an account's name, or by a person's key or
// identifier.
func (e *Engine) RecipientNamed(ctx context.Context, who string) (string, error) {
	a, err := e.Account(ctx, who)
	if err == nil {
		return notify.NameOf(a.Name, a.Person), nil
	}
	if fault.KindOf(err) != fault.NotFound {
		return "", err
	}
	found, err := e.Views().Resolve(ctx, "", who)
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", &fault.Error{Kind: fault.NotFound, Op: "choose delivery", Msg: "nobody is known as " + who, Do: "name an account, or a person by key or identifier"}
	}
	return resources.Ref{Type: schema.EntityType(found[0].Type), Key: resources.Key(found[0].Key)}.String(), nil
}

// Delivery says how a recipient wants to be told: what he chose, and how it is
// where he chose nothing.
func (e *Engine) Delivery(ctx context.Context, recipient string) (chosen, usual messages.Delivery, err error) {
	s, err := e.messageSettings(ctx)
	if err != nil {
		return chosen, usual, err
	}
	usual = messages.Delivery{How: messages.Digest, At: "08:00", Zone: "UTC"}
	if s != nil {
		usual = s.Delivery
	}
	told, err := e.Told(ctx, recipient)
	return told.Delivery, usual, err
}

// ChooseDelivery keeps how somebody wants to be told; what he leaves open is as the
// configuration says.
func (e *Engine) ChooseDelivery(ctx context.Context, recipient string, d messages.Delivery, why string) error {
	_, usual, err := e.Delivery(ctx, recipient)
	if err != nil {
		return err
	}
	if err := d.Or(usual).Check(); err != nil {
		return fault.Wrap(fault.Invalid, "choose delivery", err)
	}
	act := e.messageAct("choose delivery", recipient, why)
	act.Detail = d
	return e.SetDelivery(ctx, act, recipient, d)
}

// SendMessages tells and sends once, now.
func (e *Engine) SendMessages(ctx context.Context, log *slog.Logger) (notify.Summary, error) {
	return e.Messages(log, nil).Run(ctx, e.Clock())
}

// RetryMessages makes every message due that waits or was given up.
func (e *Engine) RetryMessages(ctx context.Context, why string) (int64, error) {
	return e.DB.RetryMessages(ctx, e.messageAct("retry messages", "", why))
}

// TestMessage sends a mail that says that mail arrives.
func (e *Engine) TestMessage(ctx context.Context, to string) error {
	if err := e.Messages(slog.New(slog.DiscardHandler), nil).Test(ctx, to, e.Clock()); err != nil {
		return err
	}
	return e.AppendAct(ctx, e.messageAct("test mail", to, ""))
}

// MessageDesk is where people say how they are told, each acting for himself.
func (e *Engine) MessageDesk() notify.Desk { return messageDesk{e} }

type messageDesk struct{ engine *Engine }

func (d messageDesk) Delivery(ctx context.Context, recipient string) (chosen, usual messages.Delivery, err error) {
	return d.engine.Delivery(ctx, recipient)
}

func (d messageDesk) Named(ctx context.Context, who string) (string, error) {
	return d.engine.RecipientNamed(ctx, who)
}

func (d messageDesk) Choose(ctx context.Context, who journal.Actor, recipient string, x messages.Delivery) error {
	return desks(d).as(who).ChooseDelivery(ctx, recipient, x, "")
}

func (d messageDesk) Retry(ctx context.Context, who journal.Actor, why string) (int64, error) {
	return desks(d).as(who).RetryMessages(ctx, why)
}

func (e *Engine) messageAct(name, subject, why string) journal.Act {
	return journal.Act{Actor: e.Actor, Name: name, Subject: subject, Why: why, At: e.Clock()}
}
