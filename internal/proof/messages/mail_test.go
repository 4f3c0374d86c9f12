package messages_test

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/surface/notify"
	"provisor.dev/provisor/internal/view"
)

const (
	atOnce = "  delivery: at-once\n"
	digest = "  delivery: digest\n  at: \"08:00\"\n"
)

var ledgers = access.Scope{ResourceTypes: []roles.ResourceTypeID{"LedgerAccount"}}
var badges = access.Scope{ResourceTypes: []roles.ResourceTypeID{"SiteBadge"}}

func TestEachIsToldOfWhatHisProfileReachesOnceAndByOneLink(t *testing.T) {
	s := newSink(t, "starttls")
	s.start(t)
	h := build(t, s.settings(atOnce), nil)
	h.account(t, "owner@example.org", "application-owner", ledgers)
	h.account(t, "desk@example.org", "technician", badges)
	h.account(t, "elsewhere@example.org", "application-owner", badges)
	h.account(t, "auditor@example.org", "auditor", access.Scope{})
	toReview, badge := h.waiting(t, "LedgerAccount"), h.waiting(t, "SiteBadge")
	h.tell(t, 0)

	for address, want := range map[string]struct {
		list []view.Order
		link string
	}{
		"owner@example.org": {toReview, "https://provisor.example.org/review/%d"},
		"desk@example.org":  {badge, "https://provisor.example.org/manual/%d"},
	} {
		got := s.to(t, address)
		if len(got) != len(want.list) {
			t.Errorf("%s got %d mails about %d orders", address, len(got), len(want.list))
		}
		for _, o := range want.list {
			link := fmt.Sprintf(want.link, o.ID)
			i := slices.IndexFunc(got, func(m taken) bool { return strings.Contains(m.body(t), link+"\r\n") })
			if i < 0 || got[i].User != "provisor" || !got[i].Encrypted {
				t.Errorf("%s got nothing that leads to %s", address, link)
			}
		}
	}
	if n := len(s.mails(t)); n != len(toReview)+len(badge) {
		t.Errorf("%d mails: somebody was told of what he may not see or do", n)
	}
	for range 3 {
		h.restart() // another process, with nothing in memory
		if sum := h.tell(t, time.Hour); sum.Written+sum.Sent != 0 {
			t.Errorf("what was told is told again: %+v", sum)
		}
	}
	// Approved, it waits no more; another one is told.
	if _, err := h.Desk().Decide(t.Context(), review.Decision{On: orders.Approve, Assigned: []orders.AssignedID{toReview[0].Assigned}, Why: "test"}); err != nil {
		t.Fatal(err)
	}
	if sum := h.tell(t, time.Minute); sum.Written != 0 {
		t.Errorf("a decided order is told: %+v", sum)
	}
	told, err := h.Told(t.Context(), "account owner@example.org")
	if err != nil || len(told.Matters) != len(toReview)-1 {
		t.Errorf("what waits no more is remembered: %+v %v", told, err)
	}
	h.canarySeen(t)
}

func TestADigestComesAtItsHourInItsReadersTimeZone(t *testing.T) {
	s := newSink(t, "none")
	s.start(t)
	h := build(t, s.settings(digest+"  zone: Europe/Berlin\n"), nil)
	h.account(t, "berlin@example.org", "administrator", access.Scope{})
	h.account(t, "new.york@example.org", "administrator", access.Scope{})
	h.account(t, "at.once@example.org", "administrator", access.Scope{})
	h.account(t, "never@example.org", "administrator", access.Scope{})
	for name, d := range map[string]messages.Delivery{
		"new.york": {At: "08:30", Zone: "America/New_York"}, "at.once": {How: messages.AtOnce}, "never": {How: messages.Never},
	} {
		if err := h.ChooseDelivery(t.Context(), "account "+name+"@example.org", d, ""); err != nil {
			t.Fatal(err)
		}
	}
	var order []string
	for h.now = day.Add(12 * time.Hour); h.now.Before(day.Add(60 * time.Hour)); h.now = h.now.Add(5 * time.Minute) {
		before := len(s.mails(t))
		h.tell(t, 0)
		for _, m := range s.mails(t)[before:] {
			order = append(order, h.now.Format("02 15:04 ")+m.To[0])
		}
	}
	want := []string{"01 12:00 at.once@example.org", "01 13:30 new.york@example.org", "02 07:00 berlin@example.org"}
	// At once, each matter comes by itself.
	if order = slices.Compact(order); !slices.Equal(order, want) {
		t.Errorf("mails came\n%s\nwant\n%s", strings.Join(order, "\n"), strings.Join(want, "\n"))
	}
	body := s.to(t, "berlin@example.org")[0].body(t)
	for _, link := range []string{"/review/", "/manual/"} {
		if !strings.Contains(body, "https://provisor.example.org"+link) {
			t.Errorf("the digest has no link to %s:\n%s", link, body)
		}
	}
}

