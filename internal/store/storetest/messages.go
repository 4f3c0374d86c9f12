package storetest

import (
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/view"
)

func telling(t *testing.T, b *bench) {
	mail := stage.Message{Way: stage.ByMail, Address: "ada@example.org", Subject: "two", Content: []byte("{}")}
	first := stage.Telling{Recipient: "Person:ada", At: b.now, Told: []string{"review/1", "review/2"}, Messages: []stage.Message{mail}, Digest: b.now}
	must(t, b.Tell(b.ctx, first))
	told, err := b.Told(b.ctx, "Person:ada")
	must(t, err)
	want(t, "told", told, stage.Told{Matters: map[string]bool{"review/1": true, "review/2": true}, Digest: b.now})

	again := stage.Telling{Recipient: "Person:ada", At: b.now, Told: []string{"review/3", "review/2"}, Messages: []stage.Message{mail}}
	want(t, "what was told meanwhile", fault.KindOf(b.Tell(b.ctx, again)), fault.Conflict)
	again.Forget = []string{"review/2"}
	must(t, b.Tell(b.ctx, again))
	told, err = b.Told(b.ctx, "Person:ada")
	must(t, err)
	want(t, "told then", len(told.Matters), 3)

	page, err := b.Views().Messages(b.ctx, view.MessageFilter{Limit: 1})
	must(t, err)
	want(t, "the newest", words(page.Messages[0].ID, page.Messages[0].State, page.Before), "2 waiting 2")
	page, err = b.Views().Messages(b.ctx, view.MessageFilter{Before: page.Before, Recipient: "Person:ada"})
	must(t, err)
	want(t, "a refused telling leaves no message", words(len(page.Messages), page.Messages[0].ID, page.Before), "1 1 0")

	chosen := messages.Delivery{How: messages.AtOnce, Zone: "Europe/Berlin"}
	must(t, b.SetDelivery(b.ctx, b.act("choose delivery"), "Person:ada", chosen))
	told, err = b.Told(b.ctx, "Person:ada")
	must(t, err)
	want(t, "chosen", words(told.Delivery, told.Digest), words(chosen, b.now))
}

func messageLease(t *testing.T, b *bench) {
	must(t, b.Tell(b.ctx, stage.Telling{Recipient: "Person:ada", At: b.now, Told: []string{"a"}, Messages: []stage.Message{
		{Way: stage.ByMail, Content: []byte("one")}, {Way: stage.ByMail, Content: []byte("two")}, {Way: stage.ByWebhook, Content: []byte("three")},
	}}))
	claim := func(after time.Duration) []stage.Message {
		now := b.now.Add(after)
		list, err := b.ClaimMessages(b.ctx, stage.ByMail, now, now.Add(time.Minute), 10)
		must(t, err)
		return list
	}
	list := claim(0)
	want(t, "handed out", words(len(list), string(list[0].Content), list[0].Attempts), "2 one 1")
	want(t, "nobody else gets them", len(claim(time.Second)), 0)
	sent := list[0]
	sent.State, sent.Sent = stage.MessageSent, b.now
	must(t, b.NoteMessage(b.ctx, sent))
	list = claim(2 * time.Minute)
	want(t, "the other after its lease", words(len(list), string(list[0].Content), list[0].Attempts), "1 two 2")
	failed := list[0]
	failed.State, failed.Why = stage.MessageFailed, "nobody there"
	must(t, b.NoteMessage(b.ctx, failed))
	want(t, "what was given up", len(claim(time.Hour)), 0)
	n, err := b.RetryMessages(b.ctx, b.act("retry messages"))
	must(t, err)
	want(t, "asked for again, the webhook's too", n, 2)
	list = claim(0)
	want(t, "due again", words(len(list), list[0].Attempts, list[0].Why), "1 1 nobody there")
	must(t, b.DropMessages(b.ctx, b.now.Add(time.Hour)))
	page, err := b.Views().Messages(b.ctx, view.MessageFilter{})
	must(t, err)
	want(t, "what was sent is forgotten", len(page.Messages), 2)
}
