package orders

import (
	"testing"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/value"
)

func TestAnAutomaticAdditionBecomesVerified(t *testing.T) {
	s := automatic(t).wants(mail, "ann@x").evaluate()
	s.at("", atPending).at(mail, atPending).open(true)
	if s.a.Order.Kind != Addition || s.a.Consolidated() != Pending {
		t.Errorf("kind %s, state %s", s.a.Order.Kind, s.a.Consolidated())
	}
	s.collect().does().done().at("", atExecuted).reads()
	s.path(mail, atPending, atTransmitted, atExecuted, atVerified).open(false)
	if s.a.Order.Outcome != "verified" || s.a.Target != "k1" {
		t.Errorf("closed as %q with target %q", s.a.Order.Outcome, s.a.Target)
	}
	s.evaluate().reads().path(mail, atPending, atTransmitted, atExecuted, atVerified)
}

func TestApprovedItemsGoOutAlthoughOthersWait(t *testing.T) {
	s := reviewed(t).standing().wants(mail, "a@x").wants(phone, "1").evaluate()
	s.at(mail, atAwaiting).at(phone, atAwaiting)
	s.decide(Approve, mail).at(mail, atPending).at(phone, atAwaiting)
	s.collect().at(mail, atTransmitted).at(phone, atAwaiting)
	s.does().done().reads().at(mail, atVerified).at(phone, atAwaiting).open(true)
	if c := s.a.Counters(); c.Blocked != 1 {
		t.Errorf("%+v", c)
	}
}

func TestValuesOfAnUnapprovedAccountWait(t *testing.T) {
	s := reviewed(t).wants(mail, "a@x").evaluate().decide(Approve, mail)
	if ready := s.a.Ready(s.now); len(ready) != 0 {
		t.Errorf("%d items are ready", len(ready))
	}
	s.decide(Approve, "").collect().at(mail, atTransmitted)
}

func TestADeclinedAdditionRestsUntilRevoked(t *testing.T) {
	s := reviewed(t).standing().wants(phone, "1").evaluate().decide(Decline, phone).at(phone, atDeclined).open(false)
	s.evaluate().reads().at(phone, atDeclined)
	s.decide(Revoke, phone).at(phone, atAwaiting).proposes(phone, "1")
}

func TestAnotherValueThanTheDeclinedOneIsReviewedAlways(t *testing.T) {
	s := reviewed(t).standing().wants(phone, "1").evaluate().decide(Decline, phone)
	s.h.Review = false
	s.wants(phone, "2").evaluate().at(phone, atAwaiting).proposes(phone, "2")
	s.wants(phone, "1").evaluate().at(phone, atDeclined)
	s.wants(phone, "2").evaluate().at(phone, atAwaiting).decide(Approve, phone).at(phone, atPending)
}

func TestADeclinedUpdateFreezesAndNeverMoves(t *testing.T) {
	s := reviewed(t).standing().wants(mail, "b@x").evaluate().decide(Decline, mail).at(mail, atFrozen).open(false)
	if wf := s.item(mail).Workflow; wf != assignments.Approved {
		t.Errorf("workflow %v", wf)
	}
	s.wants(mail, "c@x").evaluate().reads().at(mail, atFrozen)
	s.holds(mail, "d@x").reads().at(mail, atFound)
	s.decide(Correct, mail).at(mail, atPending).proposes(mail, "ann@x")
	s.evaluate().collect().does().done().reads().at(mail, atFrozen)
	s.decide(Revoke, mail).at(mail, atAwaiting).proposes(mail, "c@x")
}

func TestDecliningTheAccountDeclinesItsValues(t *testing.T) {
	s := reviewed(t).wants(mail, "a@x").wants(phone, "1").evaluate().decide(Decline, "")
	s.at("", atDeclined).at(mail, atDeclined).at(phone, atDeclined).open(false)
	s.wants(pin, "7").evaluate().at(pin, atInactive).open(false)

	all := reviewed(t).wants(mail, "a@x").evaluate().decide(Decline, "", mail)
	all.at("", atDeclined).at(mail, atDeclined)
	all.decide(Revoke).at("", atAwaiting).at(mail, atAwaiting)
}

func TestAPendingValueLapsesWithItsDeclinedAccount(t *testing.T) {
	s := reviewed(t).wants(mail, "a@x").evaluate().decide(Approve, mail).decide(Decline, "")
	s.at(mail, atInactive).open(false).decide(Revoke, "").at("", atAwaiting).at(mail, atAwaiting)
}

