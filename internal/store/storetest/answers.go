package storetest

import (
	"testing"
	"time"

	"provisor.dev/provisor/internal/stage"
)

func answers(t *testing.T, b *bench) {
	claim := func(id string, now time.Time) (stage.KeptAnswer, bool) {
		t.Helper()
		kept, first, err := b.ClaimAnswer(b.ctx, id, "asked", now.Add(time.Hour), now)
		must(t, err)
		return kept, first
	}
	if _, first := claim("a", b.now); !first {
		t.Error("nobody asked before, and somebody else does it")
	}
	kept, first := claim("a", b.now)
	want(t, "while it is being done", words(kept, first), words(stage.KeptAnswer{Request: "asked", Content: []byte{}}, false))
	done := stage.KeptAnswer{Request: "asked", Status: 200, Kind: "application/json", Content: []byte("{}")}
	must(t, b.KeepAnswer(b.ctx, "a", done))
	must(t, b.DropAnswer(b.ctx, "a"))
	kept, first = claim("a", b.now)
	want(t, "once it is done", words(kept, first), words(done, false))
	if _, first := claim("b", b.now); !first {
		t.Error("another id is answered by the first")
	}
	must(t, b.DropAnswer(b.ctx, "b"))
	if _, first := claim("b", b.now); !first {
		t.Error("an id that was given back is kept")
	}
	if _, first := claim("a", b.now.Add(time.Hour)); !first {
		t.Error("an answer is kept beyond its time")
	}
	want(t, "what is over is swept", b.rows(t, `SELECT count(*) FROM kept_answer`), 1)
}
