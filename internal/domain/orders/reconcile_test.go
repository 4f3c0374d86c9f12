package orders

import (
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
)

func TestADriftedValueIsAQuestionNotAnOrder(t *testing.T) {
	s := automatic(t).standing().holds(mail, "x@x").reads().at(mail, atFound).open(false)
	s.evaluate().at(mail, atFound)
	s.decide(Correct, mail).at(mail, atPending).proposes(mail, "ann@x").collect().does().done().reads().at(mail, atVerified)
	if s.system.Value(mail).Text() != "ann@x" {
		t.Error("nothing was corrected")
	}
}

func TestCorrectingWithoutTheRightToReviewWaits(t *testing.T) {
	s := reviewed(t).standing().holds(mail, "x@x").reads()
	c := s.choice(Correct, mail)
	c.MayReview = false
	s.must(s.a.Decide(s.occasion(), c)).at(mail, atAwaiting).evaluate().at(mail, atAwaiting)
	s.decide(Approve, mail).at(mail, atPending)
}

func TestAFoundValuePutRightByHandIsNoQuestionAnyMore(t *testing.T) {
	s := automatic(t).standing().holds(mail, "x@x").reads().at(mail, atFound)
	s.holds(mail, "ann@x").reads().at(mail, atVerified).path(mail, atFound, atVerified)
}

func TestAKeptValueRestsUntilOurSideMoves(t *testing.T) {
	s := automatic(t).standing().holds(mail, "kept@x").reads().decide(Keep, mail).at(mail, atVerified)
	s.evaluate().reads().at(mail, atVerified).open(false)
	s.wants(mail, "new@x").evaluate().at(mail, atFound).proposes(mail, "new@x")
	if wf := s.item(mail).Workflow; wf != assignments.Questioned {
		t.Errorf("workflow %v", wf)
	}
	s.reads().evaluate().at(mail, atFound)
	s.decide(Correct, mail).at(mail, atPending).proposes(mail, "new@x")
	s.collect().does().done().reads().evaluate().at(mail, atVerified)
	s.wants(mail, "newer@x").evaluate().at(mail, atPending)
}

func TestAQuestionedValueKeptAgainRests(t *testing.T) {
	s := automatic(t).standing().holds(mail, "kept@x").reads().decide(Keep, mail)
	s.wants(mail, "new@x").evaluate().decide(Keep, mail).evaluate().at(mail, atVerified)
	s.wants(mail, "newer@x").evaluate().at(mail, atFound)
	s.wants(mail, "new@x").evaluate().at(mail, atVerified)
	if wf := s.item(mail).Workflow; wf != assignments.Approved {
		t.Errorf("workflow %v", wf)
	}
}

func TestAKeptValueThatDriftsIsCorrectedToItself(t *testing.T) {
	s := automatic(t).standing().holds(mail, "kept@x").reads().decide(Keep, mail)
	s.holds(mail, "y@x").reads().at(mail, atFound).decide(Correct, mail).proposes(mail, "kept@x")
	s.evaluate().collect().does().done().reads().evaluate().at(mail, atVerified)
	s.wants(mail, "new@x").evaluate().at(mail, atFound)
}

func TestWithoutProtectionAKeptValueIsOverwritten(t *testing.T) {
	s := automatic(t).standing()
	s.h.DiscardManual = true
	s.holds(mail, "kept@x").reads().decide(Keep, mail).evaluate().at(mail, atVerified)
	s.wants(mail, "new@x").evaluate().at(mail, atPending).proposes(mail, "new@x")
	s.collect().does().done().reads().evaluate().at(mail, atVerified)
}

func TestAQuestionedValueFollowsTheRulesOnceManualValuesAreDiscarded(t *testing.T) {
	for review, to := range map[bool]Place{false: atPending, true: atAwaiting} {
		s := automatic(t).standing().holds(mail, "kept@x").reads().decide(Keep, mail).wants(mail, "new@x").evaluate().at(mail, atFound)
		s.h.DiscardManual, s.h.Review = true, review
		s.evaluate().at(mail, to).proposes(mail, "new@x").flow(mail, assignments.Calculated)
		if review {
			s.decide(Approve, mail)
		}
		s.collect().does().done().reads().evaluate().at(mail, atVerified)
	}
}

