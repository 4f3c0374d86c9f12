package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"provisor.dev/provisor/internal/surface/api"
	"provisor.dev/provisor/internal/surface/routes"
)

// offered says by which operations programs do what a page does.
var offered = map[string][]string{
	"/review":                                  {"/orders/decisions"},
	"/review/properties":                       {"/orders/{id}/decisions"},
	"/review/{id}":                             {"/orders/{id}/decisions", "/orders/{id}/revocation"},
	"/manual":                                  {"/orders/{id}/reports"},
	"/manual/{id}":                             {"/orders/{id}/reports"},
	"/reconciliation":                          {"/reconciliation/{id}/decisions"},
	"/reconciliation/properties":               {"/reconciliation/{id}/decisions"},
	"/reconciliation/{id}":                     {"/reconciliation/{id}/decisions", "/reconciliation/{id}/owner", "/reconciliation/{id}/revocation"},
	"/reconciliation/roles":                    {"/found-roles/decisions", "/found-roles/revocations"},
	"/requests":                                {"/requests/{id}/decisions"},
	"/requests/{id}":                           {"/requests/{id}/decisions", "/validations"},
	"/requests/{id}/withdrawal":                {"/requests/{id}/withdrawal"},
	"/requests/{id}/parameters":                {"/requests/{id}/parameters"},
	"/requests/changes":                        {"/started-workflows/{id}/decisions"},
	"/workflows/{id}":                          {"/workflows/{id}/starts"},
	"/workflows/started/{id}":                  {"/started-workflows/{id}/decisions"},
	"/directory/{entity}/{key}/recompute":      {"/people/{entity}/{key}/recompute"},
	"/directory/{entity}/{key}/request/{role}": {"/requests"},
	"/connectors/{id}":                         {"/connectors/{id}/jobs"},
	"/connectors/{id}/parked/{type}/{kind}":    {"/orders/{id}/release", "/parks/{type}/{kind}/release"},
	"/jobs":                                    {"/jobs"},
	"/jobs/{id}":                               {"/jobs/{id}/abort", "/jobs/{id}/resume"},
	"/plans":                                   {"/plans"},
	"/plans/{file}":                            {"/configuration"},
	"/messages":                                {"/messages/retries"},
	"/messages/mine":                           {"/messages/delivery"},
	"/profiles":                                {"/profile-assignments", "/profile-assignments/{id}/end"},
	"/profiles/{id}":                           {"/profile-assignments", "/profile-assignments/{id}/end"},
	"/delegations":                             {"/delegations", "/delegations/{id}/end"},
}

// stricter are pages that need another permission than the operation, with why.
var stricter = map[string]string{"/plans": "the page keeps the plan in the server's folder, the operation hands it over"}

// parityFaults lists what a page does and programs cannot, or by another permission.
func parityFaults(all []routes.Route) (faults []string) {
	acts := map[string]routes.Route{}
	for _, r := range all {
		if r.Method == http.MethodPost {
			acts[r.Path] = r
		}
	}
	for path, page := range acts {
		if strings.HasPrefix(path, api.Root) || page.Public != "" {
			continue
		}
		if len(offered[path]) == 0 {
			faults = append(faults, path+" acts, and no operation is named that does the same")
		}
		for _, operation := range offered[path] {
			does, there := acts[api.Root+operation]
			switch {
			case !there:
				faults = append(faults, path+": there is no operation "+operation)
			case does.Needs != page.Needs && stricter[path] == "":
				faults = append(faults, path+" needs "+string(page.Needs)+", and "+operation+" "+string(does.Needs))
			}
		}
	}
	return faults
}

func TestWhatAPageDoesProgramsDoByTheSamePermission(t *testing.T) {
	e := laid(t)
	all := askedBy(e, nil).Routes()
	for _, f := range parityFaults(all) {
		t.Error(f)
	}
	without := slices.DeleteFunc(slices.Clone(all), func(r routes.Route) bool { return r.Path == api.Root+"/messages/retries" })
	if got := parityFaults(without); len(got) != 1 || !strings.Contains(got[0], "there is no operation /messages/retries") {
		t.Errorf("a missing operation is told as %q", got)
	}
	for i, r := range without {
		if r.Path == api.Root+"/jobs/{id}/abort" {
			without[i].Needs = "home.view"
		}
	}
	if got := parityFaults(append(without, routes.Route{Method: http.MethodPost, Path: "/new", Needs: "home.view"})); len(got) != 3 {
		t.Errorf("another permission and a new page are told as %q", got)
	}
}
