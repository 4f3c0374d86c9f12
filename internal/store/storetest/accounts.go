package storetest

import (
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/store/statement"
)

func accounts(t *testing.T, b *bench) {
	has, err := b.HasAccounts(b.ctx)
	must(t, err)
	want(t, "anybody at first", has, false)
	anna := statement.Account{Name: "anna", Person: ada, Hash: "$argon2id$", Epoch: 1}
	must(t, b.AddAccount(b.ctx, b.act("add account"), anna))
	if err := b.AddAccount(b.ctx, b.act("add account"), anna); fault.KindOf(err) != fault.Conflict {
		t.Errorf("the same again: %v", err)
	}
	must(t, b.AddAccount(b.ctx, b.act("add account"), statement.Account{Name: "olga", Issuer: "https://idp", Subject: "77"}))
	if err := b.AddAccount(b.ctx, b.act("add account"), statement.Account{Name: "other", Issuer: "https://idp", Subject: "77"}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("one user of the provider twice: %v", err)
	}
	must(t, b.ChangeAccount(b.ctx, b.act("disable account"), "anna", func(a *statement.Account) error {
		a.Disabled, a.Epoch = b.now, a.Epoch+1
		return nil
	}))
	got, err := b.Account(b.ctx, "anna")
	must(t, err)
	anna.Disabled, anna.Epoch, anna.At, anna.By = b.now, 2, b.now, "storetest"
	want(t, "as it was changed", got, anna)
	olga, found, err := b.AccountOf(b.ctx, "https://idp", "77")
	must(t, err)
	want(t, "of the provider", words(olga.Name, found), "olga true")
	if _, found, err := b.AccountOf(b.ctx, "", ""); found || err != nil {
		t.Errorf("an account without a provider is found as everybody's: %v", err)
	}
	for _, err := range []error{b.ChangeAccount(b.ctx, b.act("x"), "none", func(*statement.Account) error { return nil }), errOf(b.Account(b.ctx, "none"))} {
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("an account that is not there: %v", err)
		}
	}
	list, err := b.Accounts(b.ctx)
	must(t, err)
	has, err = b.HasAccounts(b.ctx)
	must(t, err)
	want(t, "all", words(len(list), has), "2 true")
}

func errOf[T any](_ T, err error) error { return err }

func firstLink(t *testing.T, b *bench) {
	must(t, b.PutFirstLink(b.ctx, b.act("make link"), statement.FirstLink{Hash: "old", Expires: b.now.Add(time.Hour)}))
	must(t, b.PutFirstLink(b.ctx, b.act("make link"), statement.FirstLink{Hash: "new", Expires: b.now.Add(time.Hour)}))
	admin := access.ProfileAssignment{Holder: access.Holder{Account: "root"}, Profile: access.Administrator, How: access.ByHand}
	take := func(hash string) error {
		return b.FirstAccount(b.ctx, b.act("first account"), hash, statement.Account{Name: "root"}, admin)
	}
	if err := take("old"); fault.KindOf(err) != fault.Denied {
		t.Errorf("a link that was replaced: %v", err)
	}
	b.now = b.now.Add(2 * time.Hour)
	if err := take("new"); fault.KindOf(err) != fault.Denied {
		t.Errorf("a link that is too old: %v", err)
	}
	b.now = b.now.Add(-2 * time.Hour)
	must(t, take("new"))
	if err := take("new"); fault.KindOf(err) != fault.Denied {
		t.Errorf("a link that was used: %v", err)
	}
	list, err := b.Profiles(b.ctx, statement.ProfileFilter{Holders: []access.Holder{{Account: "root"}}})
	must(t, err)
	if len(list) != 1 || list[0].Profile != access.Administrator {
		t.Errorf("the first account has %+v", list)
	}
}

