package orders

import (
	"testing"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

func text(s string) Holding {
	if s == "" {
		return Nothing
	}
	return HoldingOf(value.OfString(s))
}

// back rolls one item back to what it held before.
func (s *story) back(p schema.PropertyName, before Holding) error {
	c := s.choice(RollBack, p)
	c.MayReview, c.Former = false, map[int]Holding{s.item(p).ID: before}
	err := s.a.Decide(s.occasion(), c)
	s.check()
	return err
}

// written is an account whose mail was changed from ann@x to new@x.
func written(s *story) *story {
	s.standing().wants(mail, "new@x").evaluate()
	if s.h.Review {
		s.decide(Approve, mail)
	}
	return s.collect().does().done().reads().at(mail, atVerified)
}

func TestWhatWasRolledBackIsNotWrittenForwardUntilRevoked(t *testing.T) {
	s := written(automatic(t))
	s.must(s.back(mail, text("ann@x"))).at(mail, atPending).proposes(mail, "ann@x")
	s.evaluate().at(mail, atPending).collect().does().done().reads().at(mail, atFrozen).open(false)
	s.evaluate().at(mail, atFrozen)
	s.wants(mail, "newer@x").evaluate().at(mail, atFrozen).open(false)
	s.holds(mail, "foreign@x").reads().at(mail, atFound)
	s.holds(mail, "ann@x").reads().at(mail, atFrozen)
	s.decide(Revoke, mail).at(mail, atPending).proposes(mail, "newer@x")
}

func TestWhatWasRolledBackCanBeRolledBackFurther(t *testing.T) {
	s := written(automatic(t))
	s.must(s.back(mail, text("ann@x"))).collect().does().done().reads().at(mail, atFrozen)
	s.must(s.back(mail, text("older@x"))).at(mail, atPending).proposes(mail, "older@x")
	s.collect().does().done().reads().at(mail, atFrozen)
}

func TestRollingBackWhatIsExecutedAndNotReadWritesTheFormerValue(t *testing.T) {
	s := automatic(t).standing().wants(mail, "new@x").evaluate().collect().does().done().at(mail, atExecuted)
	carriedOut := s.a.Order.ID
	s.must(s.back(mail, text("ann@x"))).at(mail, atPending)
	if s.a.Order.ID == carriedOut {
		t.Error("it travels in the order that carried the value out")
	}
	s.evaluate().at(mail, atPending).collect().does().done().reads().at(mail, atFrozen)
}

func TestARollBackPassesTheReview(t *testing.T) {
	s := written(reviewed(t))
	s.must(s.back(mail, text("ann@x"))).at(mail, atAwaiting).evaluate().at(mail, atAwaiting)
	s.decide(Approve, mail).at(mail, atPending).collect().does().done().reads().at(mail, atFrozen)
}

func TestADeclinedRollBackLeavesWhatIsThere(t *testing.T) {
	s := written(reviewed(t))
	s.must(s.back(mail, text("ann@x"))).decide(Decline, mail).at(mail, atFrozen).open(false)
	s.evaluate().reads().at(mail, atFrozen).open(false)
	if s.system.Value(mail).Text() != "new@x" {
		t.Error("a declined roll-back was written")
	}
}

func TestADeclinedRollBackOfARemovalIsNotRaisedAgain(t *testing.T) {
	s := reviewed(t).standing().wants(mail, "").evaluate().decide(Approve, mail).collect().does().done().reads()
	s.must(s.back(mail, text("ann@x"))).at(mail, atAwaiting).decide(Decline, mail).at(mail, atDeclined)
	s.evaluate().at(mail, atDeclined).open(false)
}

func TestRollingBackAnAdditionDeletesTheAccountAndRulesDoNotCreateItAgain(t *testing.T) {
	s := automatic(t).wants(mail, "ann@x").evaluate().collect().does().done().reads().at("", atVerified).at(mail, atVerified)
	s.must(s.back("", Nothing)).at("", atPending)
	if s.a.Order.Kind != Deletion {
		t.Errorf("the order is a %s", s.a.Order.Kind)
	}
	s.evaluate().at("", atPending).collect().does().done().reads().at("", atFrozen).open(false)
	s.evaluate().reads().evaluate().at("", atFrozen).open(false)
	s.decide(Revoke, "").at("", atPending).evaluate()
	if s.a.Order.Kind != Addition {
		t.Errorf("after revoking the order is a %s", s.a.Order.Kind)
	}
	s.collect().does().done().reads().at("", atVerified).at(mail, atVerified)
}

func TestWhatCannotBeRolledBackIsRefused(t *testing.T) {
	s := automatic(t).wants(mail, "ann@x").wants(pin, "1").evaluate().collect().does().done().reads()
	if err := s.back(pin, Nothing); err == nil {
		t.Error("a value that is written once was rolled back")
	}
	if err := s.back("", Present); err == nil {
		t.Error("an account was rolled back to being there")
	}
	if err := s.back(mail, text("ann@x")); err == nil {
		t.Error("a value was rolled back to itself")
	}
	s.wants(mail, "new@x").evaluate().collect()
	if err := s.back(mail, text("old@x")); err == nil {
		t.Error("a value under way was rolled back")
	}
}

// Found by simulation: the account was lost and created again, and the decision
// that held its value back could not be revoked any more.
func TestWhatWasRolledBackRestsAgainWithItsAccountAndCanBeRevoked(t *testing.T) {
	s := written(automatic(t))
	s.must(s.back(mail, Nothing)).collect().does().done().reads().at(mail, atFrozen)
	s.holds(mail, "foreign@x").reads().at(mail, atFound).gone().reads().evaluate().at(mail, atInactive).decide(Correct, "")
	s.collect().does().done().reads().evaluate().at("", atVerified).at(mail, atFrozen).open(false)
	s.decide(Revoke, mail).at(mail, atPending).proposes(mail, "new@x")
}
