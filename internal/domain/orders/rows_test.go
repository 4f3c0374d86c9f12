package orders

import (
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/schema"
)

// What stands here shows rows of the table from places, and in ways, in which no
// other story meets them.

// undeclared takes the resource type out of the configuration.
func (s *story) undeclared() *story {
	s.t.Helper()
	s.a.Undeclare()
	kept := s.foresee()
	s.must(s.a.Judge(s.occasion())).kept(kept)
	return s
}

// lost is an order whose report never came.
func (s *story) lost() *story {
	s.t.Helper()
	return s.must(s.report(Report{}))
}

// breaks makes the rule of a value fail.
func (s *story) breaks(p schema.PropertyName) *story {
	return s.expect(assignments.ExpectedItem{Origin: &assignments.Origin{Property: p, Failed: "boom"}, Wanted: true})
}

// lets lets the named items through their threshold.
func (s *story) lets(names ...schema.PropertyName) *story {
	s.t.Helper()
	c := s.choice(Release, names...)
	c.Parked = true
	return s.must(s.a.Decide(s.occasion(), c))
}

func (s *story) unreadable() *story { s.h.Readable = false; return s.evaluate() }

// second is a phone number of which the first value was declined and the second stands.
func second(t *testing.T) *story {
	s := reviewed(t).standing().wants(phone, "1").evaluate().decide(Decline, phone)
	s.wants(phone, "2").evaluate().decide(Approve, phone).collect().does().done().reads()
	return s.at(phone, atVerified)
}

// appeared is a declined value that somebody wrote.
func appeared(s *story) *story {
	s.h.Review = true
	s.standing().wants(phone, "1").evaluate().decide(Decline, phone)
	return s.holds(phone, "1").reads().at(phone, atFound)
}

// thawed is a frozen value that somebody overwrote.
func thawed(s *story) *story {
	s.h.Review = true
	s.standing().wants(mail, "b@x").evaluate().decide(Decline, mail)
	return s.holds(mail, "x@x").reads().at(mail, atFound)
}

// returned is an account whose creation nobody read yet and whose removal was
// not wanted any more: it is to be written, and the system may hold it.
func returned(t *testing.T) *story {
	s := automatic(t).wants(mail, "a@x").evaluate().collect().does().done().leaves().evaluate().at("", atPending)
	return s.returns().wants(mail, "a@x").evaluate().at("", atPending)
}

func TestWhatIsKeptBesideAnItemMovesNothingWhoeverHoldsIt(t *testing.T) {
	sentUpdate(t).lost().wants(mail, "c@x").evaluate().at(mail, atReadBack)
	sentUpdate(t).leaves().evaluate().at(mail, atTransmitted).does().done().at(mail, atExecuted).at("", atPending)
	sentUpdate(t).lost().leaves().evaluate().at(mail, atReadBack)
}

func TestAFailingRuleKeepsEveryFormerState(t *testing.T) {
	for name, at := range map[string]func() (*story, schema.PropertyName){
		"not judged": func() (*story, schema.PropertyName) { return automatic(t).standing(), phone },
		"released":   func() (*story, schema.PropertyName) { return released(t), mail },
		"errored":    func() (*story, schema.PropertyName) { return sentUpdate(t).refused(true), mail },
		"unknown":    func() (*story, schema.PropertyName) { return unknown(t), mail },
		"executed":   func() (*story, schema.PropertyName) { return sentUpdate(t).done(), mail },
		"declined":   func() (*story, schema.PropertyName) { s := second(t).wants(phone, "3").evaluate(); return s, phone },
		"frozen": func() (*story, schema.PropertyName) {
			return reviewed(t).standing().wants(mail, "b@x").evaluate().decide(Decline, mail), mail
		},
		"really declined": func() (*story, schema.PropertyName) {
			return reviewed(t).standing().wants(phone, "1").evaluate().decide(Decline, phone), phone
		},
		"inactive": func() (*story, schema.PropertyName) {
			return automatic(t).standing().wants(phone, "1").evaluate().wants(phone, "").evaluate().at(phone, atInactive), phone
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := at()
			s.t = t
			var before Place
			var wanted assignments.ExpectedItem
			for i := range s.e.Items {
				if s.e.Items[i].Property == p {
					wanted = s.e.Items[i]
				}
			}
			if it := s.a.Find(p, ""); it != nil {
				before = it.Place
			}
			s.breaks(p).evaluate().at(p, atError)
			if wanted.Origin != nil {
				s.expect(wanted).evaluate().at(p, before)
			}
		})
	}
	s := automatic(t).standing().undeclared().breaks(mail).evaluate().at(mail, atError)
	s.wants(mail, "ann@x").evaluate().at(mail, atVerified)
}

