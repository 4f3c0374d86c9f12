package orders

import (
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"provisor.dev/provisor/fault"
)

var update = flag.Bool("update", false, "write docs/generated/states.md")

// fits are facts under which each row holds and no earlier one does, by the
// row's claim; wrong are the facts of which each alone switches the guard off.
var fits = map[string]struct {
	facts Facts
	wrong []string
}{
	"what rests keeps resting when the value becomes a declined one":               {Facts{DeclinedBefore: true}, []string{"DeclinedBefore"}},
	"a declined value is not proposed again":                                       {Facts{DeclinedBefore: true, Adds: true}, []string{"DeclinedBefore"}},
	"what was undeclared is released, whatever the system holds":                   {Facts{Undeclared: true, Wanted: true}, []string{"Undeclared"}},
	"what is no longer wanted and not in the system lapses":                        {Facts{}, []string{"Wanted", "Held"}},
	"a removal supersedes what was under way":                                      {Facts{Held: true}, []string{"Wanted", "Held", "Removal", "NoRemove"}},
	"a removal that is left to people becomes a question":                          {Facts{Held: true, NoRemove: true}, []string{"Wanted", "Held", "NoRemove", "Removal"}},
	"a write-once value of an account that exists is neither written nor compared": {Facts{Wanted: true, Once: true, Exists: true}, []string{"Once", "Exists"}},
	"a write-once value of an account that was there all along is not written":     {Facts{Wanted: true, Once: true, Exists: true, Met: true}, []string{"Once", "Met"}},
	"an addition that is left to people rests until it appears":                    {Facts{Wanted: true, NoAdd: true, Adds: true}, []string{"Wanted", "NoAdd", "Adds", "Equal"}},
	"what is already there is Verified":                                            {Facts{Wanted: true, Equal: true}, []string{"Equal", "Unseen"}},
	"an order for what is already there is withdrawn":                              {Facts{Wanted: true, Equal: true, Review: true}, []string{"Equal", "Unseen", "Association"}},
	"a question is answered when the expected value is the one read":               {Facts{Wanted: true, Equal: true}, []string{"Equal", "Unseen", "Wanted"}},
	"both sides moved: a question that proposes the new value":                     {Facts{Wanted: true, BothMoved: true}, []string{"BothMoved", "Once"}},
	"a protected manual value is questioned, not overwritten":                      {Facts{Wanted: true, Changed: true, Protected: true}, []string{"Changed", "Protected"}},
	"a questioned value follows the rules once manual values are discarded":        {Facts{Wanted: true, Discarded: true}, []string{"Discarded"}},
	"a first difference becomes an order, or waits for a review":                   {Facts{Wanted: true}, []string{"Equal"}},
	"our side moved: a new order":                                                  {Facts{Wanted: true, Changed: true}, []string{"Changed", "Once"}},
	"a pending order is amended; a changed value loses its approval":               {Facts{Wanted: true, Changed: true}, []string{"Changed"}},
	"what waits for a review is amended and goes on waiting":                       {Facts{Wanted: true, Changed: true, Review: true}, []string{"Changed"}},
	"a known error is left by a new value":                                         {Facts{Wanted: true, Changed: true}, []string{"Changed"}},
	"a review that is no longer needed ends":                                       {Facts{Wanted: true}, []string{"Review"}},
	"what a person froze rests again when its account is back":                     {Facts{RestFrozen: true, Exists: true}, []string{"Wanted", "RestFrozen", "Exists"}},
	"what was inactive and is wanted again starts anew":                            {Facts{Wanted: true}, []string{"Wanted"}},
	"another value than the declined one is reviewed, whatever the resource type says": {
		Facts{Wanted: true, Changed: true}, []string{"Changed", "DeclinedBefore", "Equal"}},

	"approving an association with nothing to write verifies it":           {Facts{Association: true, Equal: true}, []string{"Association", "Equal"}},
	"a declined association is denied for good":                            {Facts{Association: true}, []string{"Association"}},
	"a declined addition rests":                                            {Facts{Adds: true}, []string{"Adds"}},
	"a declined update or deletion makes the value read an exception":      {Facts{}, []string{"Adds"}},
	"an errored addition may be declined when it did not happen":           {Facts{Adds: true, OutcomeKnown: true}, []string{"Adds", "OutcomeKnown"}},
	"an errored update or deletion may be declined when it did not happen": {Facts{Stated: true}, []string{"Adds", "Stated", "Readable"}},
	"refusing what was found removes it, under review where the person may not review": {
		Facts{Unexplained: true}, []string{"Unexplained"}},
	"what was executed is rolled back to an exception, under review where the person may not review": {
		Facts{}, []string{"Once"}},
	"a revoked exception lets the rules speak again":                {Facts{Excepted: true}, []string{"Excepted"}},
	"an unauthorized or pre-existing account may be kept":           {Facts{Unexplained: true}, []string{"Unexplained"}},
	"an error that certainly did not happen may be tried again":     {Facts{Stated: true}, []string{"Stated", "Readable"}},
	"an unknown outcome is looked up before anything is sent again": {Facts{Readable: true}, []string{"Readable"}},
	"what a threshold parked is released by a person":               {Facts{Parked: true}, []string{"Parked"}},
	"a block that is switched on holds what no reviewer approved":   {Facts{Blocked: true}, []string{"Blocked", "ApprovedNow"}},
	"trouble with another item of the resource holds this one":      {Facts{OtherTrouble: true}, []string{"OtherTrouble", "ApprovedNow", "RetriedNow", "Removal"}},

	"a surprise takes back the release of what has not gone out":      {Facts{Surprise: true}, []string{"Surprise"}},
	"an order is collected when every gate is open":                   {Facts{GatesOpen: true}, []string{"GatesOpen"}},
	"where nothing can be read, a technician's confirmation verifies": {Facts{Manual: true, Named: true}, []string{"Manual", "Readable", "Named"}},
	"where nothing can be read, a named person's confirmation settles an unknown outcome": {
		Facts{Named: true}, []string{"Readable", "Named"}},
	"what a technician confirms is Executed":                                {Facts{Manual: true, Named: true, Readable: true}, []string{"Manual", "Named", "Readable"}},
	"what a technician could not do is an error":                            {Facts{Manual: true, Named: true}, []string{"Manual", "Named"}},
	"a person's confirmation settles an unknown outcome":                    {Facts{Named: true, Readable: true}, []string{"Named", "Readable"}},
	"what is reported done is Executed":                                     {Facts{Readable: true, NewestFence: true}, []string{"Readable", "NewestFence"}},
	"a second report of the same attempt changes nothing":                   {Facts{NewestFence: true}, []string{"NewestFence"}},
	"what was certainly refused is tried again while attempts are left":     {Facts{NewestFence: true, Transient: true, AttemptsLeft: true}, []string{"NewestFence"}},
	"a lost report is looked up, never resent":                              {Facts{}, []string{"Manual"}},
	"an expired lease is looked up, never resent":                           {Facts{LeaseOver: true}, []string{"Manual", "LeaseOver"}},
	"looked up: it happened":                                                {Facts{Shows: true}, []string{"Shows"}},
	"looked up: it did not happen":                                          {Facts{Settled: true}, []string{"Settled", "Shows"}},
	"what cannot be looked up has an unknown outcome":                       {Facts{NoUse: true}, []string{"NoUse"}},
	"what no technician confirmed in time has an unknown outcome":           {Facts{Manual: true, ValidityOver: true}, []string{"Manual", "ValidityOver"}},
	"what no reading showed in time has an unknown outcome":                 {Facts{ValidityOver: true}, []string{"ValidityOver", "Once"}},
	"a withdrawn instruction that nobody took is recalled":                  {Facts{Manual: true}, []string{"Manual", "Taken"}},
	"a withdrawn instruction that somebody took is marked no longer wanted": {Facts{Manual: true, Taken: true}, []string{"Manual", "Taken"}},

	"a reading begun after the execution shows the value":                          {Facts{Shows: true, Fresh: true}, []string{"Shows", "Fresh", "Once"}},
	"a reading begun after the collection shows a value that was not there before": {Facts{Shows: true, Fresh: true, Moved: true}, []string{"Shows", "Fresh", "Moved"}},
	"a reading shows that it is already there":                                     {Facts{Shows: true, Fresh: true}, []string{"Shows", "Fresh", "Unseen", "Association"}},
	"a found value that was put right by hand is no question any more":             {Facts{Shows: true, Fresh: true, Wanted: true}, []string{"Shows", "Fresh", "Wanted", "Association"}},
	"a declined or unwanted value that is gone again is no question any more":      {Facts{Shows: true, Fresh: true}, []string{"Shows", "Fresh", "Wanted"}},
	"they moved: a question":                                   {Facts{Fresh: true}, []string{"Shows", "Fresh", "Once"}},
	"a foreign value appeared after the execution: a question": {Facts{Fresh: true, Foreign: true}, []string{"Shows", "Fresh", "Foreign", "Once"}},
	"a declined or unwanted value appeared: a question":        {Facts{Fresh: true}, []string{"Shows", "Fresh"}},
}

