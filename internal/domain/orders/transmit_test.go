package orders

import (
	"testing"
	"time"

	"provisor.dev/provisor/fault"
)

// sentUpdate is an update that an agent has collected.
func sentUpdate(t *testing.T) *story {
	return automatic(t).standing().wants(mail, "b@x").evaluate().collect().at(mail, atTransmitted)
}

func TestWhatIsTransmittedWaitsAndIsJudgedInTheActThatSettlesIt(t *testing.T) {
	s := sentUpdate(t).wants(mail, "c@x").evaluate().at(mail, atTransmitted)
	if !s.a.Waiting {
		t.Error("what evaluation wants is forgotten")
	}
	first := s.a.Order.ID
	s.does().done().at(mail, atPending).proposes(mail, "c@x")
	if s.a.Waiting || s.a.Order.Supersedes != first || s.a.Order.Fence != 1 {
		t.Errorf("waiting %v, supersedes %d, fence %d", s.a.Waiting, s.a.Order.Supersedes, s.a.Order.Fence)
	}
	s.path(mail, atPending, atTransmitted, atExecuted, atPending)
}

func TestANewValueOfANeighbourWaitsToo(t *testing.T) {
	s := sentUpdate(t).wants(phone, "1").evaluate()
	if len(s.a.Ready(s.now)) != 0 || s.item(phone).Place != atNone {
		t.Error("a second attempt begins beside the first")
	}
	s.does().done().at(phone, atPending)
}

func TestANewOrderTakesTheUnfinishedItemsOver(t *testing.T) {
	s := reviewed(t).standing().wants(mail, "b@x").wants(phone, "1").evaluate().decide(Approve, mail).collect().does().done()
	s.decide(Approve, phone)
	first := s.a.Order.ID
	s.wants(mail, "c@x").evaluate().at(mail, atAwaiting).at(phone, atPending)
	if s.a.Order.ID == first || s.item(phone).Order != s.a.Order.ID || !s.item(phone).Decision.Approved {
		t.Error("the new order did not take over what was approved")
	}
}

func TestALostReplyIsLookedUpAndVerifiedInOneAct(t *testing.T) {
	s := sentUpdate(t).does()
	s.must(s.report(Report{})).at(mail, atReadBack).looks().at(mail, atVerified).open(false)
	s.path(mail, atPending, atTransmitted, atReadBack, atExecuted, atVerified)
}

func TestALostReplyThatDidNotHappenIsTriedAgain(t *testing.T) {
	s := sentUpdate(t).must(nil)
	s.must(s.report(Report{})).looks().at(mail, atPending)
	if it := s.item(mail); it.Attempts != 1 || it.Unseen() {
		t.Errorf("attempts %d, unseen %v", it.Attempts, it.Unseen())
	}
	s.collect().must(s.report(Report{})).looks().collect().must(s.report(Report{})).looks().at(mail, atErrored)
}

func TestALookUpBeforeTheSettleTimeProvesNothing(t *testing.T) {
	s := automatic(t).standing()
	s.h.Settle = time.Minute
	s.wants(mail, "b@x").evaluate().collect().must(s.report(Report{})).looks().at(mail, atReadBack)
	s.after(time.Minute).looks().at(mail, atPending)
}

func TestALateReportIsTheTruthUntilTheNextCollection(t *testing.T) {
	s := sentUpdate(t).after(time.Hour)
	s.must(s.a.Abandoned(s.occasion(), Expire)).at(mail, atReadBack).does().done().at(mail, atExecuted)

	s = sentUpdate(t)
	s.must(s.a.Abandoned(s.occasion(), Lose)).looks().at(mail, atPending).collect()
	late := s.report(Report{Fence: 1, Items: s.each(ItemReport{Effect: EffectDone})})
	if fault.KindOf(late) != fault.Conflict {
		t.Errorf("got %v", late)
	}
	s.refuses(late).at(mail, atTransmitted)
}

func TestALateReportSettlesAnUnknownOutcome(t *testing.T) {
	s := unknown(t).holds(mail, "b@x")
	s.must(s.report(Report{Items: s.each(ItemReport{Effect: EffectDone})})).at(mail, atExecuted)
}

func TestAReportOfAnotherOrderIsRefused(t *testing.T) {
	s := sentUpdate(t).does().done().reads().open(false)
	old := s.a.Order.ID
	s.wants(mail, "c@x").evaluate().collect()
	if s.a.Order.Fence != 2 {
		t.Errorf("the fence fell to %d", s.a.Order.Fence)
	}
	s.refuses(s.report(Report{Order: old, Items: s.each(ItemReport{Effect: EffectDone})})).at(mail, atTransmitted)
}