func TestPostponingIsNoMove(t *testing.T) {
	s := reviewed(t).standing().wants(phone, "1").evaluate()
	c := s.choice(Postpone, phone)
	c.Until = s.now.AddDate(0, 0, 7)
	s.must(s.a.Decide(s.occasion(), c)).at(phone, atAwaiting)
	if s.item(phone).Decision.Postponed != At(c.Until) {
		t.Error("the date is lost")
	}
	s.evaluate().decide(Approve, phone).at(phone, atPending)
}

func TestADecisionOnAnOldVersionIsAConflict(t *testing.T) {
	s := reviewed(t).standing().wants(phone, "1").evaluate()
	c := s.choice(Approve, phone)
	c.Version = s.a.Order.Version
	s.wants(phone, "2").evaluate()
	if err := s.a.Decide(s.occasion(), c); fault.KindOf(err) != fault.Conflict {
		t.Errorf("got %v", err)
	}
	s.decide(Approve, phone)
	if err := s.choose(Approve, phone); fault.KindOf(err) != fault.Conflict || !isRefusal(err) {
		t.Errorf("a second approval: %v", err)
	}
}

func TestADecisionThatIsRefusedInTheMiddleLeavesEverything(t *testing.T) {
	s := reviewed(t).standing().wants(phone, "1").evaluate()
	s.refuses(s.choose(Approve, phone, mail)).at(phone, atAwaiting)
	if s.item(phone).Decision.Approved {
		t.Error("half a decision was kept")
	}
}

func TestAnAmendmentVoidsTheApprovalOfTheChangedItemOnly(t *testing.T) {
	s := reviewed(t).standing().wants(mail, "b@x").wants(phone, "1").evaluate().decide(Approve, mail, phone)
	version := s.a.Order.Version
	s.wants(phone, "2").evaluate().at(mail, atPending).at(phone, atAwaiting)
	if s.a.Order.Version != version+1 {
		t.Errorf("version %d after %d", s.a.Order.Version, version)
	}
	s.evaluate()
	if s.a.Order.Version != version+1 {
		t.Error("an evaluation that changes nothing raised the version")
	}
}

func TestARunWithBlockingIsReviewedEvenAfterTheRun(t *testing.T) {
	s := automatic(t).standing()
	s.blocking = true
	s.wants(mail, "b@x").wants(phone, "1").evaluate().at(mail, atAwaiting)
	s.blocking = false
	s.evaluate().at(mail, atAwaiting).decide(Approve, mail).at(mail, atPending).at(phone, atAwaiting)
}

func TestABlockHoldsWhatNobodyApproved(t *testing.T) {
	s := automatic(t).standing().wants(mail, "b@x").evaluate().at(mail, atPending)
	s.h.Review = true
	s.evaluate().at(mail, atAwaiting).decide(Approve, mail).evaluate().at(mail, atPending)
	s.h.Review = false
	s.wants(mail, "c@x").evaluate().at(mail, atPending)
	s.h.Review = true
	s.evaluate().at(mail, atAwaiting)
	s.h.Review = false
	s.evaluate().at(mail, atPending)
}

func TestAnErroredItemHoldsItsNeighboursAndFreesThem(t *testing.T) {
	s := automatic(t).standing().wants(mail, "b@x").evaluate().collect().refused(true).at(mail, atErrored)
	s.wants(phone, "1").evaluate().at(phone, atAwaiting)
	s.decide(Retry, mail).at(mail, atPending).at(phone, atPending)
	s.collect().does().done().reads().at(mail, atVerified).at(phone, atVerified).open(false)
}

func TestAnErroredItemMayBeDeclined(t *testing.T) {
	s := automatic(t).standing().wants(phone, "1").evaluate().collect().refused(true).decide(Decline, phone)
	s.at(phone, atDeclined).open(false)
}

func matched(t *testing.T) *story {
	s := automatic(t).holds(mail, "ann@x")
	s.e.Target, s.e.Confidence = "k1", 80
	return s.wants(mail, "ann@x").wants(phone, "1").evaluate()
}

func TestADoubtfulMatchIsAnAssociation(t *testing.T) {
	s := matched(t).at("", atAwaiting).at(mail, atAwaiting).at(phone, atAwaiting)
	if s.a.Order.Kind != Association {
		t.Errorf("kind %s", s.a.Order.Kind)
	}
	s.reads().at("", atAwaiting).at(mail, atAwaiting)
	s.decide(Approve, phone)
	if ready := s.a.Ready(s.now); len(ready) != 0 {
		t.Error("a value goes to an account whose owner nobody confirmed")
	}
	s.decide(Approve).at("", atVerified).at(mail, atVerified).at(phone, atPending)
	s.evaluate().collect().does().done().reads().at(phone, atVerified).open(false)
	if s.a.Doubtful() {
		t.Error("a confirmed match is doubted again")
	}
}

