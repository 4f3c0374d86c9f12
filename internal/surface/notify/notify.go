// Package notify tells people by mail, and other systems by webhooks, what waits
// for them and what went wrong: requests and orders to decide, orders to carry out,
// what was found, errored orders, tripped thresholds, readings and jobs that failed.
//
// It compares what waits, asked as the pages ask it, with what was told. So it
// promises that nobody is told of what he may not see, that nothing is missed
// however long nobody looked, and that a matter is told once while it waits. What
// is told is written in one transaction with its messages; sending comes after it,
// at least once: a message whose sending was cut off goes out again under the same
// number. A mail system that is down costs time, and no message. No secret is
// written anywhere.
//
// The server runs it every minute; the command line tries it. A crash leaves
// messages that wait, and the next run sends them.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/mail"
	"net/url"
	"slices"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/secret"
)

// Store keeps what was told and what is to be sent.
type Store interface {
	Told(ctx context.Context, recipient string) (stage.Told, error)
	Tell(ctx context.Context, x stage.Telling) error
	ClaimMessages(ctx context.Context, way string, now, until time.Time, limit int) ([]stage.Message, error)
	NoteMessage(ctx context.Context, m stage.Message) error
	DropMessages(ctx context.Context, before time.Time) error
	ChangeCounter(ctx context.Context) (int64, error)
	Exclusive(ctx context.Context, name string) (release func() error, ok bool, err error)
}

// A Recipient is who is told, with what he may see and do.
type Recipient struct {
	Name    string // Person:E1, account anna, webhook chat
	Called  string
	Address string // "": he cannot be written to
	Who     access.Principal
	Webhook *messages.Webhook // nil: a person
}

// NameOf is what a recipient is called: by the person whom the directory knows him
// as, else by his account.
func NameOf(account string, person resources.Ref) string {
	if person.Key != "" {
		return person.String()
	}
	return "account " + account
}

// A Desk is where people say how they are told.
type Desk interface {
	// Delivery is what a recipient chose, and how it is where he chose nothing.
	Delivery(ctx context.Context, recipient string) (chosen, usual messages.Delivery, err error)
	// Named finds who is meant by an account's name, or by a person's key or identifier.
	Named(ctx context.Context, who string) (recipient string, err error)
	Choose(ctx context.Context, who journal.Actor, recipient string, d messages.Delivery) error
	// Retry makes every message due that waits or was given up.
	Retry(ctx context.Context, who journal.Actor, why string) (int64, error)
}

// Own is what messages call whoever asks; "" for nobody in particular. local is who
// acts where nobody signs in.
func Own(ctx context.Context, d Desk, who access.Principal, local string) (string, error) {
	switch {
	case who.Account != "":
		return NameOf(who.Account, who.Person), nil
	case local == "":
		return "", nil
	}
	name, err := d.Named(ctx, local)
	if fault.KindOf(err) == fault.NotFound { // nobody is read yet
		err = nil
	}
	return name, err
}

// A Failure is a job that fails again and again, or a part of the server.
type Failure struct {
	Job   string
	Since time.Time
	Why   string
	Path  string // of its last run; "": that of all jobs
}

// A Runner tells and sends.
type Runner struct {
	Store Store
	// Settings are those of the deployed configuration; nil: nobody is told of anything.
	Settings   func(context.Context) (*messages.Settings, error)
	Recipients func(context.Context, *messages.Settings) ([]Recipient, error)
	Within     func(access.Filter) reach.Questions
	Changes    func(context.Context) ([]review.Waiting, error) // of people's data, that wait for a decision
	Model      func(context.Context) (*roles.Model, error)
	Failures   func() []Failure // nil: of a process that runs no jobs
	Secret     func(context.Context, secret.Reference) (secret.Text, error)
	Dir        string // where the names of files begin
	Log        *slog.Logger

	last looked
}

// looked is on what the last look at everything was based.
type looked struct {
	at       time.Time
	change   int64
	settings string
	failures int
}

