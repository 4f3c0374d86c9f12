package signin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/process/signin"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/view"
)

// principal is what an account may do now.
func (h *house) principal(t *testing.T, a stage.Account) access.Principal {
	t.Helper()
	p, err := h.AccessDesk().Principal(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const ruled = `profiles:
  user: {assign: [{entity: Person}]}
  manager: {assign: [{entity: Person}]}
  desk:
    permissions: [home.view, orders.view]
    assign: [{entity: Person, match: {department: MKT}, inherit: [department], scope: {places: {department: [MKT]}}}]
`

// somebody finds a person with a manager, in or below a department.
func (h *house) somebody(t *testing.T, fits func(department, manager string) bool) (who resources.Ref, manager resources.Ref) {
	t.Helper()
	page, err := h.Views().People(t.Context(), view.PeopleFilter{Entity: "Person", Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.People {
		ref := resources.Ref{Type: "Person", Key: resources.Key(o.Key)}
		p, err := h.Views().Person(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		department, boss := append(p.Links["department"], "")[0], append(p.Links["manager"], "")[0]
		if fits(department, boss) {
			return ref, resources.Ref{Type: "Person", Key: resources.Key(boss)}
		}
	}
	t.Fatal("nobody fits")
	return
}

func person(ref resources.Ref) access.Subject { return access.Subject{Kind: access.Person, Owner: ref} }

func TestRulesGiveProfilesToThoseWhoStandThereNow(t *testing.T) {
	h := build(t, ruled)
	inMarketing, boss := h.somebody(t, func(d, m string) bool { return strings.HasPrefix(d, "MKT-") && m != "" })
	elsewhere, _ := h.somebody(t, func(d, m string) bool { return strings.HasPrefix(d, "SAL") && m != "" })
	in, out := h.principal(t, stage.Account{Name: "a", Person: inMarketing}), h.principal(t, stage.Account{Name: "b", Person: elsewhere})
	if !in.Has(access.OrdersView) || out.Has(access.OrdersView) {
		t.Error("a rule gives its profile to the wrong people")
	}
	if !in.May(access.AccessView, person(inMarketing)) || in.May(access.AccessView, person(elsewhere)) {
		t.Error("a user sees somebody else, or not himself")
	}
	visible := func(p access.Principal, x access.Permission) map[string]bool {
		page, err := h.Views().Within(p.Filter(x)).People(t.Context(), view.PeopleFilter{Entity: "Person", Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		keys := map[string]bool{}
		for _, o := range page.People {
			keys[o.Key] = true
		}
		return keys
	}
	if seen := visible(in, access.OrdersView); !seen[string(inMarketing.Key)] || seen[string(elsewhere.Key)] {
		t.Errorf("those below the department are not reached, or others: %v", seen)
	}
	leads := h.principal(t, stage.Account{Name: "c", Person: boss})
	if seen := visible(leads, access.RequestsDecide); !seen[string(inMarketing.Key)] || seen[string(boss.Key)] || seen[string(elsewhere.Key)] {
		t.Errorf("a manager's team is %v", seen)
	}
	h.SetDay(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC))
	if p := h.principal(t, stage.Account{Name: "a", Person: inMarketing}); len(p.Rights) != 0 {
		t.Errorf("whoever has no day in the company has %d profiles by rule", len(p.Rights))
	}
	if p := h.principal(t, stage.Account{Name: "x", Person: resources.Ref{Type: "Person", Key: "gone"}}); len(p.Rights) != 0 {
		t.Error("somebody whom the directory does not know has a profile by rule")
	}
}

func TestADelegationReachesAsFarAsItsDelegatorAndEndsWithHim(t *testing.T) {
	h := build(t, "{}\n")
	ctx, desk := t.Context(), h.AccessDesk()
	h.Engine.Clock = func() time.Time { return h.now }
	desk.Clock = h.Engine.Clock
	report, boss := h.somebody(t, func(_, m string) bool { return m != "" })
	deputy, _ := h.somebody(t, func(_, m string) bool { return m != "" && m != string(boss.Key) })
	given, err := desk.Assign(ctx, access.ProfileAssignment{Profile: "manager", Holder: access.Holder{Person: boss}})
	if err != nil {
		t.Fatal(err)
	}
	from, to := access.Holder{Person: boss}, access.Holder{Person: deputy}
	week := h.now.Add(7 * 24 * time.Hour)
	for name, x := range map[string]struct {
		from access.Holder
		a    access.ProfileAssignment
	}{
		"without an end":     {from, access.ProfileAssignment{Profile: "manager", Holder: to}},
		"for years":          {from, access.ProfileAssignment{Profile: "manager", Holder: to, To: h.now.AddDate(3, 0, 0)}},
		"over already":       {from, access.ProfileAssignment{Profile: "manager", Holder: to, To: h.now}},
		"what one has not":   {from, access.ProfileAssignment{Profile: "auditor", Holder: to, To: week}},
		"what is none":       {from, access.ProfileAssignment{Profile: "none", Holder: to, To: week}},
		"to oneself":         {from, access.ProfileAssignment{Profile: "manager", Holder: from, To: week}},
		"by who has nothing": {to, access.ProfileAssignment{Profile: "manager", Holder: from, To: week}},
		"an unreal scope":    {from, access.ProfileAssignment{Profile: "manager", Holder: to, To: week, Scope: access.Scope{Roles: []roles.RoleID{"none"}}}},
	} {
		if _, err := desk.Delegate(ctx, x.from, x.a); err == nil {
			t.Errorf("%s: it is delegated", name)
		}
	}
	if _, err := desk.Delegate(ctx, from, access.ProfileAssignment{Profile: "manager", Holder: to, From: h.now, To: week}); err != nil {
		t.Fatal(err)
	}
	team := func(of resources.Ref) bool {
		p := h.principal(t, stage.Account{Name: "x", Person: of})
		page, err := h.Views().Within(p.Filter(access.RequestsDecide)).People(ctx, view.PeopleFilter{Entity: "Person", Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.People {
			if o.Key == string(report.Key) {
				return true
			}
		}
		return false
	}
	if !team(deputy) {
		t.Error("the deputy does not see the team")
	}
	if _, err := desk.Delegate(ctx, to, access.ProfileAssignment{Profile: "manager", Holder: access.Holder{Person: report}, To: week}); fault.KindOf(err) != fault.Refused {
		t.Errorf("what was delegated is delegated again: %v", err)
	}
	if err := desk.Revoke(ctx, given.ID, "he left"); err != nil {
		t.Fatal(err)
	}
	if team(deputy) || team(boss) {
		t.Error("the delegation outlives what it hands on")
	}
	if _, err := desk.Assign(ctx, access.ProfileAssignment{Profile: "manager", Holder: access.Holder{Person: boss}}); err != nil {
		t.Fatal(err)
	}
	if h.now = week; team(deputy) || !team(boss) {
		t.Error("the delegation outlives its day")
	}
}

func TestNobodyGivesAProfileToHimself(t *testing.T) {
	h := build(t, "{}\n")
	ctx := t.Context()
	who, other := h.somebody(t, func(_, m string) bool { return m != "" })
	h.add(t, "anna", "", who)
	for name, c := range map[string]struct {
		as     string
		holder access.Holder
		fine   bool
	}{
		"by key":                {string(who.Key), access.Holder{Person: who}, false},
		"by account":            {"anna", access.Holder{Account: "anna"}, false},
		"key to account":        {string(who.Key), access.Holder{Account: "anna"}, false},
		"account to key":        {"anna", access.Holder{Person: who}, false},
		"to somebody else":      {"anna", access.Holder{Person: other}, true},
		"whoever runs the host": {"", access.Holder{Account: "anna"}, true},
	} {
		_, err := h.As(c.as).AccessDesk().Assign(ctx, access.ProfileAssignment{Profile: "auditor", Holder: c.holder})
		if (err == nil) != c.fine || err != nil && fault.KindOf(err) != fault.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheJournalTellsWhoSignedInAndWhoGaveWhat(t *testing.T) {
	h := build(t, "{}\n")
	s := h.serve(t, signin.Options{})
	who, _ := h.somebody(t, func(_, m string) bool { return m != "" })
	h.add(t, "anna", "auditor", who)
	browse(t, s).signIn("anna", canary)
	entries, err := h.Journal(context.Background(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range entries {
		found[e.Name] = e.Actor.String() + " " + e.Subject + " " + string(e.Detail)
	}
	for name, want := range map[string]string{"add account": "account anna", "assign profile": "auditor for account anna", "sign in": string(who.Key) + " account anna"} {
		if !strings.Contains(found[name], want) {
			t.Errorf("%s: %q", name, found[name])
		}
	}
	if _, err := h.VerifyJournal(t.Context()); err != nil {
		t.Error(err)
	}
}