func profiles(t *testing.T, b *bench) {
	given := access.ProfileAssignment{
		Holder: access.Holder{Person: ada}, Profile: "manager", How: access.ByHand, From: b.now, To: b.now.Add(time.Hour),
		Scope: access.Scope{ResourceTypes: []roles.ResourceTypeID{"Ledger"}, Places: map[roles.DimensionID][]resources.Key{"department": {"FIN"}}, Team: true},
	}
	act := b.act("assign profile")
	act.Why = "she leads it"
	id, err := b.AddProfile(b.ctx, act, given)
	must(t, err)
	delegated := given
	delegated.Holder, delegated.How, delegated.Delegator = access.Holder{Account: "olga"}, access.Delegation, given.Holder
	_, err = b.AddProfile(b.ctx, b.act("delegate profile"), delegated)
	must(t, err)
	list, err := b.Profiles(b.ctx, statement.ProfileFilter{Holders: []access.Holder{{Person: ada}, {Account: "anna"}}})
	must(t, err)
	given.ID, given.By, given.At, given.Why = id, "storetest", b.now, "she leads it"
	want(t, "as it was given", list, []access.ProfileAssignment{given})
	list, err = b.Profiles(b.ctx, statement.ProfileFilter{Holders: []access.Holder{}})
	must(t, err)
	want(t, "of nobody", len(list), 0)
	must(t, b.RevokeProfile(b.ctx, b.act("revoke profile"), id))
	if err := b.RevokeProfile(b.ctx, b.act("revoke profile"), id); fault.KindOf(err) != fault.NotFound {
		t.Errorf("revoked twice: %v", err)
	}
	list, err = b.Profiles(b.ctx, statement.ProfileFilter{})
	must(t, err)
	want(t, "all, with who delegated", words(len(list), list[0].Revoked.Equal(b.now), list[1].Revoked.IsZero(), list[1].Delegator), "2 true true Person:ada")
}

func sessions(t *testing.T, b *bench) {
	must(t, b.PutSession(b.ctx, "a", []byte("one"), b.now.Add(time.Hour), b.now))
	must(t, b.PutSession(b.ctx, "a", []byte("two"), b.now.Add(time.Hour), b.now))
	content, found, err := b.Session(b.ctx, "a", b.now)
	must(t, err)
	want(t, "kept", words(string(content), found), "two true")
	if _, found, err := b.Session(b.ctx, "a", b.now.Add(time.Hour)); found || err != nil {
		t.Errorf("a session that is over: %v, %v", found, err)
	}
	must(t, b.PutSession(b.ctx, "b", []byte{1}, b.now.Add(3*time.Hour), b.now.Add(2*time.Hour)))
	want(t, "what is over is swept", b.rows(t, `SELECT count(*) FROM session`), 1)
	must(t, b.DeleteSession(b.ctx, "b"))
	must(t, b.DeleteSession(b.ctx, "b"))
	if _, found, _ := b.Session(b.ctx, "b", b.now); found {
		t.Error("a session that was ended is there")
	}
}

func tokens(t *testing.T, b *bench) {
	x := statement.Token{Hash: "h", Account: "anna", Name: "ci", Epoch: 4, Expires: b.now.Add(time.Hour)}
	id, err := b.AddToken(b.ctx, b.act("create token"), x)
	must(t, err)
	must(t, b.TokenUsed(b.ctx, id, b.now))
	got, found, err := b.Token(b.ctx, "h")
	must(t, err)
	x.ID, x.At, x.By, x.Used = id, b.now, "storetest", b.now
	want(t, "as it was made", words(got, found), words(x, true))
	if _, found, err := b.Token(b.ctx, "other"); found || err != nil {
		t.Errorf("a token that nobody made: %v %v", found, err)
	}
	must(t, b.RevokeToken(b.ctx, b.act("revoke token"), id))
	if err := b.RevokeToken(b.ctx, b.act("revoke token"), id); fault.KindOf(err) != fault.NotFound {
		t.Errorf("revoked twice: %v", err)
	}
	list, err := b.Tokens(b.ctx, "anna")
	must(t, err)
	want(t, "listed", words(len(list), list[0].Revoked.Equal(b.now)), "1 true")
}

func below(t *testing.T, b *bench) {
	var put []resources.Resource
	for _, p := range [][2]string{{"ALL", ""}, {"FIN", "ALL"}, {"FIN-A", "FIN"}, {"OPS", "ALL"}, {"X", "Y"}, {"Y", "X"}} {
		r := resources.Resource{Ref: resources.Ref{Type: "Person", Key: resources.Key(p[0])}, Display: p[0]}
		if p[1] != "" {
			r.Links = map[schema.PropertyName][]resources.Key{"parent": {resources.Key(p[1])}}
		}
		put = append(put, r)
	}
	b.read(t, statement.Changes{Put: put})
	for from, expected := range map[resources.Key]string{"ALL": "[ALL FIN FIN-A OPS]", "FIN": "[FIN FIN-A]", "OPS": "[OPS]", "X": "[X Y]", "gone": "[gone]"} {
		got, err := b.Below(b.ctx, "Person", "parent", from)
		must(t, err)
		want(t, "below "+string(from), got, expected)
	}
}