// Limits, each with its reason.
const (
	// theMessages is the lock of whoever tells: servers take turns.
	theMessages = "messages"
	// lookMinutes is how long nothing is looked at while nothing changes: a digest
	// is so much late at most, and what the clock alone brings is seen then.
	lookMinutes = 5
	// atOnceMost is how many mails of one matter each come at once; more come as one.
	atOnceMost = 5
	// listedMost is what a mail lists of one topic: the rest is a number with a link.
	listedMost = 20
	// postedMost is what one webhook's message holds.
	postedMost = 50
	// keptDays is how long it can be looked up who was told what.
	keptDays = 90
)

// A Summary says what a run did.
type Summary struct {
	Written  int      `json:"written"`           // messages
	Sent     int      `json:"sent"`              // messages
	Failed   int      `json:"failed"`            // attempts
	Unheard  []string `json:"unheard,omitempty"` // who should be told and has no address
	Outcomes []error  `json:"-"`                 // what went wrong, without stopping the rest
}

// Run tells what is new and sends what is due. Two runs at once take turns: one
// does nothing.
func (r *Runner) Run(ctx context.Context, now time.Time) (sum Summary, err error) {
	s, err := r.Settings(ctx)
	if err != nil || s == nil {
		return sum, err
	}
	release, ok, err := r.Store.Exclusive(ctx, theMessages)
	if err != nil || !ok {
		return sum, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if due, next, err := r.due(ctx, s, now); err != nil {
		return sum, err
	} else if due {
		if err := r.tell(ctx, s, now, &sum); err != nil {
			return sum, err
		}
		if len(sum.Outcomes) == 0 {
			r.last = next
		}
		if err := r.Store.DropMessages(ctx, now.AddDate(0, 0, -keptDays)); err != nil {
			return sum, err
		}
	}
	err = errors.Join(r.mail(ctx, s, now, &sum), r.post(ctx, s, now, &sum))
	return sum, errors.Join(append(sum.Outcomes, err)...)
}

// due reports whether anything can have become new since the last look.
func (r *Runner) due(ctx context.Context, s *messages.Settings, now time.Time) (bool, looked, error) {
	change, err := r.Store.ChangeCounter(ctx)
	if err != nil {
		return false, looked{}, err
	}
	text, err := json.Marshal(s)
	next := looked{at: now, change: change, settings: string(text), failures: len(r.failures())}
	same := r.last
	same.at = now
	return same != next || now.Sub(r.last.at) >= lookMinutes*time.Minute, next, err
}

func (r *Runner) failures() []Failure {
	if r.Failures == nil {
		return nil
	}
	return r.Failures()
}

// tell looks at what waits for each recipient. What fails for one stops no other.
func (r *Runner) tell(ctx context.Context, s *messages.Settings, now time.Time, sum *Summary) error {
	list, err := r.Recipients(ctx, s)
	if err != nil {
		return err
	}
	model, err := r.Model(ctx)
	if err != nil {
		return err
	}
	l := &look{runner: r, model: model, now: now, base: s.URL, answers: map[string]answer{}}
	for _, to := range list {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := r.tellOne(ctx, s, l, to, sum); err != nil {
			sum.Outcomes = append(sum.Outcomes, fault.Wrap(fault.KindOf(err), "tell "+to.Name, err))
		}
	}
	return nil
}

func (r *Runner) tellOne(ctx context.Context, s *messages.Settings, l *look, to Recipient, sum *Summary) error {
	if !slices.ContainsFunc(messages.Topics(), func(t messages.TopicInfo) bool { return to.Who.Has(t.Needs) }) {
		return nil
	}
	told, err := r.Store.Told(ctx, to.Name)
	if err != nil {
		return err
	}
	d := told.Delivery.Or(s.Delivery)
	if to.Webhook != nil {
		d.How = messages.AtOnce
	}
	x := stage.Telling{Recipient: to.Name, At: l.now}
	switch {
	case to.Webhook == nil && (d.How == messages.Never || s.Mail == nil):
		return nil
	case to.Webhook == nil && !writable(to.Address):
		sum.Unheard = append(sum.Unheard, to.Name)
		return nil
	case d.How == messages.Digest && told.Digest.IsZero():
		x.Digest = l.now // his first one comes at the next hour
		return r.Store.Tell(ctx, x)
	case d.How == messages.Digest && !d.Due(told.Digest, l.now):
		return nil
	case d.How == messages.Digest:
		x.Digest = l.now
	}
	matters, whole, err := l.of(ctx, to)
	if err != nil {
		return err
	}
	var fresh []messages.Matter
	waits := map[string]bool{}
	for _, m := range matters {
		waits[m.Key] = true
		if !told.Matters[m.Key] {
			x.Told = append(x.Told, m.Key)
			fresh = append(fresh, m)
		}
	}
	for key := range told.Matters {
		if !waits[key] && whole(key) {
			x.Forget = append(x.Forget, key)
		}
	}
	if x.Messages, err = r.written(s, to, d, l.now, fresh); err != nil {
		return err
	}
	if len(x.Messages)+len(x.Forget) == 0 && x.Digest.IsZero() {
		return nil
	}
	sum.Written += len(x.Messages)
	return r.Store.Tell(ctx, x)
}

// writable reports whether an address is one, and one alone.
func writable(address string) bool {
	a, err := mail.ParseAddress(address)
	return err == nil && a.Address == address && messages.Line(address) == address
}

// written are the messages that tell of matters.
func (r *Runner) written(s *messages.Settings, to Recipient, d messages.Delivery, now time.Time, fresh []messages.Matter) (list []stage.Message, err error) {
	var parts [][]messages.Matter
	switch {
	case len(fresh) == 0:
	case to.Webhook != nil:
		parts = slices.Collect(slices.Chunk(fresh, postedMost))
	case d.How == messages.AtOnce && len(fresh) <= atOnceMost:
		parts = slices.Collect(slices.Chunk(fresh, 1))
	default:
		parts = [][]messages.Matter{fresh}
	}
	for _, part := range parts {
		m := stage.Message{Way: stage.ByMail, Address: to.Address}
		if to.Webhook != nil {
			m.Way, m.Address, m.Subject = stage.ByWebhook, placeOf(to.Webhook.URL), subjectOf(part)
			m.Content, err = json.Marshal(posted{At: now, URL: s.URL + "/", Matters: part})
		} else {
			var w messages.Written
			w, err = r.letter(s, letterOf(s, to, d, now, part))
			m.Subject = w.Subject
			if err == nil {
				m.Content, err = json.Marshal(w)
			}
		}
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// placeOf is an address as it may be shown: what follows the host may be a key.
func placeOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func subjectOf(part []messages.Matter) string {
	if len(part) == 1 {
		return part[0].Title
	}
	return part[0].Title + " …"
}

// letter fills the templates in: those built in where the configured ones cannot
// be used, so that no mail is lost to them.
func (r *Runner) letter(s *messages.Settings, l messages.Letter) (messages.Written, error) {
	w, err := l.Write(s.Templates)
	if err != nil {
		r.Log.Error("write a mail as the configuration says; it is written as built in", "error", err)
		return l.Write(messages.Templates{})
	}
	return w, nil
}

func letterOf(s *messages.Settings, to Recipient, d messages.Delivery, now time.Time, list []messages.Matter) messages.Letter {
	l := messages.Letter{To: messages.Line(to.Called), URL: s.URL + "/", At: now, Digest: d.How == messages.Digest}
	if place, err := time.LoadLocation(d.Zone); err == nil {
		l.At = now.In(place)
	}
	for _, t := range messages.Topics() {
		h := messages.Heading{Topic: t.Topic, Name: t.About, List: s.URL + t.List}
		for _, m := range list {
			switch {
			case m.Topic != t.Topic:
			case len(h.Matters) == listedMost:
				h.More++
			default:
				h.Matters = append(h.Matters, m)
			}
		}
		if len(h.Matters) > 0 {
			l.Headings = append(l.Headings, h)
		}
	}
	return l
}