func TestADeclinedValueIsProposedFromNowhere(t *testing.T) {
	second(t).wants(phone, "1").evaluate().at(phone, atVerified).proposes(phone, "2").open(false)
	executed := reviewed(t).standing().wants(phone, "1").evaluate().decide(Decline, phone)
	executed.wants(phone, "2").evaluate().decide(Approve, phone).collect().done().wants(phone, "1").evaluate().at(phone, atExecuted)

	approved := func() *story {
		s := reviewed(t).standing().wants(phone, "1").evaluate().decide(Decline, phone)
		return s.wants(phone, "2").evaluate().decide(Approve, phone)
	}
	approved().wants(phone, "1").evaluate().at(phone, atDeclined).open(false)
	approved().lets(phone).at(phone, atReleased).wants(phone, "1").evaluate().at(phone, atDeclined)
	approved().collect().refused(true).at(phone, atErrored).wants(phone, "1").evaluate().at(phone, atDeclined)

	second(t).wants(phone, "3").evaluate().at(phone, atAwaiting).wants(phone, "1").evaluate().at(phone, atFrozen)

	anew := second(t).gone().reads().at("", atFound).leaves().evaluate().at("", atInactive)
	anew.e.Target = ""
	anew.returns().wants(mail, "ann@x").wants(phone, "1").evaluate().at("", atAwaiting).at(phone, atDeclined)
}

func TestAFrozenValueIsWrittenWhenItsAccountIsCreatedAnew(t *testing.T) {
	s := reviewed(t).standing().wants(mail, "b@x").evaluate().decide(Decline, mail).at(mail, atFrozen)
	s.gone().reads().at("", atFound).leaves().evaluate().at("", atInactive)
	s.e.Target = ""
	s.returns().wants(mail, "b@x").evaluate().at("", atAwaiting).at(mail, atAwaiting).proposes(mail, "ann@x")
	s.decide(Approve).collect().does().done().reads().at(mail, atFrozen).open(false)
}

func TestWhatIsUndeclaredIsReleasedWhereverItStands(t *testing.T) {
	sentUpdate(t).wants(phone, "1").evaluate().at(phone, atNone).undeclared().does().done().at(phone, atUndeclared)
	released(t).undeclared().at(mail, atUndeclared).open(false)
	reviewed(t).standing().wants(mail, "b@x").evaluate().undeclared().at(mail, atUndeclared).open(false)
	automatic(t).standing().holds(mail, "x@x").reads().undeclared().at(mail, atUndeclared).open(false)
	sentUpdate(t).refused(true).undeclared().at(mail, atUndeclared).open(false)
	automatic(t).wants(mail, "a@x").evaluate().leaves().evaluate().at("", atInactive).undeclared().at("", atUndeclared)
	automatic(t).standing().breaks(mail).evaluate().undeclared().path(mail, atError, atUndeclared)
}

func TestWhatIsNoLongerWantedLapsesWhereverItStands(t *testing.T) {
	automatic(t).wants(mail, "a@x").evaluate().lets("", mail).at("", atReleased).leaves().evaluate().at("", atInactive).open(false)
	reviewed(t).wants(mail, "a@x").evaluate().at("", atAwaiting).leaves().evaluate().at("", atInactive).open(false)
	automatic(t).wants(mail, "a@x").evaluate().collect().refused(true).at("", atErrored).leaves().evaluate().at("", atInactive).open(false)
}

