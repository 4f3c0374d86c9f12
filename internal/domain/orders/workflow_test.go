package orders

import (
	"testing"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/schema"
)

func (s *story) flow(p schema.PropertyName, want assignments.Workflow) *story {
	s.t.Helper()
	if got := s.item(p).Workflow; got != want {
		s.t.Fatalf("%s is in workflow state %d, want %d", s.item(p).Name(), got, want)
	}
	return s
}

func TestAKeptUnauthorizedAccountIsNoQuestionAnyMore(t *testing.T) {
	s := unauthorized(t)
	if !s.a.Unauthorized() || !s.a.Found() || s.a.Workflow() != assignments.NonConforming {
		t.Error("an account that no rule gives asks for nothing")
	}
	if s.a.Settled() {
		t.Error("whose an account is that nobody has seen is settled")
	}
	s.decide(Keep, "").evaluate().reads().evaluate()
	if s.a.Unauthorized() || s.a.Workflow() != assignments.Approved {
		t.Errorf("a kept account asks again, workflow state %d", s.a.Workflow())
	}
	if !s.a.Settled() {
		t.Error("whose a kept account is is not settled")
	}
	if !s.a.Found() {
		t.Error("what a person keeps would be removed, because no rule gives it")
	}
}

func TestARefusedAccountStaysACancellationWhileItIsRemoved(t *testing.T) {
	s := unauthorized(t).decide(Decline, "").flow("", assignments.Cancellation)
	s.e.Reasons = []assignments.Reason{{Note: "computed anew"}}
	s.evaluate().at("", atPending).flow("", assignments.Cancellation)
}

func TestWhatWasThereBeforeWeBeganStaysPreExisting(t *testing.T) {
	s := automatic(t).holds(mail, "x@x")
	s.e.Wanted, s.e.Found, s.e.Workflow, s.e.Target, s.e.Confidence = false, true, assignments.PreExisting, "k1", 100
	s.evaluate().flow("", assignments.PreExisting)
	s.e.Workflow = assignments.NonConforming
	s.evaluate().flow("", assignments.PreExisting)
}

func TestWhatDriftedIsFoundUntilItIsAnswered(t *testing.T) {
	drifted := func() *story {
		return automatic(t).standing().holds(mail, "x@x").reads().at(mail, atFound).flow(mail, assignments.NonConforming)
	}
	drifted().decide(Correct, mail).flow(mail, assignments.Calculated)
	drifted().decide(Keep, mail).flow(mail, assignments.Approved)
	drifted().holds(mail, "ann@x").reads().at(mail, atVerified).flow(mail, assignments.Calculated)
	drifted().wants(mail, "x@x").evaluate().at(mail, atVerified).flow(mail, assignments.Calculated)
	drifted().wants(mail, "y@x").evaluate().at(mail, atFound).flow(mail, assignments.NonConforming)
}

func TestADriftedValueThatARuleGivesIsNotRefused(t *testing.T) {
	s := automatic(t).standing().holds(mail, "x@x").reads()
	s.refuses(s.choose(Decline, mail)).at(mail, atFound)
}

func TestAKeptValueThatDriftedAndWasCorrectedIsApprovedAgain(t *testing.T) {
	s := automatic(t).standing().holds(mail, "kept@x").reads().decide(Keep, mail)
	s.holds(mail, "y@x").reads().flow(mail, assignments.NonConforming).decide(Correct, mail).flow(mail, assignments.Calculated)
	s.collect().does().done().reads().flow(mail, assignments.Approved)
}

func TestAnOverwrittenKeptValueIsCalculatedAgain(t *testing.T) {
	s := automatic(t).standing()
	s.h.DiscardManual = true
	s.holds(mail, "kept@x").reads().decide(Keep, mail).wants(mail, "new@x").evaluate().flow(mail, assignments.Calculated)
}

func TestAQuestionedValueWhoseRuleFailedIsStillQuestioned(t *testing.T) {
	s := automatic(t).standing().holds(mail, "kept@x").reads().decide(Keep, mail).wants(mail, "new@x").evaluate().flow(mail, assignments.Questioned)
	s.expect(assignments.ExpectedItem{Origin: &assignments.Origin{Property: mail, Failed: "boom"}, Wanted: true}).evaluate().at(mail, atError)
	s.wants(mail, "newer@x").evaluate().at(mail, atFound).flow(mail, assignments.Questioned)
}

func TestAKeptAccountStaysKeptWhateverHappensToIt(t *testing.T) {
	for name, happens := range map[string]func(*story) *story{
		"its type is declared again": func(s *story) *story { return s.undeclared().evaluate() },
		"it goes and comes back":     func(s *story) *story { return s.gone().reads().at("", atFound).holds(mail, "x@x").reads() },
		"its rule fails and is mended": func(s *story) *story {
			s.e.Failed = "boom"
			s.evaluate().at("", atError)
			s.e.Failed = ""
			return s.evaluate()
		},
		"its values change": func(s *story) *story { return s.holds(mail, "y@x").reads().evaluate() },
	} {
		t.Run(name, func(t *testing.T) {
			s := unauthorized(t).decide(Keep, "").evaluate()
			s.t = t
			happens(s).at("", atVerified).flow("", assignments.Approved).reads().evaluate().flow("", assignments.Approved).open(false)
			if s.a.Unauthorized() {
				t.Error("the question came back")
			}
		})
	}
}

func TestWhatIsFoundIsNotSettledBeforeItIsJudged(t *testing.T) {
	s := automatic(t).holds(mail, "x@x")
	s.e.Wanted, s.e.Found, s.e.Workflow, s.e.Target, s.e.Confidence = false, true, assignments.PreExisting, "k1", 100
	s.a.Adopt(s.e, s.h, s.system, At(s.now)-1)
	if s.a.Settled() || !s.a.Unauthorized() {
		t.Error("an account that nothing has judged yet is taken for settled")
	}
}
