package declare

import (
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/messages"
)

const messagesWhole = `messages:
  url: https://provisor.example.org/
  mail: {server: "smtp.example.org:587", user: provisor, password: "secret:store/smtp", from: "Provisor <provisor@example.org>"}
  addresses: {Person: mail}
  delivery: at-once
  at: "07:30"
  zone: Europe/Berlin
  webhooks:
    chat: {url: "https://hooks.example.org/x", secret: "secret:store/chat", topics: [errored, threshold], scope: {resourceTypes: [T]}}
  templates: {subject: "{{.Count}} for {{.To}}"}
`

func TestMessagesLoadWithTheirSecretsByReference(t *testing.T) {
	c, err := Load(Files{"a.yaml": []byte(base), "b.yaml": []byte(messagesWhole)}, packages())
	if err != nil {
		t.Fatal(err)
	}
	s := c.Messages
	if s.URL != "https://provisor.example.org" || s.Mail.Host != "smtp.example.org" || s.Mail.Port != 587 || s.Mail.Encryption != messages.StartTLS ||
		s.Addresses["Person"] != "mail" || s.Delivery != (messages.Delivery{How: messages.AtOnce, At: "07:30", Zone: "Europe/Berlin"}) ||
		len(s.Webhooks) != 1 || len(s.Webhooks[0].Topics) != 2 || s.Webhooks[0].Scope.String() != "resource types T" || s.Templates.Subject == "" {
		t.Errorf("%+v", s)
	}
	var settings []string
	for _, use := range c.StoredSecrets() {
		settings = append(settings, use.Name+" "+use.Setting)
	}
	if got := strings.Join(settings, ", "); got != "smtp messages.mail.password, chat messages.webhooks.chat.secret" {
		t.Error(got)
	}
	written, err := Export(c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(Files{"all.yaml": written}, packages())
	if err != nil || len(Compare(c, again)) > 0 {
		t.Errorf("%v %+v\n%s", err, Compare(c, again), written)
	}
	none, err := Load(Files{"a.yaml": []byte(base)}, packages())
	if err != nil || none.Messages != nil {
		t.Errorf("without the section: %v %+v", err, none.Messages)
	}
}

func TestMessagesThatCannotBeSentAreFindings(t *testing.T) {
	const url = "url: 'https://p.example.org'"
	mail := func(more string) string { return "messages: {" + url + ", mail: {from: p@example.org, " + more + "}}" }
	hook := func(more string) string { return "messages: {" + url + ", webhooks: {w: {" + more + "}}}" }
	for doc, want := range map[string]string{
		"messages: {delivery: digest}":                                                                       "url is missing",
		"messages: {url: 'http://p.example.org'}":                                                            "no address of the pages",
		"messages: {url: 'https://p.example.org?x=1'}":                                                       "no address of the pages",
		"messages: {" + url + ", at: '25:00'}":                                                               "no hour of a day",
		"messages: {" + url + ", zone: Europe/Atlantis}":                                                     "no time zone",
		"messages: {" + url + ", zone: Local}":                                                               "no time zone",
		"messages: {" + url + ", delivery: hourly}":                                                          "not a word for delivery",
		"messages: {" + url + ", addresses: {Robot: mail}}":                                                  "no entity type Robot",
		"messages: {" + url + ", addresses: {Person: male}}":                                                 "called male",
		"messages: {" + url + ", addresses: {Person: unit}}":                                                 "a link and no mail address",
		"messages: {" + url + ", templates: {text: '{{.Subject}}'}}":                                         "template cannot be used",
		"messages: {" + url + ", templates: {html: '{{if}}'}}":                                               "template cannot be used",
		mail("server: smtp.example.org"):                                                                     "no host with a port",
		mail("server: 'smtp.example.org:99999'"):                                                             "no host with a port",
		mail("server: 'h:25', user: u"):                                                                      "user and password go together",
		mail("server: 'h:25', user: u, password: hunter2"):                                                   "a secret stands in the configuration",
		mail("server: 'h:25', user: u, password: 'secret:vault/x'"):                                          "secret",
		mail("server: 'h:25', encryption: none, user: u, password: 'secret:env/X'"):                          "without encryption",
		"messages: {" + url + ", mail: {server: 'h:25', from: nobody}}":                                      "no sender",
		hook("url: 'http://h.example.org', secret: 'secret:env/X'"):                                          "no address to which",
		hook("url: 'https://u:p@h.example.org', secret: 'secret:env/X'"):                                     "no address to which",
		hook("url: 'https://h.example.org'"):                                                                 "secret is missing",
		hook("url: 'https://h.example.org', secret: hunter2"):                                                "a secret stands in the configuration",
		hook("url: 'https://h.example.org', secret: 'secret:env/X', topics: [erored]"):                       "no topic erored",
		hook("url: 'https://h.example.org', secret: 'secret:env/X', topics: [job], scope: {roles: [r]}"):     "whole installation",
		hook("url: 'https://h.example.org', secret: 'secret:env/X', topics: [errored], scope: {self: true}"): "nobody of the directory",
	} {
		findings := loadFaults(t, Files{"a.yaml": []byte(base), "b.yaml": []byte(doc + "\n")})
		if !said(findings, "b.yaml", want) {
			t.Errorf("%s: %s", doc, findings)
		}
		if strings.Contains(findings.Error(), "hunter2") {
			t.Errorf("%s: a finding shows the secret", doc)
		}
	}
	twice := loadFaults(t, Files{"a.yaml": []byte(base), "b.yaml": []byte("messages: {" + url + "}\n"), "c.yaml": []byte("messages: {" + url + "}\n")})
	if !said(twice, "c.yaml", "a second time") {
		t.Error(twice)
	}
}
