package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/view"
)

func questions(t *testing.T, e *loop.Engine) []view.Question {
	t.Helper()
	page, err := e.Views().Reconciliation(t.Context(), view.ReconciliationFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return page.Questions
}

func TestWhatWasFoundIsKeptRemovedOrGivenToAnOwner(t *testing.T) {
	e := meddled(t)
	h := by(e, "E00001")
	list := questions(t, e)
	if len(list) < 3 {
		t.Fatalf("only %d questions", len(list))
	}
	body := shows(t, h, "/reconciliation", "Correct to the rules", "Keep what was found", "Remove …", list[0].Account.Target)
	if got := rows(body); len(got) != len(list) {
		t.Fatalf("%d rows for %d questions", len(got), len(list))
	}
	// One by one, on its page.
	first := fmt.Sprintf("/reconciliation/%d", list[0].Account.ID)
	shows(t, h, first, "Question", "Its path")
	pairs := []string{"do", "keep", "why", "agreed"}
	if !list[0].Unauthorized {
		pairs = []string{"do", "confirm", "why", "agreed"}
		for _, it := range list[0].Account.Items {
			pairs = append(pairs, fmt.Sprintf("item%d", it.ID), "keep")
		}
	}
	if w := post(t, h, first, "do", "confirm"); w.Code != http.StatusConflict {
		t.Errorf("a confirmation of nothing answers %d", w.Code)
	}
	follows(t, h, first, pairs...)
	if w := post(t, by(e, "E00002"), first, pairs...); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "Somebody decided already") {
		t.Errorf("a late answer answers %d: %s", w.Code, plain(w.Body.String()))
	}
	// The rest in bulk: removing asks first.
	pairs = []string{"do", "decline", "all", "1"}
	for _, row := range rows(shows(t, h, "/reconciliation?about=unauthorized")) {
		pairs = append(pairs, "shown", row)
	}
	if w := post(t, h, "/reconciliation", pairs...); w.Code != http.StatusOK || !strings.Contains(plain(w.Body.String()), "that no rule gives?") {
		t.Errorf("removing does not ask: %d", w.Code)
	}
	before := len(questions(t, e))
	read := follows(t, h, "/reconciliation", append(pairs, "sure", "1")...)
	if left := len(questions(t, e)); left >= before || !strings.Contains(read, "declined.") {
		t.Errorf("%d of %d are left: %s", left, before, read)
	}
	shows(t, h, "/reconciliation/999999", "Nothing is in question here")
	for address, want := range map[string]int{"/reconciliation/x": 404, "/reconciliation?about=all": 400, "/reconciliation?after=x": 400} {
		if code, _ := get(t, h, address); code != want {
			t.Errorf("%s answers %d", address, code)
		}
	}
}

func TestAnAccountOfNobodyIsGivenAnOwner(t *testing.T) {
	e := meddled(t)
	h := by(e, "E00001")
	for _, q := range questions(t, e) {
		if !q.Unauthorized {
			continue
		}
		address := fmt.Sprintf("/reconciliation/%d", q.Account.ID)
		if w := post(t, h, address, "do", "assign", "owner", "nobody at all"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `value="nobody at all"`) {
			t.Errorf("an unknown owner answers %d", w.Code)
		}
		if read := follows(t, h, address, "do", "assign", "owner", "E00005"); !strings.Contains(read, "belongs to") {
			t.Errorf("assigning reads %s", read)
		}
		return
	}
	t.Fatal("no account of nobody")
}

func TestRolesThatWereFoundAreKeptOrRemovedInBulk(t *testing.T) {
	e := played(t)
	h := by(e, "E00001")
	list := rows(shows(t, h, "/reconciliation/roles", "Role reconciliation", "Because"))
	if len(list) < 2 {
		t.Fatalf("only %d roles were found", len(list))
	}
	if read := follows(t, h, "/reconciliation/roles", "do", "keep", "row", list[0], "why", "agreed"); !strings.Contains(read, "1 role kept.") {
		t.Errorf("keeping reads %s", read)
	}
	if w := post(t, h, "/reconciliation/roles", "do", "decline", "row", list[1]); w.Code != http.StatusOK || !strings.Contains(plain(w.Body.String()), "Remove 1 role") {
		t.Errorf("removing does not ask: %d", w.Code)
	}
	if read := follows(t, h, "/reconciliation/roles", "do", "decline", "row", list[1], "sure", "1"); !strings.Contains(read, "1 role declined.") {
		t.Errorf("removing reads %s", read)
	}
	if w := post(t, h, "/reconciliation/roles", "do", "decline", "row", list[1], "sure", "1"); w.Code != http.StatusConflict {
		t.Errorf("removing again answers %d", w.Code)
	}
	if left := rows(shows(t, h, "/reconciliation/roles")); len(left) != len(list)-2 {
		t.Errorf("%d are left of %d", len(left), len(list))
	}
}

func TestWhatDriftedIsDecidedByProperty(t *testing.T) {
	e := meddled(t)
	h := by(e, "E00001")
	var drifted view.Question
	lines := map[string]int{}
	for _, q := range questions(t, e) {
		for _, it := range q.Account.Items {
			if lines[q.Account.Type+" "+it.Property]++; it.Property != "" && it.Proposed != "-" {
				drifted = q
				drifted.Account.Items = []view.Item{it}
			}
		}
	}
	if drifted.Account.ID == 0 {
		t.Fatal("nothing drifted")
	}
	of, property := drifted.Account.Type, drifted.Account.Items[0].Property
	shows(t, h, "/reconciliation/properties", "Choose a resource type and a property", property)
	address := "/reconciliation/properties?property=" + property + "&type=" + of
	body := shows(t, h, address, drifted.Account.Target, drifted.Account.Items[0].Current, "Correct to the rules")
	list := rows(body)
	if len(list) != lines[of+" "+property] {
		t.Fatalf("%d lines are shown of %d", len(list), lines[of+" "+property])
	}
	row := fmt.Sprintf("%d.%d", drifted.Account.ID, drifted.Account.Items[0].ID)
	if w := post(t, h, address, "do", "correct"); w.Code != http.StatusConflict {
		t.Errorf("a decision on nothing answers %d", w.Code)
	}
	if w := post(t, h, address, "do", "decline", "row", row, "sure", "1"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "cannot be answered with") {
		t.Errorf("removing what a rule gives answers %d", w.Code)
	}
	if w := post(t, h, address, "do", "postpone", "row", row); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "needs a day that comes") {
		t.Errorf("postponing without a day answers %d", w.Code)
	}
	if read := follows(t, h, address, "do", "correct", "row", row, "why", "the rules are right"); !strings.Contains(read, "1 line corrected.") {
		t.Errorf("correcting reads %s", read)
	}
	if w := post(t, h, address, "do", "correct", "row", row); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "somebody decided already") {
		t.Errorf("correcting again answers %d: %s", w.Code, plain(w.Body.String()))
	}
	if left := rows(shows(t, h, address)); len(left) != len(list)-1 {
		t.Errorf("%d lines are left of %d", len(left), len(list))
	}
	if code, _ := get(t, h, "/reconciliation/properties?type="+of+"&property=nothing"); code != http.StatusFound {
		t.Errorf("a property that the type has not answers %d", code)
	}
}
