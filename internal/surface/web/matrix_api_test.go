package web_test

import (
	"fmt"
	"net/http"

	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/surface/api"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/surface/web"
)

// withAPI are the pages with the interface for programs beside them.
func withAPI(e *loop.Engine, o web.Options) *routes.Registry {
	g := web.New(o)
	api.Register(g, api.Options{
		Within: o.Within, Entities: o.Entities, Answers: e.DB, Desks: o.Desks, Local: o.Local, Model: o.Model, Explain: o.Explain, Timeline: e.Timeline, Messages: e.MessageDesk(),
		VerifyJournal: o.VerifyJournal, Folder: o.Folder, Clock: o.Clock, Log: o.Log, Schedules: o.Schedules, Recompute: o.Recompute,
	})
	return g
}

func init() {
	for route, p := range apiProbes {
		probes[route] = p
	}
}

// apiProbes is one line for every operation of the interface for programs.
var apiProbes = map[string]probe{
	"GET /api/v1/":                               {address: fixed("/api/v1/nothing"), status: http.StatusNotFound},
	"GET /api/v1/states":                         {address: fixed("/api/v1/states")},
	"GET /api/v1/orders":                         {address: func(x target) string { return "/api/v1/orders?entity=Person&person=" + string(x.person.Key) }, mark: orderNumber},
	"GET /api/v1/orders/{id}":                    {address: ofOrder("/api/v1/orders/"), mark: orderNumber},
	"GET /api/v1/accounts":                       {address: func(x target) string { return fmt.Sprintf("/api/v1/accounts?id=%d", x.order.Assigned) }, mark: keyInJSON},
	"GET /api/v1/accounts/{id}/path":             {address: func(x target) string { return fmt.Sprintf("/api/v1/accounts/%d/path", x.order.Assigned) }},
	"GET /api/v1/messages":                       {address: fixed("/api/v1/messages")},
	"GET /api/v1/workflows":                      {address: fixed("/api/v1/workflows")},
	"GET /api/v1/started-workflows":              {address: fixed("/api/v1/started-workflows")},
	"GET /api/v1/started-workflows/{id}":         {address: fixed("/api/v1/started-workflows/4711"), status: http.StatusNotFound},
	"GET /api/v1/me":                             {address: fixed("/api/v1/me")},
	"GET /api/v1/profiles":                       {address: fixed("/api/v1/profiles")},
	"GET /api/v1/profile-assignments":            {address: fixed("/api/v1/profile-assignments")},
	"GET /api/v1/delegations":                    {address: fixed("/api/v1/delegations")},
	"GET /api/v1/tokens":                         {address: fixed("/api/v1/tokens")},
	"GET /api/v1/parks":                          {address: fixed("/api/v1/parks")},
	"GET /api/v1/people":                         {address: fixed("/api/v1/people")},
	"GET /api/v1/people/{entity}":                {address: func(x target) string { return "/api/v1/people/Person?q=" + string(x.person.Key) }, mark: keyInJSON},
	"GET /api/v1/people/{entity}/{key}":          {address: personInAPI(""), mark: keyInJSON},
	"GET /api/v1/people/{entity}/{key}/why":      {address: personInAPI("/why"), mark: keyInJSON},
	"GET /api/v1/people/{entity}/{key}/timeline": {address: personInAPI("/timeline?until=2030-01-01"), mark: keyInJSON},
	"GET /api/v1/people/{entity}/{key}/catalog":  {address: personInAPI("/catalog"), mark: func(target) string { return `"id":"` + askedRole + `"` }},
	"GET /api/v1/messages/delivery":              {address: fixed("/api/v1/messages/delivery")},
	"GET /api/v1/sign-in-accounts":               {address: fixed("/api/v1/sign-in-accounts")},
	"GET /api/v1/reconciliation":                 {address: fixed("/api/v1/reconciliation?limit=1000"), mark: foundInJSON},
	"GET /api/v1/found-roles":                    {address: fixed("/api/v1/found-roles")},
	"GET /api/v1/requests":                       {address: fixed("/api/v1/requests")},
	"GET /api/v1/requests/{id}":                  {address: fixed("/api/v1/requests/4711"), status: http.StatusNotFound},
	"GET /api/v1/roles":                          {address: fixed("/api/v1/roles")},
	"GET /api/v1/roles/{id}":                     {address: fixed("/api/v1/roles/" + askedRole)},
	"GET /api/v1/roles/{id}/holders":             {address: fixed("/api/v1/roles/" + askedRole + "/holders")},
	"GET /api/v1/rules":                          {address: fixed("/api/v1/rules")},
	"GET /api/v1/connectors":                     {address: fixed("/api/v1/connectors")},
	"GET /api/v1/connectors/{id}":                {address: fixed("/api/v1/connectors/crm")},
	"GET /api/v1/plans":                          {address: fixed("/api/v1/plans")},
	"GET /api/v1/plans/{file}/orders":            {address: fixed("/api/v1/plans/none.plan/orders"), status: http.StatusNotFound},
	"GET /api/v1/plans/{file}":                   {address: fixed("/api/v1/plans/none.plan"), status: http.StatusNotFound},
	"GET /api/v1/configuration":                  {address: fixed("/api/v1/configuration")},
	"GET /api/v1/jobs":                           {address: fixed("/api/v1/jobs")},
	"GET /api/v1/jobs/{id}":                      {address: fixed("/api/v1/jobs/4711"), status: http.StatusNotFound},
	"GET /api/v1/schedules":                      {address: fixed("/api/v1/schedules")},
	"GET /api/v1/journal":                        {address: fixed("/api/v1/journal")},
	"GET /api/v1/journal/verification":           {address: fixed("/api/v1/journal/verification")},

	// They are sent without a body, which is refused before anything is looked up.
	"POST /api/v1/jobs":                             {address: fixed("/api/v1/jobs"), method: http.MethodPost},
	"POST /api/v1/jobs/{id}/abort":                  {address: fixed("/api/v1/jobs/4711/abort"), method: http.MethodPost},
	"POST /api/v1/jobs/{id}/resume":                 {address: fixed("/api/v1/jobs/4711/resume"), method: http.MethodPost},
	"POST /api/v1/connectors/{id}/jobs":             {address: fixed("/api/v1/connectors/crm/jobs"), method: http.MethodPost},
	"POST /api/v1/people/{entity}/{key}/recompute":  {address: personInAPI("/recompute"), method: http.MethodPost},
	"POST /api/v1/orders/decisions":                 {address: fixed("/api/v1/orders/decisions"), method: http.MethodPost},
	"POST /api/v1/orders/{id}/decisions":            {address: ofOrderIn("/decisions"), method: http.MethodPost},
	"POST /api/v1/orders/{id}/reports":              {address: ofOrderIn("/reports"), method: http.MethodPost},
	"POST /api/v1/orders/{id}/release":              {address: ofOrderIn("/release"), method: http.MethodPost},
	"POST /api/v1/parks/{type}/{kind}/release":      {address: fixed("/api/v1/parks/CrmUser/addition/release"), method: http.MethodPost},
	"POST /api/v1/requests":                         {address: fixed("/api/v1/requests"), method: http.MethodPost},
	"POST /api/v1/requests/{id}/decisions":          {address: fixed("/api/v1/requests/4711/decisions"), method: http.MethodPost},
	"POST /api/v1/requests/{id}/withdrawal":         {address: fixed("/api/v1/requests/4711/withdrawal"), method: http.MethodPost},
	"POST /api/v1/reconciliation/{id}/decisions":    {address: fixed("/api/v1/reconciliation/4711/decisions"), method: http.MethodPost},
	"POST /api/v1/reconciliation/{id}/owner":        {address: fixed("/api/v1/reconciliation/4711/owner"), method: http.MethodPost},
	"POST /api/v1/orders/{id}/revocation":           {address: ofOrderIn("/revocation"), method: http.MethodPost},
	"POST /api/v1/reconciliation/{id}/revocation":   {address: fixed("/api/v1/reconciliation/4711/revocation"), method: http.MethodPost},
	"POST /api/v1/found-roles/revocations":          {address: fixed("/api/v1/found-roles/revocations"), method: http.MethodPost},
	"POST /api/v1/requests/{id}/parameters":         {address: fixed("/api/v1/requests/4711/parameters"), method: http.MethodPost},
	"POST /api/v1/validations":                      {address: fixed("/api/v1/validations"), method: http.MethodPost},
	"POST /api/v1/workflows/{id}/starts":            {address: fixed("/api/v1/workflows/none/starts"), method: http.MethodPost},
	"POST /api/v1/started-workflows/{id}/decisions": {address: fixed("/api/v1/started-workflows/4711/decisions"), method: http.MethodPost},
	"POST /api/v1/profile-assignments":              {address: fixed("/api/v1/profile-assignments"), method: http.MethodPost},
	"POST /api/v1/profile-assignments/{id}/end":     {address: fixed("/api/v1/profile-assignments/4711/end"), method: http.MethodPost},
	"POST /api/v1/delegations":                      {address: fixed("/api/v1/delegations"), method: http.MethodPost},
	"POST /api/v1/delegations/{id}/end":             {address: fixed("/api/v1/delegations/4711/end"), method: http.MethodPost},
	"POST /api/v1/messages/retries":                 {address: fixed("/api/v1/messages/retries"), method: http.MethodPost},
	"POST /api/v1/messages/delivery":                {address: fixed("/api/v1/messages/delivery"), method: http.MethodPost},
	"POST /api/v1/sign-in-accounts":                 {address: fixed("/api/v1/sign-in-accounts"), method: http.MethodPost},
	"POST /api/v1/sign-in-accounts/{id}/password":   {address: fixed("/api/v1/sign-in-accounts/x/password"), method: http.MethodPost},
	"POST /api/v1/sign-in-accounts/{id}/disabling":  {address: fixed("/api/v1/sign-in-accounts/x/disabling"), method: http.MethodPost},
	"POST /api/v1/sign-in-accounts/{id}/enabling":   {address: fixed("/api/v1/sign-in-accounts/x/enabling"), method: http.MethodPost},
	"POST /api/v1/plans":                            {address: fixed("/api/v1/plans"), method: http.MethodPost},
	"POST /api/v1/configuration":                    {address: fixed("/api/v1/configuration"), method: http.MethodPost},
	"POST /api/v1/roll-backs":                       {address: fixed("/api/v1/roll-backs"), method: http.MethodPost},
	"POST /api/v1/tokens":                           {address: fixed("/api/v1/tokens"), method: http.MethodPost},
	"POST /api/v1/tokens/{id}/revocation":           {address: fixed("/api/v1/tokens/4711/revocation"), method: http.MethodPost},
	"POST /api/v1/found-roles/decisions":            {address: fixed("/api/v1/found-roles/decisions"), method: http.MethodPost},
}

func ofOrderIn(act string) func(target) string {
	return func(x target) string { return fmt.Sprintf("/api/v1/orders/%d%s", x.order.ID, act) }
}

func personInAPI(more string) func(target) string {
	return func(x target) string { return "/api/v1/people/Person/" + string(x.person.Key) + more }
}

func orderNumber(x target) string { return fmt.Sprintf(`"id":%d,`, x.order.ID) }
func keyInJSON(x target) string   { return fmt.Sprintf(`"key":%q`, x.person.Key) }
func foundInJSON(x target) string { return fmt.Sprintf(`"key":%q`, x.found.Owner.Key) }