func TestASecondReportChangesNothing(t *testing.T) {
	s := sentUpdate(t).does()
	r := Report{Items: s.each(ItemReport{Effect: EffectDone})}
	s.must(s.report(r)).must(s.report(r)).path(mail, atPending, atTransmitted, atExecuted)
}

func TestATransientRefusalIsTriedAgainUntilTheAttemptsAreSpent(t *testing.T) {
	s := sentUpdate(t).refused(false).at(mail, atPending).collect().refused(false).at(mail, atPending).collect().refused(false).at(mail, atErrored)
	s.decide(Retry, mail).at(mail, atPending).collect().does().done().reads().at(mail, atVerified)
	s = sentUpdate(t).refused(true).at(mail, atErrored)
	if s.item(mail).Message != "no" {
		t.Error("the system's own words are lost")
	}
}

func TestARefusalWaitsBeforeTheNextAttempt(t *testing.T) {
	s := sentUpdate(t)
	s.must(s.report(Report{Items: s.each(ItemReport{Effect: EffectNone}), Wait: func(n int) time.Duration { return time.Duration(n) * time.Minute }}))
	if len(s.a.Ready(s.now)) != 0 || len(s.a.Ready(s.now.Add(2*time.Minute))) != 1 {
		t.Error("the wait is not kept")
	}
}

func TestAConnectionThatIsDownBurnsNoAttempt(t *testing.T) {
	s := sentUpdate(t)
	for range 5 {
		s.must(s.report(Report{Down: true, Items: s.each(ItemReport{Effect: EffectNone, Permanent: true})})).at(mail, atPending).collect()
	}
	if n := s.item(mail).Attempts; n != 1 {
		t.Errorf("%d attempts", n)
	}
}

func TestAReadingBegunBeforeTheExecutionProvesNothing(t *testing.T) {
	s := sentUpdate(t).does().done().readsAsOf(10*time.Second).at(mail, atExecuted).reads().at(mail, atVerified)
	s.holds(mail, "x@x").after(time.Minute).readsAsOf(time.Minute+30*time.Second).at(mail, atVerified)
}

func TestTheValueFromBeforeIsSilence(t *testing.T) {
	s := sentUpdate(t).done().reads().reads().evaluate().at(mail, atExecuted)
	s.does().holds(mail, "b@x").reads().at(mail, atVerified)
}

func TestAForeignValueAfterTheExecutionIsAQuestion(t *testing.T) {
	s := sentUpdate(t).does().done().holds(mail, "x@x").reads().at(mail, atFound).open(false)
	s.decide(Correct, mail).proposes(mail, "b@x").collect().does().done().reads().at(mail, atVerified)
}

func TestAValueOfOursThatComesLateIsNoDrift(t *testing.T) {
	s := sentUpdate(t).done().wants(mail, "c@x").evaluate().collect().done().at(mail, atExecuted)
	s.holds(mail, "b@x").reads().at(mail, atExecuted).holds(mail, "c@x").reads().at(mail, atVerified)
	if s.item(mail).Unseen() {
		t.Error("a value is still unseen")
	}
}

func TestWithAValueUnseenTheOldOneIsWrittenAgain(t *testing.T) {
	s := sentUpdate(t).done().wants(mail, "ann@x").evaluate().at(mail, atPending).proposes(mail, "ann@x")
	s.reads().at(mail, atPending).collect().at(mail, atTransmitted)
}

func TestAReadingWhileTransmittedVerifiesAndLocksUntilTheReport(t *testing.T) {
	s := sentUpdate(t).does().reads().at(mail, atVerified).open(true)
	s.wants(mail, "c@x").evaluate().at(mail, atVerified)
	if len(s.a.Ready(s.now)) != 0 {
		t.Error("the resource is not locked")
	}
	s.must(s.report(Report{})).at(mail, atPending).proposes(mail, "c@x")

	s = sentUpdate(t).does().reads().open(true).after(time.Hour)
	s.must(s.a.Expire(s.occasion())).open(false)
}

// unknown is an update that may have happened.
func unknown(t *testing.T) *story {
	s := sentUpdate(t)
	s.must(s.report(Report{}))
	s.after(time.Second)
	s.must(s.a.LookedUp(s.occasion(), Look{Began: s.now, Failed: "no route", Deadline: true}))
	return s.at(mail, atUnknown)
}