func flip(f Facts, name string) Facts {
	v := reflect.ValueOf(&f).Elem().FieldByName(name)
	v.SetBool(!v.Bool())
	return f
}

func TestEveryRowIsReachedFromEachOfItsPlacesAndRefusedWhenItsGuardIsOff(t *testing.T) {
	used := map[string]bool{}
	for i := range table {
		row := &table[i]
		fit, ok := fits[row.Name]
		if ok == (row.When == nil) {
			t.Errorf("%q: facts that fit are missing, or there is no guard to test", row.Name)
		}
		if used[row.Name] {
			t.Errorf("%q names two rows", row.Name)
		}
		used[row.Name] = true
		for _, from := range row.From {
			prior := atPending
			facts := fit.facts
			if from == atErrored && row.When != nil {
				facts.OutcomeKnown = true
			}
			to, got, err := Next(from, row.On, &prior, facts)
			switch {
			case err != nil:
				t.Errorf("%q from %s: %v", row.Name, from, err)
				continue
			case got != row:
				t.Errorf("%q from %s: the row %q decided", row.Name, from, got.Name)
				continue
			case !slices.Contains(row.Targets(from), to):
				t.Errorf("%q from %s leads to %s, which it does not name", row.Name, from, to)
			}
			for _, name := range fit.wrong {
				if from == atErrored && (name == "Stated" || name == "Readable" || name == "OutcomeKnown") {
					continue // of an Errored item the outcome is known
				}
				if _, got, _ := Next(from, row.On, &prior, flip(facts, name)); got == row {
					t.Errorf("%q from %s goes through although %s is wrong", row.Name, from, name)
				}
			}
		}
	}
	for name := range fits {
		if !used[name] {
			t.Errorf("no row is called %q", name)
		}
	}
}