func TestARemovalSupersedesAnUpdateOfTheSameValueWhereverItStands(t *testing.T) {
	removed := func(s *story) *story { return s.wants(mail, "").evaluate().proposes(mail, "-").open(true) }
	removed(automatic(t).standing().wants(mail, "b@x").evaluate()).at(mail, atPending)
	removed(released(t)).at(mail, atPending)
	removed(reviewed(t).standing().wants(mail, "b@x").evaluate()).at(mail, atAwaiting)
	removed(sentUpdate(t).refused(true)).at(mail, atPending).collect().does().done().reads().at(mail, atVerified)
}

func TestARemovalLeftToPeopleIsAQuestionWhereverItsAccountStands(t *testing.T) {
	left := func(s *story) {
		t.Helper()
		s.h.Remove = false
		s.leaves().evaluate().at("", atFound)
	}
	left(returned(t))
	left(returned(t).lets("").at("", atReleased))
	left(returned(t).collect().refused(true).at("", atErrored))
	left(matched(t).at("", atAwaiting))
	left(automatic(t).wants(mail, "a@x").evaluate().collect().does().done().at("", atExecuted))
}

func TestAnOrderForWhatIsThereIsWithdrawnWhereverItStands(t *testing.T) {
	released(t).wants(mail, "ann@x").evaluate().at(mail, atVerified).open(false)
	reviewed(t).standing().wants(mail, "b@x").evaluate().wants(mail, "ann@x").evaluate().at(mail, atVerified).open(false)
	sentUpdate(t).refused(true).wants(mail, "ann@x").evaluate().at(mail, atVerified).open(false)
}

func TestBothSidesMovedAfterTheExecutionIsAQuestion(t *testing.T) {
	s := sentUpdate(t).does().done().holds(mail, "x@x").after(time.Minute)
	it := s.item(mail)
	it.Is, it.ReadAt = it.shownBy(s.system), At(s.now) // read, and judged before it was compared
	s.wants(mail, "new@x").evaluate().at(mail, atFound).proposes(mail, "new@x").open(false)
}

func TestAProtectedValueThatWasWrittenAgainIsQuestionedToo(t *testing.T) {
	s := automatic(t).standing().holds(mail, "kept@x").reads().decide(Keep, mail)
	s.holds(mail, "y@x").reads().decide(Correct, mail).collect().does().done().at(mail, atExecuted)
	s.wants(mail, "new@x").evaluate().at(mail, atFound).flow(mail, assignments.Questioned)
}

func TestANewValueOfAnErroredItemIsReviewedWhereTheTypeSaysSo(t *testing.T) {
	s := sentUpdate(t).refused(true)
	s.h.Review = true
	s.wants(mail, "c@x").evaluate().at(mail, atAwaiting)
}

func TestAReviewThatIsNoLongerNeededLeavesWhatWasReleasedReleased(t *testing.T) {
	s := released(t)
	s.h.Review = true
	s.evaluate().at(mail, atAwaiting)
	s.h.Review = false
	s.evaluate().at(mail, atReleased)
}

func TestWhatNobodyCanReadIsDeclinedOnAPersonsStatement(t *testing.T) {
	stated := func(s *story, p schema.PropertyName) *story {
		t.Helper()
		c := s.choice(Decline, p)
		s.refuses(s.a.Decide(s.occasion(), c))
		c.Stated = true
		return s.must(s.a.Decide(s.occasion(), c))
	}
	stated(unknown(t).unreadable(), mail).at(mail, atFrozen)
	s := automatic(t).standing().wants(phone, "1").evaluate().collect().lost().after(time.Second)
	s.must(s.a.LookedUp(s.occasion(), Look{Began: s.now, Failed: "no route", Deadline: true})).at(phone, atUnknown)
	stated(s.unreadable(), phone).at(phone, atDeclined).open(false)

	sentUpdate(t).refused(true).decide(Decline, mail).at(mail, atFrozen).open(false)
}

