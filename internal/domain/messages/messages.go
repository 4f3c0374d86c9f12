// Package messages says what people are told of, how and when: topics, what one
// wants to hear and at which hour, and how a message reads.
//
// It promises that what a name or a reason brings along cannot become a line of a
// message's head, nor markup of its body; that a topic is for those who may act on
// it; and that a digest comes once a day at the hour of its reader's clock. All of
// it is data and functions from values to values: stage declare builds the
// settings, surface notify collects and sends, the store keeps. A crash leaves
// nothing.
package messages

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones are the same on every machine
	"unicode"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/secret"
)

// A Topic is a kind of matter.
type Topic string

// The topics, in the order in which a message names them.
const (
	JobTopic       Topic = "job"
	ReadingTopic   Topic = "reading"
	ThresholdTopic Topic = "threshold"
	ErroredTopic   Topic = "errored"
	RequestTopic   Topic = "request"
	ChangeTopic    Topic = "change"
	ReviewTopic    Topic = "review"
	ManualTopic    Topic = "manual"
	FoundTopic     Topic = "found"
	FoundRoleTopic Topic = "found-role"
)

// A TopicInfo says what a topic is, and who is told: whoever has the permission by
// which one acts on it.
type TopicInfo struct {
	Topic Topic
	Needs access.Permission
	About string
	List  string // where all of it stands on the pages
}

var topics = []TopicInfo{
	{JobTopic, access.JobsRun, "failed jobs", "/jobs"},
	{ReadingTopic, access.ConnectorsOperate, "readings that failed or were parked", "/connectors"},
	{ThresholdTopic, access.OrdersRelease, "orders that a threshold parked", "/connectors"},
	{ErroredTopic, access.OrdersReview, "errored orders", "/review?state=3"},
	{RequestTopic, access.RequestsDecide, "requests to decide", "/requests"},
	{ChangeTopic, access.IdentityChange, "changes of data to decide", "/requests/changes"},
	{ReviewTopic, access.OrdersReview, "orders to review", "/review"},
	{ManualTopic, access.OrdersProvision, "orders to carry out by hand", "/manual"},
	{FoundTopic, access.FoundDecide, "accounts and values found", "/reconciliation"},
	{FoundRoleTopic, access.RolesReconcile, "roles found", "/reconciliation/roles"},
}

// Topics lists them all.
func Topics() []TopicInfo { return slices.Clone(topics) }

// A Matter is one thing that waits for somebody, or that went wrong.
type Matter struct {
	Topic Topic     `json:"topic"`
	Key   string    `json:"-"`     // what tells it apart, also from the same thing at another time
	Title string    `json:"title"` // one line
	About string    `json:"about,omitempty"`
	Why   string    `json:"why,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Path  string    `json:"-"`    // on the pages
	Link  string    `json:"link"` // the whole address; filled when it is told
}

// How says how somebody wants to be told.
type How string

// The ways of being told.
const (
	AtOnce How = "at-once"
	Digest How = "digest"
	Never  How = "none"
)

// A Delivery is how somebody is told, and at which hour of which clock a digest comes.
type Delivery struct {
	How  How    `json:"how"`
	At   string `json:"at,omitempty"`   // "08:00", of a digest
	Zone string `json:"zone,omitempty"` // "Europe/Berlin"
}

// Check says what is wrong with a delivery.
func (d Delivery) Check() error {
	if !slices.Contains([]How{AtOnce, Digest, Never}, d.How) {
		return fmt.Errorf("%q is no way of being told: there are %s, %s and %s", d.How, AtOnce, Digest, Never)
	}
	if _, err := time.Parse("15:04", d.At); err != nil {
		return fmt.Errorf("%q is no hour of a day: write it as 08:00", d.At)
	}
	if _, err := zone(d.Zone); err != nil {
		return err
	}
	return nil
}

func zone(name string) (*time.Location, error) {
	place, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone: write it as Europe/Berlin, or UTC", name)
	}
	return place, nil
}

// Due reports whether a digest is due for whoever was sent the last one, or was
// first known, at a time: once its hour has come since then.
func (d Delivery) Due(last, now time.Time) bool {
	place, err := zone(d.Zone)
	at, wrong := time.Parse("15:04", d.At)
	if err != nil || wrong != nil {
		return false
	}
	here := now.In(place)
	hour := time.Date(here.Year(), here.Month(), here.Day(), at.Hour(), at.Minute(), 0, 0, place)
	if hour.After(now) {
		hour = time.Date(here.Year(), here.Month(), here.Day()-1, at.Hour(), at.Minute(), 0, 0, place)
	}
	return last.Before(hour)
}

// Or is the delivery with what it leaves open taken from another.
func (d Delivery) Or(other Delivery) Delivery {
	if d.How == "" {
		d.How = other.How
	}
	if d.At == "" {
		d.At = other.At
	}
	if d.Zone == "" {
		d.Zone = other.Zone
	}
	return d
}

// Settings are what the configuration says of messages.
type Settings struct {
	URL       string // the address under which people reach the pages, without a slash at its end
	Mail      *MailServer
	Addresses map[schema.EntityType]schema.PropertyName // where people's mail addresses stand
	Delivery  Delivery                                  // of whoever chose nothing
	Webhooks  []Webhook
	Templates Templates
}

// Encryption is how the way to the mail server is protected.
type Encryption string

// The ways of encryption.
const (
	StartTLS    Encryption = "starttls"
	TLS         Encryption = "tls"
	Unencrypted Encryption = "none"
)

// A MailServer takes mails.
type MailServer struct {
	Host       string
	Port       int
	Encryption Encryption
	User       string
	Password   secret.Reference
	From       string // Provisor <provisor@example.org>
	Authority  string // a file of certificates that its certificate must come from; "": the system's
}

// A Webhook is an address to which matters are posted.
type Webhook struct {
	ID      string
	URL     string
	Secret  secret.Reference // the key of the signature
	Topics  []Topic
	Scope   access.Scope
	Private bool // it may stand at a private address
}

// Principal is what a webhook may be told of: its topics, as far as its scope.
func (w Webhook) Principal(world access.World) access.Principal {
	profile := access.Profile{ID: "webhook"}
	for _, t := range topics {
		if slices.Contains(w.Topics, t.Topic) {
			profile.Permissions = append(profile.Permissions, t.Needs)
		}
	}
	profile.Permissions = append(profile.Permissions, access.OrdersView, access.RequestsView, access.FoundView, access.ConnectorsView)
	return access.Resolve("webhook "+w.ID, world.Person, []access.Profile{profile}, []access.Given{{Profile: profile.ID, Scopes: []access.Scope{w.Scope}, World: world}})
}

// lineMost is as much of a name or a reason as a line of a message bears.
const lineMost = 300

// Line makes one line of a text: whatever would begin another, or is no character
// that one sees, becomes a space.
func Line(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cf) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > lineMost {
		return string(runes[:lineMost-1]) + "…"
	}
	return text
}