func TestADriftedValueStaysAQuestionWhenManualValuesAreDiscarded(t *testing.T) {
	s := automatic(t).standing().holds(mail, "x@x").reads().at(mail, atFound)
	s.h.DiscardManual = true
	s.evaluate().at(mail, atFound)
}

func TestBothSidesMovedIsAQuestionThatProposesTheNewValue(t *testing.T) {
	s := automatic(t).standing().holds(mail, "x@x")
	it := s.item(mail)
	s.after(time.Minute)
	it.Is, it.ReadAt = it.shownBy(s.system), At(s.now) // read, and judged before it was compared
	s.wants(mail, "new@x").evaluate().at(mail, atFound).proposes(mail, "new@x").open(false)
}

func TestADeclinedValueThatAppearsIsRemovedAndStaysDeclined(t *testing.T) {
	s := reviewed(t).standing().wants(phone, "1").evaluate().decide(Decline, phone)
	s.holds(phone, "1").reads().at(phone, atFound).evaluate().at(phone, atFound)
	s.decide(Correct, phone).at(phone, atPending).proposes(phone, "-").evaluate().at(phone, atPending)
	s.collect().does().done().reads().at(phone, atDeclined).open(false).evaluate().at(phone, atDeclined)
}

func TestADeclinedValueThatGoesAgainStaysDeclined(t *testing.T) {
	s := reviewed(t).standing().wants(phone, "1").evaluate().decide(Decline, phone)
	s.holds(phone, "1").reads().at(phone, atFound).holds(phone, "").reads().at(phone, atDeclined)
}

func TestAnAccountThatIsGoneIsOneQuestionAndCorrectingCreatesItAnew(t *testing.T) {
	s := automatic(t).wants(mail, "a@x").wants(pin, "7").evaluate().collect().does().done().reads()
	s.at(pin, atExecuted).open(false)
	s.e.Target, s.e.Confidence = "k1", 100
	s.evaluate().reads().at(pin, atExecuted)
	s.gone().reads().at("", atFound).at(mail, atVerified).at(pin, atExecuted)
	s.wants(mail, "b@x").evaluate().at(mail, atVerified).open(false)
	s.e.Target = ""
	s.decide(Correct, "").at("", atPending).at(mail, atPending).at(pin, atPending).proposes(mail, "b@x")
	if s.a.Order.Kind != Addition {
		t.Errorf("kind %s", s.a.Order.Kind)
	}
	s.collect().does().done().reads().at("", atVerified).at(mail, atVerified).at(pin, atExecuted).open(false)
	s.evaluate()
}

func TestADeclinedValueIsNotWrittenWhenItsAccountIsCreatedAnew(t *testing.T) {
	s := reviewed(t).standing().wants(phone, "1").evaluate().decide(Decline, phone).gone().reads()
	s.decide(Correct, "").at("", atPending).at(mail, atPending).at(phone, atDeclined)
	s.collect().does().done().reads().at(phone, atDeclined)
}

func TestCreatingAnewUnderReviewReviewsTheValuesToo(t *testing.T) {
	s := reviewed(t).standing().gone().reads()
	c := s.choice(Correct, "")
	c.MayReview = false
	s.must(s.a.Decide(s.occasion(), c)).at("", atAwaiting).at(mail, atAwaiting)
	s.decide(Approve).collect().at(mail, atTransmitted)
}

