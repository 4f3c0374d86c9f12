package behaviour

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// planted is a world in which much stands, for expectations that are wrong.
const planted = `
day 2026-03-01
put hr Department SAL
put hr Person E1 name="Ada Stone" job=Clerk department=SAL last=2026-12-31
put hr Person E2 name="Ben Wood" job=Smith
put app Group X
put app User e2 owner=E2 groups=X
round
round
put app User e2 title=Boss
sync
verify
%
-- rules.yaml --
resourceTypes:
  Account:
    source: Person
    target: User
    provisioning: {connection: api, enabled: true, review: false, verify: synchronization}
    correlate: [{source: "source.id", target: "target.owner", confidence: 100}]
    who: [{}]
    values:
      login: {expression: "lower(source.id)", once: true}
      owner: {expression: "source.id"}
      title: {expression: "source.job"}
roles:
  reader: {entity: Person, grants: [{resourceType: Account, property: groups, to: {code: X}}], assign: [{match: {department: SAL}}]}
  writer: {entity: Person}
`

// wrong are lines that are wrong, one of each kind, and what is said of them. The
// last one changes what the others speak of.
var wrong = []struct{ line, says string }{
	{"expect E1 Account Pending", `state is "Verified", not "Pending"`},
	{"expect E1 Account workflow 16", `workflow is "18"`},
	{"expect E1 Account confidence 80", `confidence is "100"`},
	{"expect E1 Account is e2", `is is "e1"`},
	{"expect E1 Account ..2027-01-01", `period is "..2026-12-31"`},
	{`expect E1 Account because "links"`, `because is "resourceTypes.Account.who[0]"`},
	{"expect E1 no Account", "E1 has Account"},
	{"expect E1 no Account.title", "E1 has Account.title"},
	{`expect E1 Account.title Verified "Boss"`, `value is "Clerk", not "Boss"`},
	{"expect E1 Account.title Awaiting Approval (found)", `state is "Verified"`},
	{"expect E1 Account.phone Verified", "the Account has no phone"},
	{`expect E2 Account.title found "Smith"`, `found is "Boss"`},
	{`expect E2 Account.title policy "Boss"`, `policy is "Smith"`},
	{`expect E2 Account.title says "mended"`, `not "mended"`},
	{"expect E1 Account.groups->X Pending", `state is "Verified"`},
	{"expect E1 role reader workflow 16", `workflow is "18"`},
	{"expect E1 role reader shows Pending", `shows is "Verified"`},
	{"expect E1 role reader ..", `period is "..2026-12-31"`},
	{`expect E1 role reader because "department FIN"`, "department SAL"},
	{"expect E1 no role reader", "E1 has the role reader"},
	{"expect E2 role writer", "E2 has no role writer"},
	{"expect order update E1 Account", "there is no such order"},
	{`expect found "E1 reader"`, "E2 reader workflow 3: deduced from Account e2 groups → X"},
	{"expect no found", "E2 reader workflow 3"},
	{`expect told "nonsense"`, "Compared"},
	{"expect orders 3", "there are 0 orders"},
	{"expect no questions", "E2 Account title=Boss"},
	{"expect questions 3", "there are 1 questions"},
	{`expect question "E1"`, "E2 Account title=Boss"},
	{`expect parked "Account additions"`, "nothing"},
	{`expect finding "anything"`, "nothing"},
	{"expect app User e1 title=Smith", `title is "Clerk"`},
	{"expect app User e1 groups=", `groups is "X"`},
	{"expect app User e3", "User e1"},
	{"expect app no User e1", "User e1"},
	{"expect app writes 3", "there were 6"},
	{`cannot "nonsense" approve E1 Account`, `it says "refused`},
	{"cannot approve E1 Acount", `"Acount" is no resource type: there are Account`},
	{"cannot approve E1 Account shoe", `"shoe" is neither a value of this account nor one of as, because`},
	{"cannot put app Usr x", `"Usr" is no entity type of app: there are Group, User`},
	{"approve E1 Account", "refused: "},
	{"expect", "what is expected is missing"},
	{"expect E9 Account Verified", "nobody is called so"},
	{"expect E1 Acount Verified", `"Acount" is no resource type: there are Account`},
	{"expect E1 no Acount", `"Acount" is no resource type: there are Account`},
	{"expect E1 Account Verifed", `"Verifed" is no state and nothing that can be said here: there are state, workflow`},
	{`expect E1 Account "Clerk"`, `"value" says nothing here`},
	{"expect E1 Account.titel Verified", `"titel" is no property of User: there are boss, groups`},
	{"expect E1 no role raeder", `"raeder" is no role: there are reader`},
	{"expect no ordres", `"ordres" is no list: there are findings`},
	{"expect order updat E1 Account", `"updat" is no kind of order: there are addition`},
	{"show E1", "Account Verified"},
	{"keep role E1 reader", "E1 has no role reader that was found"},
	{"revoke role E2 reader", "nobody kept or declined"},
	{"cannot keep role E1 raeder", `"raeder" is no role: there are reader`},
	{"cannot decline role E2 reader account", `"account" is no word after a role: there are as, because`},
	{"cannot golive ap", `"ap" is no connector: there are app, hr`},
	{"request add E2 writer as E1", "cannot be requested"},
	{"request beg E2 writer", `"beg" is no action: there are add`},
	{"cannot request add E2 writer softly", `"softly" is no word after a role: there are as, because`},
	{"approve request E2 writer as E1", "there are 0 open requests for writer of E2"},
	{"validate E2 writer as E1", "waits for a validation"},
	{"cannot validate E2 wirter", `"wirter" is no role: there are reader`},
	{`expect request "E2 add writer"`, "nothing"},
	{"redundant apply", "not what was listed last"},
	{"redundant now", `"now" is one word too many here`},
	{"evalute", `"evalute" is no word: there are approve`},
	{"evaluate now", `"now" is one word too many here`},
	{"trouble app angry", `"angry" is no trouble: there are blind`},
	{"put app User e1 titel=x", `"titel" is no property of User`},
	{"drop app User e9", "there is no User e9"},
	{"day 2026-02-01", "time runs forward"},
	{"change `nothing` to `x`", "does not stand in the deployed files"},
	{"change `source` to `x`", "stands more than once"},
	{"change `source.job` to `source.shoe`", "shoe"},
	{"deploy later", "no file of the script stands in later/"},
	{`put hr Person E1 name="Ada`, "a quotation does not end"},
	{"fulfil ap", `"ap" is no connector: there are app, hr`},
	{"cannot keep E2 Account title", "it can"},
}

