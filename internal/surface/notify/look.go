package notify

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
)

// windowRows bounds what is asked of one topic for one recipient. Of orders and
// requests these are the newest: whoever has more waiting is told of each new one
// all the same. What was found has no such order: beyond, new ones are told of as
// earlier ones are settled.
const windowRows = 500

// readingRows is how far back the last reading of each entity type is looked for.
const readingRows = 200

// A look is one look at what waits for everybody. Recipients who see the same are
// answered the same, once.
type look struct {
	runner  *Runner
	model   *roles.Model
	now     time.Time
	base    string
	answers map[string]answer
	changes []review.Waiting
	asked   bool // for changes
}

// answer is what waits of one topic.
type answer struct {
	list  []waiting
	whole bool // nothing was cut off
	err   error
}

// waiting is a matter with who took it on.
type waiting struct {
	messages.Matter
	takenBy string
}

// of is what waits for a recipient. whole says of a key whether all of its topic
// was looked at, so that what is not there does not wait any more.
func (l *look) of(ctx context.Context, to Recipient) (list []messages.Matter, whole func(key string) bool, err error) {
	cut := map[messages.Topic]bool{}
	for _, t := range messages.Topics() {
		if !to.Who.Has(t.Needs) || to.Webhook != nil && !slices.Contains(to.Webhook.Topics, t.Topic) {
			continue
		}
		a := l.topic(ctx, t, to)
		if a.err != nil {
			return nil, nil, a.err
		}
		cut[t.Topic] = !a.whole
		for _, w := range a.list {
			if w.takenBy == "" || w.takenBy == to.Who.Name() {
				list = append(list, w.Matter)
			}
		}
	}
	return list, func(key string) bool {
		topic, _, _ := strings.Cut(key, "/")
		return !cut[messages.Topic(topic)]
	}, nil
}

// topic asks about one topic, as the page of the topic would ask for whoever reads.
func (l *look) topic(ctx context.Context, t messages.TopicInfo, to Recipient) answer {
	own := to.Webhook == nil && (t.Topic == messages.RequestTopic || t.Topic == messages.ChangeTopic)
	key := string(t.Topic) + " " + to.Who.Sees()
	if own {
		key += " " + to.Who.Name()
	}
	a, known := l.answers[key]
	if !known {
		ctx = routes.As(ctx, to.Who, t.Needs)
		a = l.ask(ctx, t.Topic, to)
		for i := range a.list {
			m := &a.list[i].Matter
			m.Topic, m.Key = t.Topic, string(t.Topic)+"/"+m.Key
			m.Title, m.About, m.Why = messages.Line(m.Title), messages.Line(m.About), messages.Line(m.Why)
			m.Link = l.base + m.Path
		}
		l.answers[key] = a
	}
	return a
}

func (l *look) ask(ctx context.Context, t messages.Topic, to Recipient) answer {
	q := reach.Narrowed(l.runner.Within)
	switch t {
	case messages.JobTopic:
		return l.failed()
	case messages.ReadingTopic:
		return l.readings(ctx, q)
	case messages.ThresholdTopic:
		return l.parks(ctx, q)
	case messages.ErroredTopic:
		return l.orders(ctx, q, view.OrderFilter{States: []orders.State{orders.Errored}}, "/review/")
	case messages.ReviewTopic:
		return l.orders(ctx, q, view.OrderFilter{States: []orders.State{orders.AwaitingApproval}, Review: true, On: l.now}, "/review/")
	case messages.ManualTopic:
		return l.orders(ctx, q, view.ManualQueue(), "/manual/")
	case messages.RequestTopic:
		return l.requests(ctx, q, to)
	case messages.ChangeTopic:
		return l.changed(ctx, to)
	case messages.FoundTopic:
		return l.found(ctx, q)
	case messages.FoundRoleTopic:
		return l.foundRoles(ctx, q)
	}
	return answer{whole: true}
}

func (l *look) failed() answer {
	a := answer{whole: true}
	for _, f := range l.runner.failures() {
		a.list = append(a.list, waiting{Matter: messages.Matter{
			Key: f.Job + "@" + stamp(f.Since), Title: "The job " + f.Job + " fails", About: f.Job, Why: f.Why, Since: f.Since, Path: cmp.Or(f.Path, "/jobs"),
		}})
	}
	return a
}

// stamp tells a matter from the same at another time.
func stamp(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 36) }

// readings are those that came last of their entity type, and were not committed.
func (l *look) readings(ctx context.Context, q reach.Questions) answer {
	list, err := q.Readings(ctx, view.ReadingFilter{Limit: readingRows})
	a := answer{whole: true, err: err}
	seen := map[string]bool{}
	for _, r := range list {
		if r.State == string(resources.Running) || seen[r.Entity] {
			continue
		}
		seen[r.Entity] = true
		if r.State == string(resources.Committed) {
			continue
		}
		what := "failed"
		if r.State == string(resources.Parked) {
			what = "was parked: it would change more than its threshold lets through"
		}
		a.list = append(a.list, waiting{Matter: messages.Matter{
			Key: r.Entity + "/" + r.State, Title: "The reading of " + r.Entity + " " + what, About: r.Entity, Why: r.Why, Since: r.Began,
			Path: "/connectors/" + url.PathEscape(r.Connector),
		}})
	}
	return a
}

func (l *look) parks(ctx context.Context, q reach.Questions) answer {
	list, err := q.Parks(ctx)
	a := answer{whole: true, err: err}
	for _, p := range list {
		connector, _ := l.model.Connection(l.model.ResourceTypes[roles.ResourceTypeID(p.Type)])
		a.list = append(a.list, waiting{Matter: messages.Matter{
			Key:   p.Type + "/" + p.Kind + "@" + stamp(p.Since),
			Title: fmt.Sprintf("A threshold holds %d orders: %s of %s", p.Held, p.Kind, p.Type), About: p.Type, Why: p.Why, Since: p.Since,
			Path: "/connectors/" + url.PathEscape(string(connector.ID)) + "/parked/" + url.PathEscape(p.Type) + "/" + url.PathEscape(p.Kind),
		}})
	}
	return a
}

