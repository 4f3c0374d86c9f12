package declare

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/secret"
)

type messagesDoc struct {
	place
	URL       text                   `yaml:"url" must:"yes" about:"The address under which people reach the pages: links begin with it."`
	Mail      mailDoc                `yaml:"mail" about:"The server that takes mails; without it, nobody is written to."`
	Addresses map[string]text        `yaml:"addresses" about:"By entity type: the property that holds a person's mail address."`
	Delivery  text                   `yaml:"delivery" default:"digest" words:"at-once|digest|none" about:"How people are told who chose nothing."`
	At        text                   `yaml:"at" default:"08:00" about:"At which hour of a day a digest comes."`
	Zone      text                   `yaml:"zone" default:"UTC" about:"The time zone of that hour, such as Europe/Berlin."`
	Webhooks  map[string]*webhookDoc `yaml:"webhooks" about:"Addresses of other systems to which matters are posted."`
	Templates templatesDoc           `yaml:"templates" about:"How a mail reads, in place of what is built in."`
}

type mailDoc struct {
	place
	Server     text `yaml:"server" must:"yes" about:"Host and port: smtp.example.org:587."`
	Encryption text `yaml:"encryption" default:"starttls" words:"starttls|tls|none" about:"How the way there is protected; none sends neither user nor password."`
	CAFile     text `yaml:"caFile" about:"A PEM file of the authority that its certificate comes from; the system's authorities when absent."`
	User       text `yaml:"user" about:"As whom Provisor signs in there; nobody when absent."`
	Password   text `yaml:"password" about:"A reference to the password."`
	From       text `yaml:"from" must:"yes" about:"The sender: Provisor <provisor@example.org>."`
}

type webhookDoc struct {
	place
	URL     text     `yaml:"url" must:"yes" about:"Where to post, by https."`
	Secret  text     `yaml:"secret" must:"yes" about:"A reference to the key of the signature."`
	Topics  []text   `yaml:"topics" about:"What is posted; all topics when absent."`
	Scope   scopeDoc `yaml:"scope" about:"How far it reaches."`
	Private flag     `yaml:"private" default:"false" about:"It may stand at a private address; an address that is written as numbers always may."`
}

type templatesDoc struct {
	place
	Subject text `yaml:"subject" about:"The subject's template."`
	Text    text `yaml:"text" about:"The template of the part in plain text."`
	HTML    text `yaml:"html" about:"The template of the part in HTML."`
}

// messages builds what people are told of, how and when.
func (b *builder) messages() {
	doc := b.doc.Messages
	if !doc.isGiven() {
		return
	}
	s := &messages.Settings{
		URL: strings.TrimRight(doc.URL.Value, "/"), Addresses: map[schema.EntityType]schema.PropertyName{},
		Delivery:  messages.Delivery{How: messages.How(doc.Delivery.Value), At: doc.At.Value, Zone: doc.Zone.Value},
		Templates: messages.Templates{Subject: doc.Templates.Subject.Value, Text: doc.Templates.Text.Value, HTML: doc.Templates.HTML.Value},
	}
	if u, err := url.Parse(doc.URL.Value); doc.URL.given && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !confidential(u)) {
		b.find(doc.URL.Position, "messages.url", fmt.Sprintf("%q is no address of the pages", doc.URL.Value), "write it as https://provisor.example.org")
	}
	for name, d := range map[string]messages.Delivery{
		"at":   {How: messages.Digest, At: doc.At.Value, Zone: "UTC"},
		"zone": {How: messages.Digest, At: "08:00", Zone: doc.Zone.Value},
	} {
		if err := d.Check(); err != nil {
			at := map[string]text{"at": doc.At, "zone": doc.Zone}[name]
			b.find(at.Position, join("messages", name), err.Error(), "")
		}
	}
	for entity, t := range sorted(doc.Addresses) {
		b.address(s, entity, t)
	}
	if doc.Mail.isGiven() {
		s.Mail = b.mailServer(doc.Mail)
	}
	for id, w := range sorted(doc.Webhooks) {
		s.Webhooks = append(s.Webhooks, b.webhook(id, w))
	}
	for _, wrong := range s.Templates.Check() {
		at := map[string]text{"subject": doc.Templates.Subject, "text": doc.Templates.Text, "html": doc.Templates.HTML}[wrong.Part]
		b.find(at.Position, "messages.templates."+wrong.Part, "the template cannot be used: "+wrong.Err.Error(), "docs/operate/messages.md lists what a template can say")
	}
	b.messageSettings = s
}

// address says where the mail addresses of an entity type's people stand.
func (b *builder) address(s *messages.Settings, entity string, t text) {
	object := join("messages.addresses", entity)
	e, ok := b.entity(text{place: place{Position: b.keys[object], given: true}, Value: entity}, object)
	if !ok {
		return
	}
	p, ok := b.property(t, object, e)
	if ok && p.IsLink() {
		b.find(t.Position, object, t.Value+" is a link and no mail address", "name a property that holds a text")
	}
	s.Addresses[e.Type] = p.Name
}

