package web_test

import "net/http"

func init() {
	for route, p := range accessProbes {
		probes[route] = p
	}
}

// accessProbes is one line for every page of profiles, and of what whoever asked
// for a role does about it.
var accessProbes = map[string]probe{
	"POST /requests/{id}/withdrawal": {address: fixed("/requests/4711/withdrawal"), method: http.MethodPost, status: http.StatusNotFound},
	"POST /requests/{id}/parameters": {address: fixed("/requests/4711/parameters"), method: http.MethodPost, status: http.StatusNotFound},

	"GET /profiles":       {address: fixed("/profiles")},
	"POST /profiles":      {address: fixed("/profiles"), method: http.MethodPost},
	"GET /profiles/{id}":  {address: fixed("/profiles/manager")},
	"POST /profiles/{id}": {address: fixed("/profiles/manager"), method: http.MethodPost},
	"GET /delegations":    {address: fixed("/delegations")},
	"POST /delegations":   {address: fixed("/delegations"), method: http.MethodPost},
}