func TestAWantedDeletionSupersedesAnUpdate(t *testing.T) {
	s := automatic(t).standing().wants(mail, "b@x").evaluate().at(mail, atPending)
	update := s.a.Order.ID
	s.leaves().evaluate().at("", atPending).at(mail, atInactive)
	if s.a.Order.Kind != Deletion || s.a.Order.Supersedes != update {
		t.Errorf("kind %s supersedes %d", s.a.Order.Kind, s.a.Order.Supersedes)
	}
	s.collect().does().done().at("", atExecuted)
	s.readsAsOf(time.Minute).at("", atExecuted).reads().at("", atVerified).open(false)
	if !s.a.Closed {
		t.Error("the resource is not history")
	}
}

func TestADeletionTakesAnExecutedValueWithIt(t *testing.T) {
	s := automatic(t).standing().wants(mail, "b@x").evaluate().collect().done().at(mail, atExecuted)
	s.leaves().evaluate().at("", atPending).at(mail, atExecuted)
	s.collect().does().done().reads().at("", atVerified).open(false)
	if !s.a.Closed {
		t.Error("the resource is not history")
	}
}

func TestALookUpProvesADeletionOnlyOfTheOrderThatDeleted(t *testing.T) {
	s := automatic(t).standing().gone().looks().at("", atVerified)
	s.leaves().evaluate().at("", atPending).looks().at("", atPending)
	s.collect().done().looks().at("", atVerified)
	if !s.a.Closed {
		t.Error("the resource is not history")
	}
}

func TestADeletionThatIsNotWantedAnyMoreIsWithdrawn(t *testing.T) {
	s := automatic(t).standing().leaves().evaluate().at("", atPending)
	s.returns().wants(mail, "ann@x").evaluate().at("", atVerified).at(mail, atVerified).open(false)
}

func TestAnAdditionThatIsNoLongerWantedLapses(t *testing.T) {
	s := automatic(t).wants(mail, "a@x").evaluate().at("", atPending)
	s.leaves().evaluate().at("", atInactive).at(mail, atInactive).open(false)
	s.returns().wants(mail, "a@x").evaluate().at("", atPending).at(mail, atPending)
}

func TestARemovalLeftToPeopleIsAQuestion(t *testing.T) {
	s := automatic(t).standing()
	s.h.Remove = false
	s.leaves().evaluate().at("", atFound).open(false)
	s.decide(Decline, "").at("", atPending).evaluate().collect().does().done().reads()
	if !s.a.Closed {
		t.Error("the resource is not history")
	}
}

func TestAnAdditionLeftToPeopleRestsUntilItAppears(t *testing.T) {
	s := automatic(t)
	s.h.Add = false
	s.wants(mail, "a@x").evaluate().at("", atInactive).at(mail, atInactive).open(false)
	s.e.Target, s.e.Confidence = "k1", 100
	s.holds(mail, "b@x").evaluate().at("", atVerified).at(mail, atPending)
}

func TestAWriteOnceValueOfAnExistingAccountIsNeitherWrittenNorCompared(t *testing.T) {
	s := automatic(t).holds(pin, "1")
	s.e.Target, s.e.Confidence = "k1", 100
	s.wants(pin, "7").evaluate().at(pin, atExecuted).open(false)
	s.holds(pin, "2").reads().wants(pin, "8").evaluate().after(48 * time.Hour)
	s.must(s.a.Expire(s.occasion())).at(pin, atExecuted).open(false)
	if s.a.Consolidated() != Verified {
		t.Errorf("consolidated %s", s.a.Consolidated())
	}
}

func TestAFailingRuleKeepsTheFormerState(t *testing.T) {
	s := reviewed(t).standing().wants(phone, "1").evaluate().at(phone, atAwaiting)
	broken := assignments.ExpectedItem{Origin: &assignments.Origin{Property: phone, Failed: "line 3: no such key"}, Wanted: true}
	s.expect(broken).evaluate().at(phone, atError).open(true)
	if s.a.Consolidated() != Error || s.a.Counters().Errored != 1 {
		t.Errorf("%s %+v", s.a.Consolidated(), s.a.Counters())
	}
	s.wants(phone, "1").evaluate().at(phone, atAwaiting).decide(Approve, phone).expect(broken).evaluate().at(phone, atError)
	s.wants(phone, "1").evaluate().at(phone, atPending)
}