func TestADeniedMatchProposesAnAdditionUnderReview(t *testing.T) {
	s := matched(t).wants(pin, "7").evaluate().at(pin, atExecuted).decide(Decline, "").at("", atInactive)
	if s.a.Target != "" {
		t.Error("the denied account is still the target")
	}
	s.evaluate().at("", atAwaiting).at(mail, atAwaiting).at(pin, atAwaiting)
	if s.a.Target != "" || s.a.Order.Kind != Addition {
		t.Errorf("target %q, kind %s", s.a.Target, s.a.Order.Kind)
	}
}

func TestDecliningAValueOfAMatchDoesNotDenyThePair(t *testing.T) {
	s := matched(t).decide(Decline, phone).at(phone, atDeclined).at("", atAwaiting)
	if s.a.Target != "k1" {
		t.Error("the pair is denied")
	}
}

func TestARefusedLinkIsRemovedForGood(t *testing.T) {
	s := automatic(t).standing().links(group, "g1")
	s.expect(assignments.ExpectedItem{Origin: &assignments.Origin{Property: group, Link: "g1"}}).evaluate().at(group, atFound).open(false)
	s.decide(Decline, group).at(group, atPending)
	if wf := s.item(group).Workflow; wf != assignments.Cancellation {
		t.Errorf("workflow %v", wf)
	}
	s.collect().does().done().reads().at(group, atVerified).open(false)
	s.links(group, "g1").reads().at(group, atFound).decide(Decline, group).at(group, atPending)
}

func TestAFoundLinkMayBeKept(t *testing.T) {
	s := automatic(t).standing().links(group, "g1")
	s.expect(assignments.ExpectedItem{Origin: &assignments.Origin{Property: group, Link: "g1"}}).evaluate().decide(Keep, group).at(group, atVerified)
	s.evaluate().reads().at(group, atVerified).open(false)
}

// unauthorized is an account that no rule gives.
func unauthorized(t *testing.T) *story {
	s := automatic(t).holds(mail, "x@x")
	s.e.Wanted, s.e.Found, s.e.Workflow, s.e.Target, s.e.Confidence = false, true, assignments.NonConforming, "k1", 100
	return s.evaluate().at("", atVerified).open(false)
}

func TestAnUnauthorizedAccountMayBeKeptOrRefused(t *testing.T) {
	s := unauthorized(t).decide(Keep, "").at("", atVerified).evaluate().reads().at("", atVerified)
	if s.item("").Workflow != assignments.Approved {
		t.Error("keeping did not approve")
	}

	s = unauthorized(t).decide(Decline, "").at("", atPending)
	s.evaluate().collect().does().done().at("", atExecuted).reads().at("", atVerified)
	if !s.a.Closed || s.a.Order.Kind != Deletion {
		t.Errorf("closed %v, kind %s", s.a.Closed, s.a.Order.Kind)
	}
}

func TestRefusingWithoutTheRightToReviewWaitsForAReview(t *testing.T) {
	s := unauthorized(t)
	s.h.Review = true
	s.evaluate()
	c := s.choice(Decline, "")
	c.MayReview = false
	s.must(s.a.Decide(s.occasion(), c)).at("", atAwaiting).evaluate().at("", atAwaiting)
	s.decide(Approve, "").at("", atPending).collect()
}

func TestAParkedItemIsNotCollected(t *testing.T) {
	s := automatic(t).standing()
	s.expect(assignments.ExpectedItem{Origin: &assignments.Origin{Property: group, Link: "g9", Parked: "group g9 is not there yet"}, Wanted: true}).evaluate().at(group, atPending)
	if len(s.a.Ready(s.now)) != 0 {
		t.Fatal("a parked item is ready")
	}
	s.refuses(s.a.Collect(s.occasion(), "agent", 0)).at(group, atPending)
	s.expect(assignments.ExpectedItem{Origin: &assignments.Origin{Property: group, Link: "g9"}, Wanted: true}).evaluate().collect().at(group, atTransmitted)
}

func TestAThresholdsParkedOrderIsReleasedByAPerson(t *testing.T) {
	s := automatic(t).standing().wants(mail, "b@x").evaluate()
	c := s.choice(Release, mail)
	s.refuses(s.a.Decide(s.occasion(), c)).at(mail, atPending)
	c.Parked = true
	s.must(s.a.Decide(s.occasion(), c)).at(mail, atReleased).evaluate().collect().at(mail, atTransmitted)
}

func TestALinkFoundInDoubtIsReviewed(t *testing.T) {
	s := automatic(t).standing()
	s.expect(assignments.ExpectedItem{Origin: &assignments.Origin{Property: "manager", Doubt: 70}, Wanted: true, Value: value.OfString("boss")}).evaluate().at("manager", atAwaiting)
}
