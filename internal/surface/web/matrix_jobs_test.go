package web_test

import "net/http"

func init() {
	for route, p := range jobProbes {
		probes[route] = p
	}
}

// jobProbes is one line for every page of jobs, and for what starts them elsewhere.
var jobProbes = map[string]probe{
	"POST /connectors/{id}": {address: fixed("/connectors/crm"), method: http.MethodPost},
	"GET /jobs":             {address: fixed("/jobs")},
	"POST /jobs":            {address: fixed("/jobs"), method: http.MethodPost},
	"GET /jobs/events":      {address: fixed("/jobs/events"), method: http.MethodHead},
	"GET /jobs/{id}":        {address: fixed("/jobs/4711"), status: http.StatusNotFound},
	"POST /jobs/{id}":       {address: fixed("/jobs/4711"), method: http.MethodPost, status: http.StatusNotFound},
	"GET /jobs/{id}/events": {address: fixed("/jobs/4711/events"), method: http.MethodHead},

	"POST /directory/{entity}/{key}/recompute": {address: ofPerson("/recompute"), method: http.MethodPost, mark: personKey},
}
