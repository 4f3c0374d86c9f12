package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/domain/workflows"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/reach"
	"provisor.dev/provisor/internal/view"
)

var now = time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)

// desk answers with one thing of each kind.
type desk struct {
	reach.Questions
	requests view.RequestFilter // as it was asked last
}

func (d *desk) Orders(_ context.Context, f view.OrderFilter) (view.OrderPage, error) {
	state := orders.Transmitted
	if len(f.States) > 0 {
		state = f.States[0]
	}
	o := view.Order{ID: orders.OrderID(10 + state), Kind: "addition", Type: "Badge", Owner: view.Owner{Type: "Person", Key: "E1", Display: "Ada"},
		State: view.State{Number: int(state)}, Since: now, Manual: f.Handed,
		Items: []view.OrderItem{{State: view.State{Number: int(orders.Errored)}, Message: "no\r\nroom"}}}
	taken := o
	taken.ID, taken.TakenBy = 99, "E7"
	if f.Handed {
		return view.OrderPage{Orders: []view.Order{o, taken}}, nil
	}
	return view.OrderPage{Orders: []view.Order{o}}, nil
}

func (d *desk) Requests(_ context.Context, f view.RequestFilter) (view.RequestPage, error) {
	d.requests = f
	return view.RequestPage{Requests: []view.Request{{ID: 5, By: "E2", Action: "add", Role: "clerk", Owner: view.Owner{Key: "E1"}, Since: now}}}, nil
}

func (d *desk) Reconciliation(context.Context, view.ReconciliationFilter) (view.ReconciliationPage, error) {
	return view.ReconciliationPage{Questions: []view.Question{{Unauthorized: true, Account: view.Account{ID: 3, Type: "Badge", Target: "b3"}}}}, nil
}

func (d *desk) FoundRoles(context.Context, view.FoundRoleFilter) (view.FoundRolePage, error) {
	return view.FoundRolePage{Roles: []view.FoundRole{{Owner: view.Owner{Type: "Person", Key: "E 1"}, Role: "a&b"}}}, nil
}

func (d *desk) Readings(context.Context, view.ReadingFilter) ([]view.Reading, error) {
	return []view.Reading{
		{Connector: "hr", Entity: "Person", State: "running"}, {Connector: "hr", Entity: "Person", State: "parked", Why: "too many"},
		{Connector: "hr", Entity: "Person", State: "committed"}, {Connector: "hr", Entity: "Site", State: "committed"}, {Connector: "hr", Entity: "Site", State: "failed"},
	}, nil
}

func (d *desk) Parks(context.Context) ([]view.Park, error) {
	return []view.Park{{Type: "Badge", Kind: "deletion", Held: 7, Since: now}}, nil
}

func looking(d *desk) *look {
	model := &roles.Model{
		Connectors: map[schema.ConnectorID]schema.Connector{"desk": {
			ID: "desk", Connections: map[schema.ConnectionID]schema.Connection{"c": {ID: "c"}}, Entities: map[schema.EntityType]schema.Entity{"B": {Type: "B", Connector: "desk"}},
		}},
		ResourceTypes: map[roles.ResourceTypeID]roles.ResourceType{"Badge": {ID: "Badge", Target: "B", Provisioning: roles.Provisioning{Connection: "c", RemindAfter: time.Hour}}},
	}
	r := &Runner{
		Within:   func(access.Filter) reach.Questions { return d },
		Failures: func() []Failure { return []Failure{{Job: "round", Since: now, Why: "x"}} },
		Changes: func(context.Context) ([]review.Waiting, error) {
			return []review.Waiting{{Started: workflows.Started{ID: 8, Workflow: "move"}, Seats: []workflows.Seat{{Person: "E9"}}}}, nil
		},
	}
	return &look{runner: r, model: model, now: now, base: "https://p", answers: map[string]answer{}}
}

func somebody(key string) Recipient {
	who := access.Everybody()
	who.Person = resources.Ref{Type: "Person", Key: resources.Key(key)}
	return Recipient{Name: "Person:" + key, Who: who}
}

