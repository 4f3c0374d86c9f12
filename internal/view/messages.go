package view

import "time"

// MessageFilter chooses messages, as a rule the newest first.
type MessageFilter struct {
	State     string // waiting, sent, failed
	Recipient string
	Oldest    bool  // the oldest first
	Before    int64 // the cursor: the last message of the page before
	Limit     int
}

// MessagePage is one page of messages. Before is the next page's cursor, 0 at the end.
type MessagePage struct {
	Messages []Message `json:"messages"`
	Before   int64     `json:"before,omitempty"`
}

// Message is what somebody was told, or is to be.
type Message struct {
	ID        int64     `json:"id"`
	Way       string    `json:"way"` // mail, webhook
	Recipient string    `json:"recipient"`
	Address   string    `json:"address"`
	Subject   string    `json:"subject"`
	At        time.Time `json:"at"`
	State     string    `json:"state"` // waiting, sent, failed
	Attempts  int       `json:"attempts"`
	Next      time.Time `json:"next,omitzero"` // attempt, of one that waits
	Sent      time.Time `json:"sent,omitzero"`
	Why       string    `json:"why,omitempty"` // it was not sent
}