func TestWhatIsUndeclaredIsReleased(t *testing.T) {
	s := automatic(t).standing().wants(phone, "1").evaluate()
	s.a.Undeclare()
	s.must(s.a.Judge(s.occasion())).at("", atUndeclared).at(mail, atUndeclared).at(phone, atUndeclared).open(false)
	s.holds(mail, "x@x").gone().reads().at("", atUndeclared).at(mail, atUndeclared)
	s.must(s.a.Judge(s.occasion())).open(false)
}

func TestATransmittedItemIsReleasedWhenTheFeedbackComes(t *testing.T) {
	s := automatic(t).standing().wants(mail, "b@x").evaluate().collect()
	s.a.Undeclare()
	s.must(s.a.Judge(s.occasion())).at(mail, atTransmitted).does().done().at(mail, atUndeclared).at("", atUndeclared).open(false)
}

func TestABrokenRuleDoesNotStopARelease(t *testing.T) {
	s := automatic(t).standing()
	s.expect(assignments.ExpectedItem{Origin: &assignments.Origin{Property: mail, Failed: "boom"}, Wanted: true}).evaluate().at(mail, atError)
	s.a.Undeclare()
	s.must(s.a.Judge(s.occasion())).at(mail, atUndeclared)
	if s.item(mail).Former != nil {
		t.Error("the former state is still remembered")
	}
}

func TestWhatIsToBeReadBackIsReleasedWhenItsTypeIsUndeclared(t *testing.T) {
	lost := ItemReport{Effect: EffectUnknown}
	before := automatic(t).wants(mail, "a@x").evaluate().collect()
	before.must(before.report(Report{Items: before.each(lost)})).at(mail, atReadBack)
	before.a.Undeclare()
	before.must(before.a.Judge(before.occasion())).at("", atUndeclared).at(mail, atUndeclared).open(false)

	// The agent went silent after the resource type had gone.
	after := automatic(t).wants(mail, "a@x").evaluate().collect()
	after.a.Undeclare()
	after.must(after.a.Judge(after.occasion())).at(mail, atTransmitted).after(time.Hour)
	after.must(after.a.Abandoned(after.occasion(), Expire)).at("", atUndeclared).at(mail, atUndeclared).open(false)
}

// Found by simulation: an account that was asked for, whose outcome nobody looked
// up, and which no reading ever showed, was to be deleted for ever.
func TestWhatNobodyLookedUpAndNoReadingShowsInTimeIsNotThere(t *testing.T) {
	s := automatic(t).wants(mail, "a@x").evaluate().collect()
	s.must(s.report(Report{Items: s.each(ItemReport{Effect: EffectUnknown})})).at("", atReadBack).undeclared().at("", atUndeclared)
	s.leaves().evaluate().at("", atPending) // it may be there
	s.after(2*time.Hour).reads().evaluate().at("", atVerified).proposes("", "-").open(false)
}

func TestAKeptAccountThatIsGoneIsNotCreatedFromNothing(t *testing.T) {
	kept := func() *story {
		s := automatic(t).standing()
		s.h.Remove = false
		s.leaves().evaluate().at("", atFound).decide(Keep, "").at("", atVerified)
		return s.gone().after(time.Hour).reads().at("", atFound)
	}
	kept().decide(Correct, "").at("", atInactive).open(false).evaluate().reads().open(false)
	kept().evaluate().at("", atInactive).open(false)
}

func TestAnAccountThatComesBackBesideAnUnknownOutcomeBringsItsWriteOnceValueAtOnce(t *testing.T) {
	s := automatic(t).wants(mail, "a@x").wants(pin, "7").evaluate().collect().does().done().reads()
	s.e.Target, s.e.Confidence = "k1", 100
	s.wants(mail, "b@x").evaluate().collect().must(s.report(Report{})).after(time.Second)
	s.must(s.a.LookedUp(s.occasion(), Look{Began: s.now, Failed: "no route", Deadline: true})).at(mail, atUnknown)
	s.gone().reads().at("", atFound).leaves().evaluate().at("", atInactive)
	s.returns().wants(mail, "b@x").wants(pin, "7").evaluate().at("", atAwaiting).at(pin, atAwaiting)
}

