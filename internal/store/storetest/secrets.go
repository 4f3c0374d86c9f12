package storetest

import (
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/store/statement"
)

func secrets(t *testing.T, b *bench) {
	a := statement.SealedSecret{Name: "a", Version: 1, Key: "key 1", Value: "sealed 1"}
	must(t, b.PutSecret(b.ctx, b.act("set secret"), a))
	must(t, b.PutSecret(b.ctx, b.act("set secret"), statement.SealedSecret{Name: "B", Version: 2, Key: "key 2", Value: "sealed 2"}))
	a.Version, a.Key, a.Value = 3, "key 3", "sealed 3"
	must(t, b.PutSecret(b.ctx, b.act("set secret"), a))
	got, err := b.SealedSecret(b.ctx, "a")
	must(t, err)
	want(t, "set again", got, a)

	stale := statement.SealedSecret{Name: "a", Version: 1, Key: "of a value that is gone"}
	must(t, b.RewrapSecrets(b.ctx, b.act("rewrap secrets"), []statement.SealedSecret{stale, {Name: "B", Version: 2, Key: "new key"}}))
	list, err := b.SealedSecrets(b.ctx)
	must(t, err)
	want(t, "rewrapped", list, []statement.SealedSecret{{Name: "B", Version: 2, Key: "new key", Value: "sealed 2"}, a})

	must(t, b.DeleteSecret(b.ctx, b.act("remove secret"), "B"))
	if err := b.DeleteSecret(b.ctx, b.act("remove secret"), "B"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := b.SealedSecret(b.ctx, "B"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("read after it was removed: %v", err)
	}
	shown, err := b.Views().Secrets(b.ctx)
	must(t, err)
	if len(shown) != 1 || shown[0].Name != "a" || !shown[0].At.Equal(b.now) || shown[0].By != "storetest" {
		t.Errorf("listed %+v", shown)
	}
	n, err := b.VerifyJournal(b.ctx)
	must(t, err)
	want(t, "journal entries", n, 5)
}