func TestEveryFactThatAGuardAsksIsTriedWrong(t *testing.T) {
	facts := reflect.TypeFor[Facts]()
	for i := range table {
		row := &table[i]
		if row.When == nil {
			continue
		}
		fit := fits[row.Name]
		for n := range facts.NumField() {
			name := facts.Field(n).Name
			off := flip(fit.facts, name)
			if !row.When(&off) && !slices.Contains(fit.wrong, name) {
				t.Errorf("%q asks %s, and nothing tries it wrong", row.Name, name)
			}
		}
	}
}

func TestWhatIsNotInTheTableIsRefusedWithItsPlaceAndEvent(t *testing.T) {
	for _, from := range Places() {
		for _, on := range Events() {
			if _, ok := index[key{from, on}]; ok {
				continue
			}
			all := Facts{}
			v := reflect.ValueOf(&all).Elem()
			for i := range v.NumField() {
				v.Field(i).SetBool(true)
			}
			for _, f := range []Facts{{}, all} {
				to, row, err := Next(from, on, nil, f)
				var refusal *Refusal
				if !errors.As(err, &refusal) || refusal.From != from || refusal.Event != on || to != from || row != nil {
					t.Errorf("%s, %s: went to %s, %v", from, on, to, err)
				}
				if fault.KindOf(err) != fault.Refused {
					t.Errorf("%s, %s: the refusal is of kind %q", from, on, fault.KindOf(err))
				}
			}
		}
	}
}

