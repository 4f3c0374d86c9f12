package web_test

import (
	"fmt"
	"net/http"
)

// A probe says where a route shows a target, and by what the target is known there.
type probe struct {
	address func(target) string
	mark    func(target) string // nil: the page shows nothing of anybody
	status  int                 // of a page that is not a row's; 0: 200
	method  string
	outside string // what comes of it outside a scope, where it is no list's or row's usual
}

func fixed(address string) func(target) string { return func(target) string { return address } }

// probes is one line for every route that needs a permission. A new page gets one
// here, or the matrix fails.
var probes = map[string]probe{
	"GET /{$}":                      {address: fixed("/")},
	"GET /events":                   {address: fixed("/events"), method: http.MethodHead},
	"GET /states":                   {address: fixed("/states")},
	"GET /states/{number}":          {address: func(x target) string { return fmt.Sprintf("/states/%d?q=%s", x.order.State.Number, x.person.Key) }, mark: orderLink},
	"GET /orders":                   {address: func(x target) string { return "/orders?q=" + string(x.person.Key) }, mark: orderLink},
	"GET /orders/{id}":              {address: func(x target) string { return fmt.Sprintf("/orders/%d", x.order.ID) }, mark: personLink},
	"GET /reconciliation":           {address: fixed("/reconciliation"), mark: foundLink},
	"GET /directory":                {address: fixed("/directory"), status: http.StatusFound},
	"GET /directory/{entity}":       {address: func(x target) string { return "/directory/Person?q=" + string(x.person.Key) }, mark: personLink},
	"GET /directory/{entity}/{key}": {address: func(x target) string { return "/directory/Person/" + string(x.person.Key) }, mark: personKey},
	"GET /":                         {address: fixed("/nowhere"), status: http.StatusNotFound},

	"GET /directory/{entity}/{key}/profile":  {address: ofPerson("/profile"), mark: personKey},
	"GET /directory/{entity}/{key}/accounts": {address: ofPerson("/accounts"), mark: personKey},
	"GET /directory/{entity}/{key}/history":  {address: ofPerson("/history"), mark: personKey},
	"GET /directory/{entity}/{key}/why":      {address: ofPerson("/why"), mark: personKey},
	"GET /directory/{entity}/{key}/request":  {address: ofPerson("/request"), mark: personKey},

	"GET /directory/{entity}/{key}/request/{role}":  {address: ofPerson("/request/" + askedRole), mark: personKey},
	"POST /directory/{entity}/{key}/request/{role}": {address: ofPerson("/request/" + askedRole), method: http.MethodPost, mark: personKey},

	"GET /review":             {address: func(x target) string { return "/review?q=" + string(x.person.Key) }},
	"POST /review":            {address: fixed("/review"), method: http.MethodPost},
	"GET /review/properties":  {address: fixed("/review/properties")},
	"POST /review/properties": {address: fixed("/review/properties"), method: http.MethodPost},
	"GET /review/{id}":        {address: ofOrder("/review/"), mark: personLink},
	"POST /review/{id}":       {address: ofOrder("/review/"), method: http.MethodPost, mark: personLink},
	"GET /manual":             {address: fixed("/manual")},
	"POST /manual":            {address: fixed("/manual"), method: http.MethodPost},
	"GET /manual/{id}":        {address: ofOrder("/manual/"), mark: personLink},
	"POST /manual/{id}":       {address: ofOrder("/manual/"), method: http.MethodPost, mark: personLink},

	"GET /reconciliation/properties": {address: fixed("/reconciliation/properties")}, "POST /reconciliation/properties": {address: fixed("/reconciliation/properties"), method: http.MethodPost},
	"POST /reconciliation":       {address: fixed("/reconciliation"), method: http.MethodPost},
	"GET /reconciliation/roles":  {address: fixed("/reconciliation/roles")},
	"POST /reconciliation/roles": {address: fixed("/reconciliation/roles"), method: http.MethodPost},
	"GET /reconciliation/{id}":   {address: ofQuestion, mark: foundOwner, outside: hidden}, // it says that nothing is asked
	"POST /reconciliation/{id}":  {address: ofQuestion, method: http.MethodPost},           // likewise

	"GET /requests":          {address: fixed("/requests?show=open")},
	"POST /requests":         {address: fixed("/requests"), method: http.MethodPost},
	"GET /requests/{id}":     {address: fixed("/requests/4711"), status: http.StatusNotFound},
	"POST /requests/{id}":    {address: fixed("/requests/4711"), method: http.MethodPost, status: http.StatusNotFound},
	"GET /requests/changes":  {address: fixed("/requests/changes")},
	"POST /requests/changes": {address: fixed("/requests/changes"), method: http.MethodPost},

	"GET /connectors":                            {address: fixed("/connectors")},
	"GET /connectors/{id}":                       {address: fixed("/connectors/crm")},
	"GET /connectors/{id}/parked/{type}/{kind}":  {address: fixed("/connectors/crm/parked/CrmUser/addition"), status: http.StatusNotFound},
	"POST /connectors/{id}/parked/{type}/{kind}": {address: fixed("/connectors/crm/parked/CrmUser/addition"), method: http.MethodPost, status: http.StatusNotFound},

	"GET /roles":          {address: fixed("/roles")},
	"GET /roles/{id}":     {address: fixed("/roles/" + askedRole)},
	"GET /rules":          {address: fixed("/rules")},
	"GET /plans":          {address: fixed("/plans")},
	"POST /plans":         {address: fixed("/plans"), method: http.MethodPost},
	"GET /plans/{file}":   {address: fixed("/plans/none.json"), status: http.StatusNotFound},
	"POST /plans/{file}":  {address: fixed("/plans/none.json"), method: http.MethodPost, status: http.StatusNotFound},
	"GET /journal":        {address: fixed("/journal")},
	"GET /journal/verify": {address: fixed("/journal/verify")},
	"GET /docs":           {address: fixed("/docs"), status: http.StatusFound}, "GET /docs/{path...}": {address: fixed("/docs/README.md")},

	"POST /requests/{id}/withdrawal": {address: fixed("/requests/4711/withdrawal"), method: http.MethodPost, status: http.StatusNotFound},
	"POST /requests/{id}/parameters": {address: fixed("/requests/4711/parameters"), method: http.MethodPost, status: http.StatusNotFound},

	"GET /messages":       {address: fixed("/messages")},
	"POST /messages":      {address: fixed("/messages"), method: http.MethodPost},
	"GET /messages/mine":  {address: fixed("/messages/mine")},
	"POST /messages/mine": {address: fixed("/messages/mine"), method: http.MethodPost},

	"GET /workflows":               {address: fixed("/workflows")},
	"GET /workflows/{id}":          {address: formAbout, mark: personKey},
	"POST /workflows/{id}":         {address: formAbout, method: http.MethodPost, mark: personKey},
	"GET /workflows/started/{id}":  {address: fixed("/workflows/started/4711"), status: http.StatusNotFound},
	"POST /workflows/started/{id}": {address: fixed("/workflows/started/4711"), method: http.MethodPost, status: http.StatusNotFound},

	"GET /profiles":       {address: fixed("/profiles")},
	"POST /profiles":      {address: fixed("/profiles"), method: http.MethodPost},
	"GET /profiles/{id}":  {address: fixed("/profiles/manager")},
	"POST /profiles/{id}": {address: fixed("/profiles/manager"), method: http.MethodPost},
	"GET /delegations":    {address: fixed("/delegations")},
	"POST /delegations":   {address: fixed("/delegations"), method: http.MethodPost},

	"POST /connectors/{id}": {address: fixed("/connectors/crm"), method: http.MethodPost},
	"GET /jobs":             {address: fixed("/jobs")},
	"POST /jobs":            {address: fixed("/jobs"), method: http.MethodPost},
	"GET /jobs/events":      {address: fixed("/jobs/events"), method: http.MethodHead},
	"GET /jobs/{id}":        {address: fixed("/jobs/4711"), status: http.StatusNotFound},
	"POST /jobs/{id}":       {address: fixed("/jobs/4711"), method: http.MethodPost, status: http.StatusNotFound},
	"GET /jobs/{id}/events": {address: fixed("/jobs/4711/events"), method: http.MethodHead},

	"POST /directory/{entity}/{key}/recompute": {address: ofPerson("/recompute"), method: http.MethodPost, mark: personKey},
}

