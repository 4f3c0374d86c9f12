package stage

import (
	"time"

	"provisor.dev/provisor/internal/domain/messages"
)

// MessageState says what became of a message.
type MessageState string

// The states of a message.
const (
	MessageWaiting MessageState = "waiting" // to be sent, for the first time or again
	MessageSent    MessageState = "sent"
	MessageFailed  MessageState = "failed" // given up, until a person asks for it again
)

// The ways that a message goes.
const (
	ByMail    = "mail"
	ByWebhook = "webhook"
)

// A Message is what somebody is told. It is kept until it is sent, and for some
// time after.
type Message struct {
	ID        int64
	Way       string
	Recipient string // Person:E1, account anna, webhook chat
	Address   string // where it goes
	Subject   string
	Content   []byte // a letter that is written, or what is posted
	At        time.Time
	State     MessageState
	Attempts  int
	Next      time.Time // when it is tried next
	Sent      time.Time
	Why       string // it was not sent
}

// Told is what a recipient was told of and may still be waiting for him.
type Told struct {
	Matters  map[string]bool // their keys
	Delivery messages.Delivery
	Digest   time.Time // when the last digest was written, or he was first known
}

// A Telling is what becomes known to a recipient at once: messages to be sent,
// and what they tell of.
type Telling struct {
	Recipient string
	At        time.Time
	Told      []string
	Forget    []string // what waits no longer: should it come back, it is told again
	Messages  []Message
	Digest    time.Time // zero: it stays as it was
}
