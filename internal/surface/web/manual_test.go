package web_test

import (
	"net/http"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/view"
)

func TestAManualOrderSaysWhatToDoIsTakenConfirmedOrReported(t *testing.T) {
	e := played(t)
	handed, err := e.Views().Orders(t.Context(), view.ManualQueue())
	if err != nil || len(handed.Orders) < 3 {
		t.Fatalf("%d orders are with people: %v", len(handed.Orders), err)
	}
	tech, other := by(e, "E00001"), by(e, "E00002")
	o := ofKind(t, handed.Orders, orders.Addition)
	address := "/manual/" + o.ID.String()
	shows(t, tech, "/manual", "Badge", "Take", "Confirm: done", "Report an error", o.Owner.Display)
	shows(t, tech, "/orders/"+o.ID.String(), "Carry it out")
	body := shows(t, tech, address, "Create “Badge for the main site” for "+o.Owner.Display, "What to do", "Set", "employeeId", o.Owner.Key)
	if !strings.Contains(body, `data-copy="`+o.Owner.Key+`"`) {
		t.Error("there is nothing to copy")
	}
	if read := follows(t, tech, address, "do", "take"); !strings.Contains(read, "taken.") || !strings.Contains(read, "Taken by E00001") {
		t.Errorf("taking reads %s", read)
	}
	if w := post(t, other, address, "do", "confirm"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "E00001 took the order") {
		t.Errorf("confirming what another one took answers %d: %s", w.Code, plain(w.Body.String()))
	}
	if read := follows(t, tech, address, "do", "confirm"); !strings.Contains(read, "confirmed.") {
		t.Errorf("confirming reads %s", read)
	}
	if w := post(t, other, address, "do", "confirm"); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "Somebody reported it already") {
		t.Errorf("confirming again answers %d: %s", w.Code, plain(w.Body.String()))
	}
	left := rows(shows(t, tech, "/manual"))
	if len(left) != len(handed.Orders)-1 {
		t.Fatalf("%d are left of %d", len(left), len(handed.Orders))
	}
	if w := post(t, tech, "/manual", "do", "fail", "row", left[0]); w.Code != http.StatusConflict || !strings.Contains(plain(w.Body.String()), "An error needs a reason") {
		t.Errorf("an error without a reason answers %d", w.Code)
	}
	if read := follows(t, tech, "/manual", "do", "fail", "row", left[0], "row", left[1], "why", "no cards left"); !strings.Contains(read, "2 orders reported as failed.") {
		t.Errorf("reporting reads %s", read)
	}
	shows(t, tech, "/review?state=3", "3 Errored")
}