func TestEachTopicLeadsToTheVeryItem(t *testing.T) {
	list, _, err := looking(&desk{}).of(t.Context(), somebody("E9"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list {
		got = append(got, fmt.Sprintf("%s: %s -> %s", m.Topic, m.Title, m.Link))
	}
	want := []string{
		"job: The job round fails -> https://p/jobs",
		"reading: The reading of Person was parked: it would change more than its threshold lets through -> https://p/connectors/hr",
		"threshold: A threshold holds 7 orders: deletion of Badge -> https://p/connectors/desk/parked/Badge/deletion",
		"errored: Addition of Badge for Ada (E1) -> https://p/review/13",
		"request: E2 asks: add clerk for E1 -> https://p/requests/5",
		"change: asks: move about nobody -> https://p/requests/changes?only=8",
		"review: Addition of Badge for Ada (E1) -> https://p/review/15",
		"manual: Addition of Badge for Ada (E1) -> https://p/manual/12",
		"found: Found a Badge that no rule explains: b3 -> https://p/reconciliation/3",
		"found-role: Found the role a&b of E 1 -> https://p/reconciliation/roles?only=k%3DE%2B1%26p%3D%26r%3Da%2526b%26t%3DPerson",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if list[3].Why != "no room" {
		t.Errorf("%q", list[3].Why)
	}
}

func TestAManualOrderIsToldToWhoeverTookItAndOnceMoreWhenItStaysLong(t *testing.T) {
	keys := func(l *look, who string) (list []string) {
		all, _, err := l.of(t.Context(), somebody(who))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.Topic == messages.ManualTopic {
				list = append(list, m.Key)
			}
		}
		return list
	}
	if mine, others := keys(looking(&desk{}), "E7"), keys(looking(&desk{}), "E9"); len(mine) != 2 || len(others) != 1 {
		t.Errorf("%v %v", mine, others)
	}
	late := looking(&desk{})
	late.now = now.Add(time.Hour)
	if before, after := keys(looking(&desk{}), "E9"), keys(late, "E9"); before[0] == after[0] {
		t.Errorf("no reminder: %v", after)
	}
}

func TestRequestsAndChangesArePersonalAndOneAnswerServesAllWhoSeeTheSame(t *testing.T) {
	d := &desk{}
	l := looking(d)
	for _, who := range []string{"E9", "E2"} {
		list, _, err := l.of(t.Context(), somebody(who))
		if err != nil {
			t.Fatal(err)
		}
		if d.requests.WaitsFor != who {
			t.Errorf("%s is told what waits for %q", who, d.requests.WaitsFor)
		}
		changes := 0
		for _, m := range list {
			if m.Topic == messages.ChangeTopic {
				changes++
			}
		}
		if (changes == 1) != (who == "E9") {
			t.Errorf("%s is told of %d changes", who, changes)
		}
	}
	if n := len(l.answers); n != len(messages.Topics())+2 {
		t.Errorf("%d questions were asked", n)
	}
}

func TestANameThatLeadsWithinTheWallsIsRefused(t *testing.T) {
	for _, c := range []struct {
		url, address string
		private, ok  bool
	}{
		{"https://hooks.example.org", "203.0.113.5:443", false, true},
		{"https://hooks.example.org", "[2606:4700::1]:443", false, true},
		{"https://hooks.example.org", "10.1.2.3:443", false, false},
		{"https://hooks.example.org", "127.0.0.1:443", false, false},
		{"https://hooks.example.org", "[::1]:443", false, false},
		{"https://hooks.example.org", "[::ffff:127.0.0.1]:443", false, false},
		{"https://hooks.example.org", "[fd00::1]:443", false, false},
		{"https://hooks.example.org", "100.64.0.1:443", false, false},
		{"https://chat.corp.example", "10.1.2.3:443", true, true},
		{"https://chat.corp.example", "169.254.169.254:80", true, false},
		{"https://chat.corp.example", "[fe80::1%eth0]:80", true, false},
		{"https://chat.corp.example", "0.0.0.0:80", true, false},
		{"https://chat.corp.example", "224.0.0.1:80", true, false},
		{"https://chat.corp.example", "[64:ff9b::a00:1]:80", true, false},
		{"https://10.1.2.3/in", "10.1.2.3:443", false, true},
		{"https://10.1.2.3/in", "10.1.2.4:443", false, false},
		{"http://localhost:8000", "127.0.0.1:8000", false, true},
		{"http://localhost:8000", "10.0.0.1:8000", false, false},
	} {
		err := guard(messages.Webhook{URL: c.url, Private: c.private})("tcp", c.address, nil)
		if (err == nil) != c.ok {
			t.Errorf("%s at %s, private %v: %v", c.url, c.address, c.private, err)
		}
	}
}

func TestAnErrorHidesTheAddressOfAWebhook(t *testing.T) {
	w := messages.Webhook{URL: "https://hooks.example.org/key?x=1"}
	err := hidden(w, errors.New("post https://hooks.example.org/key?x=1: refused"))
	if strings.Contains(err.Error(), "key") || !strings.Contains(err.Error(), "https://hooks.example.org") {
		t.Error(err)
	}
}

// noting is a store that notes nothing once it is asked to end.
type noting struct{ Store }

func (noting) NoteMessage(ctx context.Context, _ stage.Message) error { return ctx.Err() }

func TestWhatWasSentIsNotedAlthoughTheServerEnds(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	end()
	r := &Runner{Store: noting{}}
	if err := r.note(ctx, now, stage.Message{Attempts: 1}, outcome{}, &Summary{}); err != nil {
		t.Error(err)
	}
}

// queue is a store with messages that are due, which notes what becomes of them.
type queue struct {
	Store
	due   []stage.Message
	noted []stage.Message
}

func (q *queue) ClaimMessages(_ context.Context, way string, _, _ time.Time, _ int) (list []stage.Message, err error) {
	for _, m := range q.due {
		if m.Way == way {
			list = append(list, m)
		}
	}
	return list, nil
}

func (q *queue) NoteMessage(_ context.Context, m stage.Message) error {
	q.noted = append(q.noted, m)
	return nil
}

func TestAServerThatEndsLeavesWhatItDidNotComeToToBeSentSoon(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	end()
	q := &queue{due: []stage.Message{
		{ID: 1, Way: stage.ByMail, Attempts: 1, State: stage.MessageWaiting}, {ID: 2, Way: stage.ByWebhook, Recipient: "webhook chat", Attempts: 1, State: stage.MessageWaiting},
	}}
	r := &Runner{Store: q, Log: slog.New(slog.DiscardHandler)}
	s := &messages.Settings{Mail: &messages.MailServer{Host: "localhost", Port: 1}, Webhooks: []messages.Webhook{{ID: "chat", URL: "http://localhost:1"}}}
	var sum Summary
	if err := errors.Join(r.mail(ctx, s, now, &sum), r.post(ctx, s, now, &sum)); err != nil {
		t.Fatal(err)
	}
	for _, m := range q.noted {
		if m.State != stage.MessageWaiting || m.Next.After(now.Add(time.Minute)) {
			t.Errorf("%+v", m)
		}
	}
	if len(q.noted) != 2 {
		t.Errorf("%d were noted: the rest waits for its lease", len(q.noted))
	}
}

func TestOneAddressAndNothingElseIsWrittenTo(t *testing.T) {
	for address, want := range map[string]bool{
		"ada@example.org": true, "": false, "ada": false, "Ada <ada@example.org>": false, "a@b.org, c@d.org": false,
		"ada@example.org\r\nBcc: x@y.org": false, "ada@example.org\n": false,
	} {
		if writable(address) != want {
			t.Errorf("%q: %v", address, !want)
		}
	}
}

func TestMoreThanAFewMattersComeInOneMailThatListsSome(t *testing.T) {
	s := &messages.Settings{URL: "https://p"}
	var many []messages.Matter
	for i := range 30 {
		many = append(many, messages.Matter{Topic: messages.ReviewTopic, Title: fmt.Sprint("order ", i), Link: fmt.Sprint("https://p/review/", i)})
	}
	r := &Runner{}
	atOnce := messages.Delivery{How: messages.AtOnce, Zone: "UTC"}
	few, err := r.written(s, somebody("E1"), atOnce, now, many[:atOnceMost])
	if err != nil || len(few) != atOnceMost {
		t.Errorf("%d mails: %v", len(few), err)
	}
	all, err := r.written(s, somebody("E1"), atOnce, now, many)
	if err != nil || len(all) != 1 || !strings.Contains(string(all[0].Content), "10 more") || all[0].Subject != "[Provisor] 30 matters" {
		t.Errorf("%d mails: %v %q", len(all), err, all[0].Subject)
	}
	hook := Recipient{Name: "webhook chat", Webhook: &messages.Webhook{URL: "https://h/key"}}
	posts, err := r.written(s, hook, atOnce, now, append(many, many...))
	if err != nil || len(posts) != 2 || posts[0].Address != "https://h" {
		t.Errorf("%d posts: %v %+v", len(posts), err, posts)
	}
}
