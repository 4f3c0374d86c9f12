package web

import (
	"net/http"
	"strconv"
	"strings"

	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/surface/notify"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
)

// messageList is what people and other systems were told.
type messageList struct {
	Filter filter
	To     string
	Page   view.MessagePage
	Paged  bool
	Next   string
	Here   string
	Kept   kept
}

// messageStates are what a message can be.
var messageStates = []option{{"waiting", "waiting to be sent"}, {"sent", "sent"}, {"failed", "given up"}}

// messages lists them.
func (s *site) messages(r *http.Request) (page, error) {
	q := r.URL.Query()
	before, err := numbered("the place in the list", q.Get("before"))
	if err != nil {
		return page{}, err
	}
	l := messageList{To: q.Get("to"), Paged: before != 0, Here: r.URL.RequestURI(), Kept: keptOf(r)}
	l.Filter = filter{Address: "/messages", Label: "Messages", Picks: []pick{{Name: "state", Label: "State", Options: messageStates}}, Sort: sortedBy(view.Newest, view.NumberedColumns)}
	if err := l.Filter.read(r); err != nil {
		return page{}, err
	}
	asked := view.MessageFilter{State: l.Filter.chosen("state"), Recipient: l.To, Oldest: !l.Filter.Sort.Now.Down, Before: before, Limit: rowsOnPage}
	l.Page, err = s.Questions.Messages(r.Context(), asked)
	if err != nil {
		return page{}, err
	}
	if next := l.Page.Before; next != 0 {
		l.Next = l.Filter.next("to", l.To, "before", strconv.FormatInt(next, 10))
	}
	return page{Title: "Messages", Section: "messages", Body: messagesPage(l), Sheet: s.messagesSheet(r, asked)}, nil
}

// retryMessages makes those due that wait or were given up.
func (s *site) retryMessages(r *http.Request) (outcome, error) {
	n, err := s.Messages.Retry(r.Context(), s.actor(r), strings.TrimSpace(r.PostForm.Get("why")))
	return outcome{Said: count(int(n), "message") + " due now."}, err
}

// ownMessages is how whoever asks is told.
type ownMessages struct {
	Recipient string // "": nobody is known who could choose
	Chosen    messages.Delivery
	Usual     messages.Delivery
	Kept      kept
}

// recipient is what messages call whoever asks; "" for nobody in particular.
func (s *site) recipient(r *http.Request) (string, error) {
	return notify.Own(r.Context(), s.Messages, routes.Who(r.Context()), s.Local.As)
}

// ownMessages shows how whoever asks is told, and lets him choose.
func (s *site) ownMessages(r *http.Request) (page, error) {
	o := ownMessages{Kept: keptOf(r)}
	var err error
	if o.Recipient, err = s.recipient(r); err == nil && o.Recipient != "" {
		o.Chosen, o.Usual, err = s.Messages.Delivery(r.Context(), o.Recipient)
	}
	return page{Title: "How you are told", Section: "own", Body: ownMessagesPage(o)}, err
}

// chooseDelivery keeps what was chosen.
func (s *site) chooseDelivery(r *http.Request) (outcome, error) {
	recipient, err := s.recipient(r)
	if err != nil {
		return outcome{}, err
	}
	if recipient == "" {
		return outcome{Refused: []string{"Nobody is known here who could choose: sign in."}}, nil
	}
	d := messages.Delivery{
		How: messages.How(r.PostForm.Get("how")), At: strings.TrimSpace(r.PostForm.Get("hour")), Zone: strings.TrimSpace(r.PostForm.Get("zone")),
	}
	if err := s.Messages.Choose(r.Context(), s.actor(r), recipient, d); err != nil {
		return outcome{}, err
	}
	return outcome{Said: "It is kept."}, nil
}

// shown is what stands in the form: what was sent and refused, else what holds.
func (o ownMessages) shown() messages.Delivery {
	if o.Kept.text("hour")+o.Kept.text("zone") != "" {
		return messages.Delivery{How: messages.How(o.Kept.text("how")), At: o.Kept.text("hour"), Zone: o.Kept.text("zone")}
	}
	whole := o.Chosen.Or(o.Usual)
	whole.How = o.Chosen.How
	return whole
}

// deliveries are the ways of being told, as the page offers them.
func (o ownMessages) deliveries() []option {
	return []option{
		{"", "as usual: " + howText(o.Usual.How)}, {string(messages.AtOnce), howText(messages.AtOnce)},
		{string(messages.Digest), howText(messages.Digest)}, {string(messages.Never), howText(messages.Never)},
	}
}

func howText(h messages.How) string {
	switch h {
	case messages.AtOnce:
		return "at once"
	case messages.Never:
		return "of nothing"
	}
	return "in a daily digest"
}

// attempts says how often a message was tried.
func attempts(m view.Message) string {
	if m.Attempts == 0 {
		return "not tried yet"
	}
	return "tried " + map[bool]string{true: "once", false: strconv.Itoa(m.Attempts) + " times"}[m.Attempts == 1]
}