func TestAnUnknownOutcomeIsSettledByARetryAReadingOrAPerson(t *testing.T) {
	unknown(t).holds(mail, "b@x").decide(Retry, mail).at(mail, atReadBack).looks().at(mail, atVerified)
	unknown(t).decide(Retry, mail).looks().at(mail, atPending)
	unknown(t).holds(mail, "b@x").reads().at(mail, atVerified).open(false)
	unknown(t).holds(mail, "b@x").says("tim", ItemReport{Effect: EffectDone}).at(mail, atExecuted)
	s := unknown(t)
	s.refuses(s.choose(Decline, mail)).at(mail, atUnknown)
}

func TestWhatChangesBesideAnUnknownOutcomeIsAppliedWhenItIsSettled(t *testing.T) {
	s := unknown(t).wants(mail, "c@x").evaluate().at(mail, atUnknown)
	s.says("tim", ItemReport{Effect: EffectDone}).at(mail, atPending).proposes(mail, "c@x")
}

func TestAPersonMayStateThatNothingHappenedWhereNothingCanBeRead(t *testing.T) {
	s := unknown(t)
	s.h.Readable = false
	s.evaluate()
	c := s.choice(Retry, mail)
	c.Stated = true
	s.must(s.a.Decide(s.occasion(), c)).at(mail, atPending)
	if s.item(mail).Unseen() {
		t.Error("what did not happen is still expected to be seen")
	}
}

func TestValidityOverIsAnUnknownOutcome(t *testing.T) {
	s := sentUpdate(t).done().after(2 * time.Hour)
	s.must(s.a.Expire(s.occasion())).at(mail, atUnknown)
	s.decide(Retry, mail).at(mail, atReadBack).looks().at(mail, atPending)
	s = sentUpdate(t).done().after(time.Minute)
	s.must(s.a.Expire(s.occasion())).at(mail, atExecuted)
}

func TestATechnicianTakesConfirmsOrRefuses(t *testing.T) {
	s := manual(t).standing().wants(mail, "b@x").evaluate().collect()
	s.must(s.a.Taken(s.occasion(), "tim"))
	if err := s.a.Taken(s.occasion(), "eva"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("taken twice: %v", err)
	}
	s.does().says("tim", ItemReport{Effect: EffectDone}).at(mail, atExecuted).reads().at(mail, atVerified)

	s = manual(t).standing().wants(mail, "b@x").evaluate().collect().says("tim", ItemReport{Effect: EffectNone, Err: "no licence"})
	s.at(mail, atErrored)
	if err := s.a.Abandoned(s.occasion(), Expire); err != nil && !isRefusal(err) {
		t.Error(err)
	}
}

func TestAManualInstructionThatNobodyTookIsRecalled(t *testing.T) {
	s := manual(t).standing().wants(mail, "b@x").evaluate().collect().wants(mail, "c@x").evaluate()
	s.at(mail, atPending).proposes(mail, "c@x").collect()
	if n := s.item(mail).Attempts; n != 1 {
		t.Errorf("%d attempts", n)
	}
	s.leaves().evaluate().at("", atPending).at(mail, atInactive)

	gone := manual(t).wants(mail, "a@x").evaluate().collect().leaves().evaluate().at("", atInactive).at(mail, atInactive).open(false)
	gone.returns().wants(mail, "a@x").evaluate().at("", atPending)
}

func TestAManualInstructionThatWasTakenIsMarked(t *testing.T) {
	s := manual(t).standing().wants(mail, "b@x").evaluate().collect()
	s.must(s.a.Taken(s.occasion(), "tim")).wants(mail, "c@x").evaluate().at(mail, atTransmitted)
	if s.item(mail).Message != noLongerWanted {
		t.Error("the technician is not told")
	}
	s.says("tim", ItemReport{Effect: EffectNone, Err: "withdrawn"}).at(mail, atPending).proposes(mail, "c@x")
}

func TestAManualInstructionExpiresEvenForAWriteOnceValue(t *testing.T) {
	s := manual(t).wants(pin, "7").evaluate().collect().after(16 * 24 * time.Hour)
	s.must(s.a.Expire(s.occasion())).at("", atUnknown).at(pin, atUnknown)
}

func TestWhereNothingCanBeReadANamedPersonsConfirmationVerifies(t *testing.T) {
	s := manual(t)
	s.h.Readable = false
	s.wants(mail, "a@x").evaluate().collect()
	s.refuses(s.report(Report{Items: s.each(ItemReport{Effect: EffectDone})})).at(mail, atTransmitted)
	s.says("tim", ItemReport{Effect: EffectDone}).at("", atVerified).at(mail, atVerified).open(false)
	if it := s.item(mail); it.By != "tim" || it.Message != "confirmed by tim, not read" || it.Is != it.Want {
		t.Errorf("%+v", it)
	}
	s.a.Target = "k1"
	s.e.Target, s.e.Confidence = "k1", 100
	s.leaves().evaluate().at("", atPending).collect().says("tim", ItemReport{Effect: EffectDone}).at("", atVerified)
	if !s.a.Closed {
		t.Error("a confirmed deletion does not close the resource")
	}
}