func drawFacts(t *rapid.T) Facts {
	var f Facts
	v := reflect.ValueOf(&f).Elem()
	for i := range v.NumField() {
		v.Field(i).SetBool(rapid.Bool().Draw(t, v.Type().Field(i).Name))
	}
	return f
}

func TestNoMoveOutsideTheTriplesEver(t *testing.T) {
	legal := map[Triple]bool{}
	for _, tr := range Triples() {
		legal[tr] = true
	}
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SampledFrom(Places()).Draw(t, "from")
		on := rapid.SampledFrom(Events()).Draw(t, "event")
		prior := rapid.SampledFrom(priors).Draw(t, "prior")
		to, row, err := Next(from, on, &prior, drawFacts(t))
		if err != nil {
			if to != from {
				t.Fatalf("a refusal moved %s to %s", from, to)
			}
			return
		}
		if !legal[Triple{from, on, to}] {
			t.Fatalf("%q: %s, %s, %s is not a legal move", row.Name, from, on, to)
		}
	})
}

func TestEveryTripleIsReachable(t *testing.T) {
	left := map[Triple]bool{}
	for _, tr := range Triples() {
		left[tr] = true
	}
	chance := rand.New(rand.NewPCG(1, 1)) // a fixed walk through the facts: a reachable triple stays reachable
	for n := 0; n < 200_000 && len(left) > 0; n++ {
		var f Facts
		v := reflect.ValueOf(&f).Elem()
		bits := chance.Uint64()
		for i := range v.NumField() {
			v.Field(i).SetBool(bits>>i&1 == 1)
		}
		prior := priors[n%len(priors)]
		for tr := range left {
			if to, _, err := Next(tr.From, tr.Event, &prior, f); err == nil && to == tr.To {
				delete(left, tr)
			}
		}
	}
	for tr := range left {
		t.Errorf("nothing leads %s, %s, %s", tr.From, tr.Event, tr.To)
	}
}

func TestExpectDecidesInItsOrderOfPrecedence(t *testing.T) {
	everything := Facts{
		Wanted: true, DeclinedBefore: true, Adds: true, Once: true, Exists: true, NoAdd: true,
		Equal: true, BothMoved: true, Protected: true, Changed: true,
	}
	steps := []struct {
		off  string // what is switched off before asking again
		from Place
		want string
	}{
		{"", atNone, "a declined value is not proposed again"},
		{"DeclinedBefore", atNone, "a write-once value of an account that exists is neither written nor compared"},
		{"Equal", atNone, "a write-once value of an account that exists is neither written nor compared"},
		{"Once", atNone, "an addition that is left to people rests until it appears"},
		{"NoAdd", atNone, "a first difference becomes an order, or waits for a review"},
		{"", atVerified, "both sides moved: a question that proposes the new value"},
		{"BothMoved", atVerified, "a protected manual value is questioned, not overwritten"},
		{"Protected", atVerified, "our side moved: a new order"},
	}
	f := everything
	for _, s := range steps {
		if s.off != "" {
			f = flip(f, s.off)
		}
		_, row, err := Next(s.from, Expect, nil, f)
		if err != nil || row.Name != s.want {
			t.Errorf("from %s without %s: got %v %v, want %q", s.from, s.off, row, err, s.want)
		}
	}
	unwanted := flip(flip(flip(everything, "Wanted"), "DeclinedBefore"), "Equal")
	unwanted.Held = true
	for from, want := range map[Place]string{
		atPending:  "a removal supersedes what was under way",
		atAwaiting: "a removal supersedes what was under way",
		atErrored:  "a removal supersedes what was under way",
	} {
		if _, row, err := Next(from, Expect, nil, unwanted); err != nil || row.Name != want {
			t.Errorf("from %s: got %v %v, want %q", from, row, err, want)
		}
	}
}