func TestAMailSystemThatIsDownLosesNoMessageAndRepeatsNone(t *testing.T) {
	s := newSink(t, "starttls")
	h := build(t, s.settings(atOnce), nil)
	h.account(t, "owner@example.org", "application-owner", ledgers)
	h.account(t, "desk@example.org", "technician", badges)
	all := len(h.waiting(t, "LedgerAccount")) + len(h.waiting(t, "SiteBadge"))
	if sum := h.tell(t, 0); sum.Written != all || sum.Sent != 0 || sum.Failed != all {
		t.Fatalf("%+v", sum)
	}
	for range 160 { // nearly a week, an hour at a time
		h.tell(t, time.Hour)
	}
	waits := h.outbox(t, "waiting")
	if len(waits) != all || waits[0].Attempts < 150 || waits[0].Why == "" {
		t.Fatalf("%+v", waits)
	}
	s.start(t)
	h.restart()
	h.tell(t, time.Hour)
	h.tell(t, time.Hour)
	if n := len(s.mails(t)); n != all || len(h.outbox(t, "sent")) != all {
		t.Errorf("%d mails came", n)
	}
	h.canarySeen(t)
}

func TestARefusedAddressIsGivenUpAndAFullBoxIsTriedAgain(t *testing.T) {
	s := newSink(t, "tls")
	s.start(t)
	h := build(t, s.settings(atOnce), nil)
	h.account(t, "nobody@example.org", "application-owner", ledgers)
	h.account(t, "later@example.org", "application-owner", ledgers)
	h.account(t, "owner@example.org", "application-owner", ledgers)
	each := len(h.waiting(t, "LedgerAccount"))
	h.tell(t, 0)
	failed, waits := h.outbox(t, "failed"), h.outbox(t, "waiting")
	if len(failed) != each || failed[0].Address != "nobody@example.org" || !strings.Contains(failed[0].Why, "no such user") {
		t.Errorf("%+v", failed)
	}
	if len(waits) != each || waits[0].Address != "later@example.org" || !waits[0].Next.After(h.now) {
		t.Errorf("%+v", waits)
	}
	if len(s.to(t, "owner@example.org")) != each {
		t.Error("a refused mail kept another one back")
	}
	if n, err := h.RetryMessages(t.Context(), "the address is there now"); int(n) != 2*each || err != nil {
		t.Errorf("%d messages are due again: %v", n, err)
	}
	if sum := h.tell(t, time.Minute); sum.Failed != 2*each {
		t.Errorf("%+v", sum)
	}
	// What is refused for now for days is given up at some time.
	for range 120 {
		h.tell(t, 2*time.Hour)
	}
	if waits := h.outbox(t, "waiting"); len(waits) != 0 {
		t.Errorf("tried for ever: %+v", waits)
	}
}

func TestAMailAtWhichTheServerHangsUpKeepsNoOtherBack(t *testing.T) {
	s := newSink(t, "starttls")
	s.start(t)
	h := build(t, s.settings(atOnce), nil)
	for _, name := range []string{"cut@example.org", "owner@example.org"} {
		h.account(t, name, "application-owner", ledgers)
	}
	each := len(h.waiting(t, "LedgerAccount"))
	h.tell(t, 0)
	if got := len(s.to(t, "owner@example.org")); got != each {
		t.Errorf("%d of %d came", got, each)
	}
	if waits := h.outbox(t, "waiting"); len(waits) != each || waits[0].Address != "cut@example.org" {
		t.Errorf("%+v", waits)
	}
	for range 120 {
		h.tell(t, 2*time.Hour)
	}
	if failed := h.outbox(t, "failed"); len(failed) != each {
		t.Errorf("tried for ever: %+v", h.outbox(t, "waiting"))
	}
}

// dying is a store whose process dies before it could note that a message was sent.
type dying struct{ notify.Store }

var errDied = errors.New("killed")

func (dying) NoteMessage(context.Context, stage.Message) error { return errDied }