func TestAQuestionMayBePostponed(t *testing.T) {
	s := automatic(t).standing().holds(mail, "x@x").reads()
	c := s.choice(Postpone, mail)
	c.Until = s.now.AddDate(0, 0, 7)
	s.must(s.a.Decide(s.occasion(), c)).at(mail, atFound)
	if s.item(mail).Decision.Postponed != At(c.Until) {
		t.Error("the date is lost")
	}
}

func TestAnErroredItemHoldsWhatWaitsForItsNextAttempt(t *testing.T) {
	half := func(s *story) *story {
		s.collect()
		says := s.each(ItemReport{Effect: EffectNone, Err: "busy"})
		says[s.item(mail).ID] = ItemReport{Effect: EffectNone, Err: "no", Permanent: true}
		return s.must(s.report(Report{Items: says})).at(mail, atErrored).at(phone, atAwaiting)
	}
	two := func() *story { return automatic(t).standing().wants(mail, "b@x").wants(phone, "1").evaluate() }
	half(two())
	half(two().lets(mail, phone)).decide(Approve, phone).at(phone, atReleased)
}

// overdue is an instruction that no technician confirmed in time and that
// somebody wants looked up.
func overdue(t *testing.T) *story {
	s := manual(t).standing().wants(mail, "b@x").evaluate().collect().after(16 * 24 * time.Hour)
	return s.must(s.a.Expire(s.occasion())).at(mail, atUnknown)
}

func TestATechnicianMayStillAnswerWhatIsBeingLookedUp(t *testing.T) {
	sought := func() *story { return overdue(t).decide(Retry, mail).at(mail, atReadBack) }
	sought().says("tim", ItemReport{Effect: EffectDone}).at(mail, atExecuted)
	sought().says("tim", ItemReport{Effect: EffectNone, Err: "no card"}).at(mail, atErrored)
	sought().unreadable().says("tim", ItemReport{Effect: EffectDone}).at(mail, atVerified)
	sentUpdate(t).lost().refused(false).at(mail, atPending)
}

func TestWhereNothingCanBeReadConfirmationsKeepWhatPeopleDecided(t *testing.T) {
	done := ItemReport{Effect: EffectDone}
	overdue(t).unreadable().says("tim", done).at(mail, atVerified).open(false)
	frozen := func() *story { return thawed(manual(t)).decide(Correct, mail).collect() }
	declined := func() *story { return appeared(manual(t)).decide(Correct, phone).collect() }
	frozen().unreadable().says("tim", done).at(mail, atFrozen).open(false)
	declined().unreadable().says("tim", done).at(phone, atDeclined).open(false)
	for _, late := range []struct {
		s  *story
		p  schema.PropertyName
		to Place
	}{{frozen(), mail, atFrozen}, {declined(), phone, atDeclined}} {
		late.s.after(16 * 24 * time.Hour)
		late.s.must(late.s.a.Expire(late.s.occasion())).at(late.p, atUnknown)
		late.s.unreadable().says("tim", done).at(late.p, late.to).open(false)
	}
}

func TestARecalledInstructionKeepsItsGates(t *testing.T) {
	s := manual(t).standing().wants(mail, "b@x").evaluate().lets(mail).collect()
	s.wants(phone, "1").evaluate().at(mail, atReleased)

	s = manual(t).standing().wants(mail, "b@x").evaluate().collect()
	s.h.Review = true
	s.wants(mail, "c@x").evaluate().at(mail, atAwaiting)
}

func TestAReadingThatComesBeforeTheReportSettlesIt(t *testing.T) {
	sentUpdate(t).lost().holds(mail, "b@x").reads().at(mail, atVerified).open(false)
	thawed(automatic(t)).decide(Correct, mail).collect().does().reads().at(mail, atFrozen)
	appeared(automatic(t)).decide(Correct, phone).collect().does().reads().at(phone, atDeclined)
}