// askedRole is a role of the company that people may ask for.
const askedRole = "team-lunch"

func ofPerson(tab string) func(target) string {
	return func(x target) string { return "/directory/Person/" + string(x.person.Key) + tab }
}

func ofOrder(page string) func(target) string {
	return func(x target) string { return fmt.Sprint(page, x.order.ID) }
}

func ofQuestion(x target) string { return fmt.Sprintf("/reconciliation/%d", x.found.Account.ID) }

func foundOwner(x target) string { return fmt.Sprintf(`href="/directory/Person/%s`, x.found.Owner.Key) }

func orderLink(x target) string  { return fmt.Sprintf(`href="/orders/%d"`, x.order.ID) }
func personLink(x target) string { return fmt.Sprintf(`href="/directory/Person/%s`, x.person.Key) }
func personKey(x target) string  { return fmt.Sprintf(`<span class="key">%s</span>`, x.person.Key) }
func foundLink(x target) string {
	return fmt.Sprintf(`href="/reconciliation/%d"`, x.found.Account.ID)
}

// public is the whole list of what nobody has to be known for.
var public = map[string]string{
	"GET /static/{file}": "/static/none.css", "GET /sign-in": "/sign-in", "POST /sign-in": "/sign-in", "POST /sign-out": "/sign-out",
	"GET /sign-in/provider": "/sign-in/provider", "GET /sign-in/back": "/sign-in/back", "GET /first": "/first", "POST /first": "/first",
	"GET /openapi.json": "/openapi.json", "POST /api/v1/sign-in": "/api/v1/sign-in",
}