// TestAWrongLineFails plants each wrong line and sees it fail, for the reason that
// it is wrong.
func TestAWrongLineFails(t *testing.T) {
	archive := txtar.Parse([]byte(strings.Replace(planted, "%", "expect E1 Account Verified", 1)))
	w, err := newWorld(t, archive)
	if err != nil {
		t.Fatal(err)
	}
	report(t, "planted", w.play(string(archive.Comment)))
	for _, x := range wrong {
		if err := w.line(x.line); err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s\nit says, not %q:\n%v", x.line, x.says, err)
		}
	}
}

func TestAScriptGoesOnAfterAMissedExpectationAndEndsAtALineThatCannotBeDone(t *testing.T) {
	failures := playFile(t, []byte(strings.Replace(planted, "%", "expect orders 7\nexpect orders 8\nnonsense\nexpect orders 9", 1)))
	first := strings.Count(planted[:strings.Index(planted, "%")], "\n") + 1
	if len(failures) != 3 {
		t.Fatalf("there are %d failures, not 3: %v", len(failures), failures)
	}
	for i, f := range failures {
		if f.line != first+i {
			t.Errorf("%q is said of line %d, not %d", f.text, f.line, first+i)
		}
	}
}

func TestAScriptThatExpectsNothingFails(t *testing.T) {
	failures := playFile(t, []byte(strings.Replace(planted, "%", "", 1)))
	if len(failures) != 1 || !strings.Contains(failures[0].err.Error(), "expects nothing") {
		t.Errorf("it says %v", failures)
	}
}

func TestAConfigurationThatDoesNotLoadFails(t *testing.T) {
	failures := playFile(t, []byte("expect no orders\n-- rules.yaml --\nroles: {x: {shoe: 1}}\n"))
	if len(failures) != 1 || !strings.Contains(failures[0].err.Error(), "shoe") {
		t.Errorf("it says %v", failures)
	}
}