func TestAMessageWhoseSendingWasCutOffComesAgainUnderTheSameNumber(t *testing.T) {
	s := newSink(t, "none")
	s.start(t)
	h := build(t, s.settings(atOnce), nil)
	h.account(t, "owner@example.org", "application-owner", ledgers)
	h.runner.Store = dying{h.runner.Store}
	if _, err := h.runner.Run(t.Context(), h.now); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	h.restart()
	if sum := h.tell(t, 10*time.Minute); sum.Sent != 0 {
		t.Error("sent again while its lease holds")
	}
	h.tell(t, 30*time.Minute)
	came := map[string]int{}
	for _, m := range s.mails(t) {
		came[m.read(t).Header.Get("Message-Id")]++
	}
	twice := 0
	for _, n := range came {
		if n == 2 {
			twice++
		}
	}
	all := len(h.waiting(t, "LedgerAccount"))
	if len(came) != all || twice != 1 {
		t.Errorf("%d orders, %v", all, came)
	}
	h.tell(t, time.Hour)
	if len(s.mails(t)) != all+1 {
		t.Error("a mail comes a third time")
	}
}

func TestANameWithLinesOfItsOwnStaysAName(t *testing.T) {
	const evil = "Ada\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script>"
	s := newSink(t, "none")
	s.start(t)
	h := build(t, s.settings(atOnce+"  templates: {subject: \"{{.To}}: {{with .One}}{{.Title}}{{end}}\"}\n"), func(dir string) {
		name := filepath.Join(dir, "hr", "employees.csv")
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
		for i := range lines[1:] {
			cells := strings.Split(lines[i+1], ";")
			cells[1] = "\"" + evil + "\""
			lines[i+1] = strings.Join(cells, ";")
		}
		if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	h.member(t, "boss", resources.Ref{Type: "Person", Key: "E00005"}, "administrator", access.Scope{})
	h.tell(t, 0)
	got := s.mails(t)
	if len(got) == 0 {
		t.Fatal("nobody was told")
	}
	for _, m := range got {
		head := m.read(t).Header
		if head.Get("Bcc") != "" || len(m.To) != 1 {
			t.Errorf("a name became a line of the head: %v to %v", head, m.To)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(head.Get("Subject"))
		if err != nil || !strings.Contains(subject, "Ada Bcc: all@example.org") {
			t.Errorf("%q %v", subject, err)
		}
		if _, html, _ := strings.Cut(m.body(t), "<!DOCTYPE html>"); !strings.Contains(html, "&lt;script&gt;") || strings.Contains(html, "<script") {
			t.Errorf("a name became markup:\n%s", html)
		}
	}
}

func TestATestMailSaysWhatIsWrongAndNeverThePassword(t *testing.T) {
	s := newSink(t, "starttls")
	s.start(t)
	h := build(t, s.settings(atOnce), nil)
	if err := h.TestMessage(t.Context(), "ada@example.org"); err != nil || len(s.to(t, "ada@example.org")) != 1 {
		t.Fatalf("%v: %d mails", err, len(s.mails(t)))
	}
	if err := h.TestMessage(t.Context(), "ada@example.org\r\nBcc: all@example.org"); err == nil {
		t.Error("an address of two lines is taken")
	}
	if err := h.TestMessage(t.Context(), "nobody@example.org"); err == nil || !strings.Contains(err.Error(), "no such user") {
		t.Errorf("%v", err)
	}
	other, _ := certificate(t)
	s.stop()
	s.password = "another" // the server repeats the password that it refuses
	s.start(t)
	wrong := h.TestMessage(t.Context(), "ada@example.org")
	if wrong == nil || !strings.Contains(wrong.Error(), "wrong password") {
		t.Errorf("%v", wrong)
	}
	h.deploy(t, strings.Replace(s.settings(atOnce), s.cert, other, 1))
	untrusted := h.TestMessage(t.Context(), "ada@example.org")
	if untrusted == nil || !strings.Contains(untrusted.Error(), "certificate") {
		t.Errorf("%v", untrusted)
	}
	s.stop()
	s.mode, s.password = "plain", canary
	s.start(t)
	s.mode = "starttls"
	h.deploy(t, s.settings(atOnce))
	plain := h.TestMessage(t.Context(), "ada@example.org")
	if plain == nil || !strings.Contains(plain.Error(), "STARTTLS") || len(s.to(t, "ada@example.org")) != 1 {
		t.Errorf("a password went to a server without encryption: %v", plain)
	}
	h.canarySeen(t, wrong.Error(), untrusted.Error(), fmt.Sprint(plain))
}