func TestOnlyCollectFromPendingTransmitsWhatNobodySent(t *testing.T) {
	for _, tr := range Triples() {
		if tr.To == atTransmitted && tr.From != atTransmitted && (tr.Event != Collect || tr.From.State != Pending) {
			t.Errorf("%s, %s leads to Transmitted", tr.From, tr.Event)
		}
		if tr.To == atReadBack && tr.From.State != Transmitted && (tr.From != atUnknown || tr.Event != Retry) {
			t.Errorf("%s, %s leads to a read-back of what was not sent", tr.From, tr.Event)
		}
	}
}

func TestNothingIsVerifiedWithoutAReadingAnEqualValueOrAPerson(t *testing.T) {
	for i := range table {
		row := &table[i]
		for _, from := range row.From {
			if row.Stay || row.Prior || row.Fresh || !slices.ContainsFunc(row.To, func(p Place) bool { return p == atVerified }) {
				continue
			}
			fit := fits[row.Name]
			switch {
			case row.By == ByReading && slices.Contains(fit.wrong, "Shows") && slices.Contains(fit.wrong, "Fresh"):
			case row.On == Expect && slices.Contains(fit.wrong, "Equal") && slices.Contains(fit.wrong, "Unseen"):
			case row.On == Done && slices.Contains(fit.wrong, "Named") && slices.Contains(fit.wrong, "Readable"):
			case row.On == Approve && slices.Contains(fit.wrong, "Equal"):
			case row.On == Keep:
			default:
				t.Errorf("%q verifies from %s without a proof", row.Name, from)
			}
		}
	}
}

func TestEveryStateThatIsNotFinalHasAnOwnerAndAWayOut(t *testing.T) {
	for _, p := range Places() {
		ways := 0
		for _, tr := range Triples() {
			if tr.From == p && tr.To != p {
				ways++
			}
		}
		if ways == 0 {
			t.Errorf("nothing leads out of %s", p)
		}
		final := p.State == Verified || p.State == Inactive
		if final != (p.State.Owner() == "") {
			t.Errorf("%s: owner %q", p, p.State.Owner())
		}
	}
}

func TestPlacesReadBackAsWritten(t *testing.T) {
	for _, p := range Places() {
		if got, err := ParsePlace(p.String()); err != nil || got != p {
			t.Errorf("%s: %v %v", p, got, err)
		}
	}
	if _, err := ParsePlace("Verified (maybe)"); err == nil {
		t.Error("a place that does not exist was read")
	}
}

func TestThePageOfStatesIsGeneratedFromTheTable(t *testing.T) {
	file := filepath.Join("..", "..", "..", "docs", "generated", "states.md")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(file)
	if err != nil || string(page) != Markdown() {
		t.Fatalf("docs/generated/states.md is not what the table says; run the test with -update (%v)", err)
	}
	for _, only := range [][]Path{nil, {ReviewPath}, {ManualPath}, {AutomaticPath}} {
		if d := Diagram(only...); !strings.HasPrefix(d, "stateDiagram-v2\n") || !strings.Contains(d, "-->") {
			t.Errorf("%v: no diagram:\n%s", only, d)
		}
	}
}