func TestAWriteOnceValueRestsWhenItWasSentAndClosesItsOrder(t *testing.T) {
	s := automatic(t).wants(pin, "7").evaluate().collect().does().done().reads().at(pin, atExecuted).open(false)
	s.holds(pin, "9").reads().wants(pin, "8").evaluate().after(48 * time.Hour)
	s.must(s.a.Expire(s.occasion())).at(pin, atExecuted)
}

func TestAnOlderReadingThatComesLateChangesNothing(t *testing.T) {
	s := automatic(t).standing().after(time.Minute).reads().holds(mail, "x@x").readsAsOf(30*time.Second).at(mail, atVerified)
	s.reads().at(mail, atFound)
}

func TestABlockSwitchedOnWhileTransmittedHoldsWhatComesBack(t *testing.T) {
	s := sentUpdate(t)
	s.h.Review = true
	s.evaluate().at(mail, atTransmitted).refused(false).at(mail, atAwaiting)
}

func TestARetryForgetsNothingThatMayHaveHappened(t *testing.T) {
	s := sentUpdate(t).done().wants(mail, "c@x").evaluate().collect().refused(true).decide(Retry, mail).at(mail, atPending)
	if !s.item(mail).Unseen() {
		t.Error("the first value may still appear")
	}
}

func TestNothingIsCollectedBesideWhatIsTransmitted(t *testing.T) {
	s := reviewed(t).standing().wants(mail, "b@x").wants(phone, "1").evaluate().decide(Approve, mail).collect().decide(Approve, phone)
	s.at(phone, atPending).refuses(s.a.Collect(s.occasion(), "other", time.Minute)).at(phone, atPending)
	s.does().done().collect().at(phone, atTransmitted)
}

func TestAFrozenValueIsStillFrozenAfterItsTypeIsDeclaredAgain(t *testing.T) {
	s := reviewed(t).standing().wants(mail, "b@x").evaluate().decide(Decline, mail).holds(mail, "x@x")
	s.a.Undeclare()
	s.must(s.a.Judge(s.occasion())).reads().evaluate().at(mail, atFrozen).open(false).reads().at(mail, atFound)
}

func TestAnAccountWantedAgainWhileItIsDeletedIsCreatedWithEveryValue(t *testing.T) {
	for name, deleted := range map[string]func(*story){
		"a person says that it is deleted": func(s *story) {
			s.h.Readable = false
			s.evaluate().says("tim", ItemReport{Effect: EffectDone})
		},
		"a reading shows it": func(s *story) { s.evaluate().says("tim", ItemReport{Effect: EffectDone}).gone().reads() },
	} {
		t.Run(name, func(t *testing.T) {
			s := manual(t).standing().wants(pin, "7").evaluate()
			s.leaves().evaluate().at("", atPending).collect()
			s.must(s.a.Taken(s.occasion(), "tim"))
			s.returns().wants(mail, "ann@x").wants(pin, "7")
			deleted(s)
			s.at("", atPending).at(mail, atPending).at(pin, atPending)
			if s.a.Target != "" {
				t.Errorf("the new account is taken for %s, which is gone", s.a.Target)
			}
		})
	}
}

// released is an update that a person let through its threshold.
func released(t *testing.T) *story {
	s := automatic(t).standing().wants(mail, "b@x").evaluate()
	c := s.choice(Release, mail)
	c.Parked = true
	return s.must(s.a.Decide(s.occasion(), c)).at(mail, atReleased)
}

func TestWhatWasReleasedStaysReleasedUntilItRestsOrChanges(t *testing.T) {
	refused := released(t).collect().refused(false).at(mail, atReleased).evaluate().at(mail, atReleased)
	refused.collect().refused(true).at(mail, atErrored).decide(Retry, mail).at(mail, atReleased)
	refused.collect().does().done().reads().at(mail, atVerified).wants(mail, "c@x").evaluate().at(mail, atPending)

	lost := released(t).collect()
	lost.must(lost.report(Report{})).looks().at(mail, atReleased)
	lost.wants(mail, "c@x").evaluate().at(mail, atPending).collect().refused(false).at(mail, atPending)

	held := released(t)
	held.h.Review = true
	held.evaluate().at(mail, atAwaiting).decide(Approve, mail).at(mail, atReleased)
}
