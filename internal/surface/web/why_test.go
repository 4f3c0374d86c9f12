package web_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/view"
)

// A proof names what somebody has and has not, so it is held to the same bounds as
// the lists: whoever answers for one application hears nothing of another.
func TestAProofNamesNothingThatItsReaderDoesNotReach(t *testing.T) {
	e := laid(t)
	c, err := e.Deployed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	scope := access.Scope{ResourceTypes: []roles.ResourceTypeID{"CrmUser"}}
	given := access.Given{Profile: "application-owner", Scopes: []access.Scope{scope}, World: access.World{Model: c.Model}}
	owner := access.Resolve("x", resources.Ref{}, access.BuiltIn(), []access.Given{given})
	all := access.Everybody()
	page, err := e.Views().People(t.Context(), view.PeopleFilter{Entity: "Person", Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for id := range c.Model.ResourceTypes {
		if id != "CrmUser" {
			others = append(others, string(id))
		}
	}
	named, looked := 0, 0
	for _, o := range page.People {
		p, err := e.Views().Person(t.Context(), resources.Ref{Type: "Person", Key: resources.Key(o.Key)})
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(p.Accounts, func(a view.Account) bool { return a.Type != "CrmUser" })
		if at < 0 || looked == 3 || !slices.ContainsFunc(p.Accounts, func(a view.Account) bool { return a.Type == "CrmUser" }) {
			continue
		}
		other := p.Accounts[at].Type
		looked++
		for _, address := range []string{"/directory/Person/" + o.Key + "/why", "/api/v1/people/Person/" + o.Key + "/why"} {
			whole, part := httptest.NewRecorder(), httptest.NewRecorder()
			askedBy(e, &all).ServeHTTP(whole, httptest.NewRequest(http.MethodGet, address, nil))
			askedBy(e, &owner).ServeHTTP(part, httptest.NewRequest(http.MethodGet, address, nil))
			if part.Code != http.StatusOK || !strings.Contains(part.Body.String(), "CrmUser") {
				t.Errorf("%s: %d, without what is reached", address, part.Code)
			}
			for _, id := range others {
				if strings.Contains(whole.Body.String(), id) {
					named++
				}
				if strings.Contains(part.Body.String(), id) {
					t.Errorf("%s names %s", address, id)
				}
			}
			for _, query := range []string{"?type=" + other, "?account=" + other, "?account=" + other + "&property=email&value=x"} {
				w, none := httptest.NewRecorder(), httptest.NewRecorder()
				askedBy(e, &owner).ServeHTTP(w, httptest.NewRequest(http.MethodGet, address+query, nil))
				askedBy(e, &owner).ServeHTTP(none, httptest.NewRequest(http.MethodGet, address+strings.ReplaceAll(query, other, "NoSuchThing"), nil))
				if w.Code != none.Code || strings.ReplaceAll(w.Body.String(), other, "NoSuchThing") != none.Body.String() {
					t.Errorf("%s%s answers %d, and what is not declared %d", address, query, w.Code, none.Code)
				}
			}
		}
	}
	if looked == 0 || named == 0 {
		t.Fatalf("%d people were looked at, and who reaches all was told of %d other types", looked, named)
	}
}