func TestAGoneAccountIsCorrectedTogetherWithAValueThatHadDrifted(t *testing.T) {
	s := automatic(t).standing().holds(mail, "x@x").reads().at(mail, atFound)
	s.gone().reads().at("", atFound).at(mail, atFound)
	s.decide(Correct).at("", atPending).at(mail, atPending).proposes(mail, "ann@x")
}

func TestADeclinedAdditionIsStillDeclinedAfterItsTypeIsDeclaredAgain(t *testing.T) {
	s := reviewed(t).wants(mail, "a@x").evaluate().decide(Decline).at("", atDeclined)
	s.a.Undeclare()
	s.must(s.a.Judge(s.occasion())).at("", atUndeclared)
	s.evaluate().at("", atDeclined).decide(Revoke, "").evaluate().at("", atAwaiting)
	s.decide(Revoke, mail).at(mail, atAwaiting)
}

func TestACorrectionNeverTravelsInAnOrderThatCarriedTheItemOutBefore(t *testing.T) {
	s := automatic(t).standing().wants(mail, "b@x").wants(phone, "1").evaluate().collect()
	first := s.a.Order.ID
	says := s.each(ItemReport{Effect: EffectDone})
	says[s.item(phone).ID] = ItemReport{Effect: EffectNone, Err: "no", Permanent: true}
	s.must(s.report(Report{Items: says}))
	s.holds(mail, "b@x").reads().at(mail, atVerified).at(phone, atErrored)
	s.holds(mail, "x@x").reads().at(mail, atFound).decide(Correct, mail).at(mail, atPending)
	if s.a.Order.Supersedes != first || s.item(mail).Order == first || s.item(phone).Order == first {
		t.Errorf("order %d would carry the item out a second time: %+v", first, s.a.Order)
	}
}

func TestAKeptValueMayBeRevokedAndTheRulesSpeakAgain(t *testing.T) {
	s := automatic(t).standing().holds(mail, "kept@x").reads().decide(Keep, mail)
	s.decide(Revoke, mail).at(mail, atPending).proposes(mail, "ann@x").flow(mail, assignments.Calculated)
	s.collect().does().done().reads().at(mail, atVerified).evaluate().open(false)
	s.refuses(s.choose(Revoke, mail)).at(mail, atVerified)
}

func TestAKeptAbsenceOfAnAccountMayBeRevokedAndEveryValueIsCreatedWithIt(t *testing.T) {
	s := automatic(t).standing().gone().reads().decide(Keep, "").at("", atVerified).evaluate().reads().open(false)
	s.e.Target = ""
	s.decide(Revoke).at("", atPending).at(mail, atPending)
	s.collect().does().done().reads().at("", atVerified).at(mail, atVerified).evaluate().open(false)
	if s.system.Value(mail).Text() != "ann@x" {
		t.Error("the account came back without its mail")
	}
}

func TestAnUnauthorizedAccountWhoseKeepingIsRevokedIsAskedAboutAgain(t *testing.T) {
	s := unauthorized(t).decide(Keep, "").evaluate().decide(Revoke, "").at("", atVerified).open(false)
	if !s.a.Unauthorized() {
		t.Error("nobody is asked any more")
	}
}

func TestAnAccountWhoseRemovalWasDeclinedIsNotCreatedAnewOnceGone(t *testing.T) {
	s := reviewed(t).standing()
	s.leaves().evaluate().at("", atAwaiting).decide(Decline).at("", atFrozen)
	s.gone().reads().at("", atFound).evaluate().at("", atInactive).reads().open(false)
}