func (b *builder) mailServer(doc mailDoc) *messages.MailServer {
	m := &messages.MailServer{
		Encryption: messages.Encryption(doc.Encryption.Value), User: doc.User.Value, Password: secret.Reference(doc.Password.Value),
		From: doc.From.Value, Authority: doc.CAFile.Value,
	}
	host, port, err := net.SplitHostPort(doc.Server.Value)
	if err == nil {
		m.Host = host
		m.Port, err = strconv.Atoi(port)
	}
	if doc.Server.given && (err != nil || host == "" || m.Port < 1 || m.Port > 65535) {
		b.find(doc.Server.Position, "messages.mail.server", fmt.Sprintf("%q is no host with a port", doc.Server.Value), "write it as smtp.example.org:587")
	}
	if _, err := mail.ParseAddress(doc.From.Value); doc.From.given && err != nil {
		b.find(doc.From.Position, "messages.mail.from", fmt.Sprintf("%q is no sender", doc.From.Value), "write it as Provisor <provisor@example.org>")
	}
	b.reference(doc.Password, "messages.mail.password")
	switch {
	case doc.User.given != doc.Password.given:
		b.find(doc.Position, "messages.mail", "user and password go together", "give both, or neither for a server that asks for none")
	case doc.User.given && m.Encryption == messages.Unencrypted && !loopback(m.Host):
		b.find(doc.Password.Position, "messages.mail.password", "a password would go over the network without encryption", "use starttls or tls, or a server that asks for no password")
	}
	return m
}

func (b *builder) reference(t text, object string) {
	if !t.given {
		return
	}
	if !secret.IsReference(t.Value) {
		b.find(t.Position, object, "a secret stands in the configuration", "write a reference, such as secret:env/NAME or secret:store/NAME")
	} else if err := secret.Reference(t.Value).Check(); err != nil {
		b.find(t.Position, object, err.Error(), "write it as secret:env/NAME, secret:file/PATH or secret:store/NAME")
	}
}

func (b *builder) webhook(id string, doc *webhookDoc) messages.Webhook {
	object := join("messages.webhooks", id)
	b.named(identifier, id, doc.Position, object)
	w := messages.Webhook{ID: id, URL: doc.URL.Value, Secret: secret.Reference(doc.Secret.Value), Scope: b.scope(doc.Scope, join(object, "scope")), Private: doc.Private.Value}
	if u, err := url.Parse(w.URL); doc.URL.given && (err != nil || u.Host == "" || u.User != nil || !confidential(u)) {
		b.find(doc.URL.Position, join(object, "url"), fmt.Sprintf("%q is no address to which matters can be posted", w.URL), "write it as https://hooks.example.org/provisor, without user and password")
	}
	b.reference(doc.Secret, join(object, "secret"))
	var known []string
	for _, t := range messages.Topics() {
		known = append(known, string(t.Topic))
	}
	w.Topics = typed[messages.Topic](doc.Topics)
	for i, t := range doc.Topics {
		if !slices.Contains(known, t.Value) {
			b.unknown(t, fmt.Sprintf("%s.topics[%d]", object, i), "topic", known)
		}
		whole := t.Value == string(messages.JobTopic) || t.Value == string(messages.ReadingTopic)
		if whole && !w.Scope.IsZero() {
			b.find(t.Position, fmt.Sprintf("%s.topics[%d]", object, i), t.Value+" is about the whole installation: with a scope, nothing of it is posted", "use another webhook without a scope for it")
		}
	}
	if len(doc.Topics) == 0 {
		w.Topics = typedTexts[messages.Topic](known)
	}
	if w.Scope.Self || w.Scope.Team {
		b.find(doc.Scope.Position, join(object, "scope"), "a webhook is nobody of the directory: it has neither a self nor a team", "name departments, resource types, roles or categories")
	}
	return w
}

func typedTexts[T ~string](list []string) []T {
	out := make([]T, len(list))
	for i, t := range list {
		out[i] = T(t)
	}
	return out
}

// confidential reports whether an address is reached encrypted, or on this machine.
func confidential(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

// take is the section as a file gives it: one file only may.
func (m *messagesDoc) take(from messagesDoc, object string) fault.Findings {
	switch {
	case !from.isGiven():
	case m.isGiven():
		return fault.Findings{{File: from.Position.File, Line: from.Position.Line, Column: from.Position.Column, Object: object,
			What: fmt.Sprintf("it is declared a second time; first in %s:%d", m.Position.File, m.Position.Line), Do: "keep one of the two"}}
	default:
		*m = from
	}
	return nil
}