func TestWhatIsAlreadyThereIsVerifiedWhereverItStands(t *testing.T) {
	there := func(s *story) *story {
		t.Helper()
		return s.holds(mail, "b@x").reads().at(mail, atVerified).open(false)
	}
	there(automatic(t).standing().wants(mail, "b@x").evaluate().at(mail, atPending))
	there(released(t))
	there(reviewed(t).standing().wants(mail, "b@x").evaluate().at(mail, atAwaiting))
	there(sentUpdate(t).refused(true).at(mail, atErrored))

	left := automatic(t)
	left.h.Add = false
	left.wants(mail, "a@x").evaluate().at("", atInactive).holds(mail, "a@x").reads().at("", atVerified)

	thawed(automatic(t)).decide(Correct, mail).holds(mail, "ann@x").reads().at(mail, atFrozen)
	thawed(automatic(t)).holds(mail, "ann@x").reads().at(mail, atFrozen)
	appeared(automatic(t)).decide(Correct, phone).holds(phone, "").reads().at(phone, atDeclined)
}

func TestAnUnwantedValueThatAppearsIsAQuestionUntilItIsGone(t *testing.T) {
	s := automatic(t).standing().wants(phone, "1").evaluate().wants(phone, "").evaluate().at(phone, atInactive)
	s.holds(phone, "1").reads().at(phone, atFound).holds(phone, "").reads().at(phone, atInactive).open(false)
}

func TestAReportOfWhatIsVerifiedChangesNothing(t *testing.T) {
	s := sentUpdate(t).does()
	r := Report{Items: s.each(ItemReport{Effect: EffectDone})}
	s.must(s.report(r)).reads().at(mail, atVerified).must(s.report(r)).path(mail, atPending, atTransmitted, atExecuted, atVerified)
}

func TestAMismatchWhilePendingOrTransmittedIsSilence(t *testing.T) {
	automatic(t).standing().wants(mail, "b@x").evaluate().holds(mail, "x@x").reads().evaluate().at(mail, atPending).proposes(mail, "b@x")
	sentUpdate(t).holds(mail, "x@x").reads().evaluate().at(mail, atTransmitted).proposes(mail, "b@x")
}

func TestTheReviewOfARemovalFollowsTheResourceTypeAlone(t *testing.T) {
	troubled := sentUpdate(t).refused(true).at(mail, atErrored).leaves().evaluate().at("", atPending)
	troubled.collect().at("", atTransmitted)

	denied := matched(t).decide(Decline, "").evaluate().decide(Approve)
	denied.gone().collect().does().done().reads().at("", atVerified)
	denied.leaves().evaluate().at("", atPending)

	asked := reviewed(t).standing().leaves().evaluate().at("", atAwaiting)
	asked.decide(Approve).at("", atPending)
}

func TestASurpriseTakesTheReleaseBackOfWhatHasNotGoneOut(t *testing.T) {
	s := released(t).wants(phone, "1").evaluate().lets(phone)
	s.must(s.a.TakeReleaseBack(s.occasion())).at(mail, atPending).at(phone, atPending).open(true)
	if s.a.LetThrough() {
		t.Error("something is still let through")
	}
	s.evaluate().at(mail, atPending).lets(mail).at(mail, atReleased)

	held := released(t)
	held.h.Review = true
	held.evaluate().at(mail, atAwaiting)
	held.must(held.a.TakeReleaseBack(held.occasion())).decide(Approve, mail).at(mail, atPending)

	sent := released(t).collect()
	sent.must(sent.a.TakeReleaseBack(sent.occasion())).at(mail, atTransmitted).refused(false).at(mail, atReleased)
}

func TestALeaseThatIsNotOverDoesNotExpire(t *testing.T) {
	s := sentUpdate(t)
	s.refuses(s.a.Abandoned(s.occasion(), Expire)).at(mail, atTransmitted)
	s.after(time.Hour)
	s.must(s.a.Abandoned(s.occasion(), Expire)).at(mail, atReadBack)
}