func (l *look) orders(ctx context.Context, q reach.Questions, f view.OrderFilter, below string) answer {
	f.Sort, f.Limit = view.Newest, windowRows
	page, err := q.Orders(ctx, f)
	a := answer{whole: page.After == 0, err: err}
	for _, o := range page.Orders {
		m := messages.Matter{
			Key: strconv.FormatInt(int64(o.ID), 10) + "@" + stamp(o.Since), About: called(o.Owner), Since: o.Since,
			Title: strings.ToUpper(o.Kind[:1]) + o.Kind[1:] + " of " + o.Type + " for " + called(o.Owner),
			Path:  below + strconv.FormatInt(int64(o.ID), 10),
		}
		after := l.model.ResourceTypes[roles.ResourceTypeID(o.Type)].Provisioning.RemindAfter
		switch {
		case orders.Numbered(o.State.Number) == orders.Errored:
			for _, it := range o.Items {
				if orders.Numbered(it.State.Number) == orders.Errored {
					m.Why = cmp.Or(m.Why, it.Message)
				}
			}
		case o.Manual && after > 0 && !l.now.Before(o.Since.Add(after)):
			m.Key += "/again"
			m.Title += ", for a long time"
		}
		a.list = append(a.list, waiting{Matter: m, takenBy: o.TakenBy})
	}
	return a
}

// called is what a person is called, with the key by which he is told apart.
func called(o view.Owner) string {
	if o.Display == "" {
		return cmp.Or(o.Key, "nobody")
	}
	return o.Display + " (" + o.Key + ")"
}

// requests are those that wait for the person; for a webhook, all that it sees.
func (l *look) requests(ctx context.Context, q reach.Questions, to Recipient) answer {
	f := view.RequestFilter{Sort: view.Newest, Limit: windowRows}
	if to.Webhook == nil {
		if f.WaitsFor = string(to.Who.Person.Key); f.WaitsFor == "" {
			return answer{whole: true}
		}
	}
	page, err := q.Requests(ctx, f)
	a := answer{whole: page.After == 0, err: err}
	for _, r := range page.Requests {
		a.list = append(a.list, waiting{Matter: messages.Matter{
			Key: strconv.FormatInt(int64(r.ID), 10) + "@" + stamp(r.Since), About: called(r.Owner), Why: r.Why, Since: r.Since,
			Title: fmt.Sprintf("%s asks: %s %s for %s", r.By, r.Action, r.Role, called(r.Owner)),
			Path:  "/requests/" + strconv.FormatInt(int64(r.ID), 10),
		}})
	}
	return a
}

// changed are the changes of people's data in whose present step the person has a
// seat. Their page shows nothing else to him, so a webhook is told of none.
func (l *look) changed(ctx context.Context, to Recipient) answer {
	if !l.asked {
		var err error
		if l.changes, err = l.runner.Changes(ctx); err != nil {
			return answer{err: err}
		}
		l.asked = true
	}
	a := answer{whole: true}
	for _, c := range l.changes {
		if to.Who.Person.Key == "" || !slices.ContainsFunc(c.Seats, func(s workflows.Seat) bool { return s.Person == string(to.Who.Person.Key) }) {
			continue
		}
		shown := view.StartedOf(&c.Started, c.Seats)
		a.list = append(a.list, waiting{Matter: messages.Matter{
			Key: strconv.FormatInt(int64(shown.ID), 10) + "@" + stamp(shown.Since), About: shown.About.Key, Why: shown.Why, Since: shown.Since,
			Title: fmt.Sprintf("%s asks: %s about %s", shown.By, shown.Workflow, called(shown.About)),
			Path:  "/requests/changes?only=" + strconv.FormatInt(int64(shown.ID), 10),
		}})
	}
	return a
}

func (l *look) found(ctx context.Context, q reach.Questions) answer {
	page, err := q.Reconciliation(ctx, view.ReconciliationFilter{Limit: windowRows})
	a := answer{whole: page.After == 0, err: err}
	for _, x := range page.Questions {
		id := strconv.FormatInt(int64(x.Account.ID), 10)
		key, title := id, "Found values in "+x.Account.Type+" of "+called(x.Owner)
		for _, it := range x.Account.Items {
			key += "," + strconv.Itoa(it.ID)
		}
		if x.Unauthorized {
			key, title = id+"/unauthorized", "Found a "+x.Account.Type+" that no rule explains: "+x.Account.Target
		}
		a.list = append(a.list, waiting{Matter: messages.Matter{
			Key: key, Title: title, About: called(x.Owner), Why: x.Account.Target, Path: "/reconciliation/" + id,
		}})
	}
	return a
}

func (l *look) foundRoles(ctx context.Context, q reach.Questions) answer {
	page, err := q.FoundRoles(ctx, view.FoundRoleFilter{Limit: windowRows})
	a := answer{whole: page.After == nil, err: err}
	for _, f := range page.Roles {
		row := url.Values{"t": {f.Owner.Type}, "k": {f.Owner.Key}, "r": {f.Role}, "p": {f.Parameters}}.Encode()
		a.list = append(a.list, waiting{Matter: messages.Matter{
			Key: row, Title: "Found the role " + f.Role + " of " + called(f.Owner), About: called(f.Owner), Why: f.Because, Since: f.Since,
			Path: "/reconciliation/roles?only=" + url.QueryEscape(row),
		}})
	}
	return a
}
