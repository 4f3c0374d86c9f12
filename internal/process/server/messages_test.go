package server

import (
	"errors"
	"testing"
	"time"
)

func TestARoundThatFailsIsOneMatterUntilOneSucceeds(t *testing.T) {
	var l lastRound
	at := time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)
	if l.note(at, nil); len(l.failures()) != 0 {
		t.Error("a round that succeeded fails")
	}
	l.note(at.Add(time.Minute), errors.New("one"))
	l.note(at.Add(time.Hour), errors.New("two"))
	if f := l.failures(); len(f) != 1 || !f[0].Since.Equal(at.Add(time.Minute)) || f[0].Why != "two" {
		t.Errorf("%+v", f)
	}
	l.note(at.Add(2*time.Hour), nil)
	if f := l.failures(); len(f) != 0 {
		t.Errorf("mended, and still told: %+v", f)
	}
}
