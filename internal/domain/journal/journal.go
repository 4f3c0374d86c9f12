// Package journal holds who did what, when and why. Every act that changes the
// store appends one entry to a chain of hashes in the same transaction; an
// edited, deleted or reordered entry breaks the chain.
package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// An Actor is who acts: the operating system's user or a process, and the
// person on whose behalf.
type Actor struct {
	Process string `json:"process"`      // "operator@host", "agent embedded"
	As      string `json:"as,omitempty"` // the person: key of a resource, or a name
}

// String names the person where there is one.
func (a Actor) String() string {
	if a.As != "" {
		return a.As
	}
	return a.Process
}

// An Act is something that is about to be done.
type Act struct {
	Actor   Actor
	Name    string // "approve order", "commit reading"
	Subject string // "order 12", "hr Person"
	Why     string
	At      time.Time
	Detail  any // marshalled to JSON; small
}

// An Entry is an act in the chain.
type Entry struct {
	Seq     int64           `json:"seq"`
	At      time.Time       `json:"at"`
	Actor   Actor           `json:"actor"`
	Name    string          `json:"act"`
	Subject string          `json:"subject,omitempty"`
	Why     string          `json:"why,omitempty"`
	Detail  json.RawMessage `json:"detail,omitempty"`
	Prev    string          `json:"prev"`
	Hash    string          `json:"hash"`
}

// Next makes the entry that follows prev (the zero Entry at the beginning).
func Next(prev Entry, act Act) (Entry, error) {
	e := Entry{
		Seq: prev.Seq + 1, At: act.At.UTC(), Actor: act.Actor, Name: act.Name,
		Subject: act.Subject, Why: act.Why, Prev: prev.Hash,
	}
	if act.Detail != nil {
		detail, err := json.Marshal(act.Detail)
		if err != nil {
			return Entry{}, fmt.Errorf("journal %s: %w", act.Name, err)
		}
		e.Detail = detail
	}
	e.Hash = e.sum()
	return e, nil
}

// sum hashes everything but the hash itself.
func (e Entry) sum() string {
	e.Hash = ""
	content, _ := json.Marshal(e) // every field marshals: Detail is valid JSON since Next made it
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Check reports what is wrong with the entry as the successor of prev, or nil.
func (e Entry) Check(prev Entry) error {
	switch {
	case e.Seq != prev.Seq+1:
		return fmt.Errorf("journal entry %d follows %d: an entry is missing or out of order", e.Seq, prev.Seq)
	case e.Prev != prev.Hash:
		return fmt.Errorf("journal entry %d does not name entry %d's hash: one of the two was changed", e.Seq, prev.Seq)
	case e.Hash != e.sum():
		return fmt.Errorf("journal entry %d was changed after it was written", e.Seq)
	}
	return nil
}
