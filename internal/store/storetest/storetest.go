// Package storetest is the suite that every store passes. It drives the store
// through its methods with orders that the real machine moved, and attacks the
// database's own guards with plain statements.
//
// The callers are the tests of packages sqlite and postgres. It leaves nothing
// behind but what the store that it was given holds.
package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/value"
)

// tests are the suite.
var tests = []struct {
	name string
	run  func(*testing.T, *bench)
}{
	{"AnAssignedResourceComesBackAsItWasSaved", comesBack},
	{"AnOrderLivesFromPendingToVerifiedAndLeavesItsPath", lives},
	{"ASupersededOrderIsClosedAndKept", supersedes},
	{"WhoeverSawAnOldVersionIsRefused", versions},
	{"AnActThatFailsLeavesNothing", failsWhole},
	{"AnActCarriesItsExtrasInOneTransaction", extras},
	{"GatedOrdersComeLastAndEarlyOnesNotAtAll", collectable},
	{"OpenOrdersOfAKindAreListedByPages", openOf},
	{"OwnersOfWhatWasReleasedAreCountedOnce", releasedOwners},
	{"TheClockFindsWhatIsOver", clock},
	{"ConcurrentUpdatesLoseNothing", concurrent},
	{"ActsThatCrossEachOtherBothHappen", crossing},

	{"TheDatabaseRefusesEveryMoveThatTheTableDoesNotHave", moves},
	{"AStepThatDoesNotFollowTheLastIsRefused", following},
	{"TwoOpenOrdersOfOneResourceAreRefused", twoOrders},
	{"JournalAndStepsCannotBeEdited", appendOnly},
	{"AnEditBehindTheTriggersIsFound", tampering},
	{"EveryConnectionGuardsForeignKeys", everyConnection},

	{"AReadingPutsRemovesAndKeepsHistory", readings},
	{"IdentifiersThatDifferInCaseStayDistinct", caseMatters},
	{"ALargeReadingIsCommittedInPieces", pieces},
	{"ALargeReadingIsSeenWholeOrNotAtAll", wholeReading},
	{"ADeathBetweenTwoPiecesLeavesTheOldState", deadBetweenPieces},
	{"ADeathWhileFoldingLeavesTheNewState", deadWhileFolding},
	{"AReadBackIsNotOverwrittenByAnOlderPiece", readBackWhileFolding},
	{"AReadingThatDiedIsMarkedFailed", deadReading},
	{"WhatPeopleEditedSurvivesReadingsAndAbsence", editsSurvive},
	{"WhatPeopleEditedSurvivesALargeReading", editsOfLargeReadings},
	{"WhatIsEditedWhileAReadingIsFoldedStays", editedWhileFolding},
	{"AStartedWorkflowComesBackAndIsAppliedInOneAct", startedWorkflows},
	{"RolesDecisionsAndParksComeBack", decisions},
	{"AnAllocatedValueBelongsToOne", allocated},
	{"ARequestIsKeptWithItsStepsAndWhatItSettles", request},
	{"TwoOpenRequestsAboutTheSameAreRefused", sameRequest},
	{"AutomationRulesAreKnownSinceTheyWereSeen", ruleClocks},
	{"WhatChangesIsMarkedUntilItIsEvaluated", marked},
	{"WhatIsWrittenIsJudgedAgainOnce", judged},
	{"ResourcesAreFoundSomeAtATime", parts},
	{"DueWorkIsGivenBackByWhoeverDies", due},
	{"ARunIsOpenOnceAndComesBackWithItsSteps", openOnce},
	{"AWaitingAttemptIsDue", waitingIsDue},
	{"RunsAreListedPagedAndSwept", listRuns},
	{"ConfigurationsAreKept", configurations},
	{"SealedSecretsComeBackWithTheirJournal", secrets},
	{"AccountsComeBackAndStandOnce", accounts},
	{"TheFirstLinkMakesOneAccount", firstLink},
	{"ProfilesAreKeptWithTheirScopeUntilTheyAreRevoked", profiles},
	{"SessionsEndAndAreSwept", sessions},
	{"AnAnswerIsKeptForWhoeverAskedFirst", answers},
	{"TokensAreFoundByTheirHashAlone", tokens},
	{"WhatIsToldIsKeptWithItsMessagesOrNotAtAll", telling},
	{"AMessageIsHandedOutAgainAfterItsLease", messageLease},
	{"WhatStandsBelowAPlaceIsFound", below},
	{"NumbersAreNeverGivenTwice", numbers},
	{"AnExclusiveLockIsHeldOnce", exclusive},

	{"OrdersAreListedFilteredAndPaged", listOrders},
	{"WhatWasExecutedIsKnownWithWhatWasThereBefore", executedOrders},
	{"APersonIsShownWithRolesAndStates", showPerson},
	{"PeopleAreFoundAsOneTypes", searchPeople},
	{"TheOtherListsAnswer", otherLists},
	{"AFilterLetsTheSameThroughInListsAndOnPages", withinFilters},
	{"NoQuestionForgetsTheFilter", everyQuestion},
	{"CountsAndHoldersComeInPages", countAndHold},
	{"WhatPeersHaveIsCountedOfThoseWhoAreSeen", peers},
	{"WhatVeryManyAreCalledIsFoundPageByPage", searchMany},
	{"CountsEndAtABound", countBounded},
	{"OrdersComeInEveryOrderEachOnce", sortedOrders},
	{"ManyOrdersAreWalkedInTheirOrder", sortedMany},
	{"TheOtherListsComeInEveryOrder", sortedOthers},
}

// Run runs the suite, each test on an empty store that open returns.
func Run(t *testing.T, open func(t *testing.T) *statement.DB) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store := open(t)
			t.Cleanup(func() { must(t, store.Close()) })
			test.run(t, &bench{DB: store, ctx: context.Background(), now: begin})
		})
	}
}

// begin is when every test begins.
var begin = time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)

// lease is how long an agent holds an order here.
const lease = time.Minute

// bench is a store with a clock and numbers.
type bench struct {
	*statement.DB
	ctx      context.Context
	now      time.Time
	assigned orders.AssignedID
	order    orders.OrderID
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want compares two values by what they print.
func want(t testing.TB, what string, got, expected any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", expected); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// words prints values with a space between any two of them.
func words(values ...any) string { return strings.TrimSuffix(fmt.Sprintln(values...), "\n") }

func (b *bench) act(name string) journal.Act {
	return journal.Act{Actor: journal.Actor{Process: "storetest"}, Name: name, At: b.now}
}

func (b *bench) occasion() orders.Occasion {
	return orders.Occasion{Now: b.now, Actor: "storetest", Why: "test", NewOrder: func() orders.OrderID { b.order++; return b.order }}
}

var handling = orders.Handling{
	Connector: "directory", Connection: "main", Target: "Account", Readable: true, Add: true, Remove: true,
	Attempts: 3, Validity: time.Hour,
}

// expected is an account with a number of values that an owner should have.
func expected(owner string, values int) assignments.ExpectedResource {
	e := assignments.ExpectedResource{
		Type: "PersonalAccount", Owner: resources.Ref{Type: "Person", Key: resources.Key(owner)}, Confidence: 100,
		Wanted: true, Workflow: assignments.Calculated, Arguments: map[string]string{"ou": "staff"},
		Reasons: []assignments.Reason{{Rule: "resourceTypes.PersonalAccount.who[0]"}},
	}
	for i := range values {
		from := &assignments.Origin{
			Property: property(i), Workflow: assignments.Calculated, Compare: value.Exact,
			Reasons: []assignments.Reason{{Rule: "resourceTypes.PersonalAccount.values", Role: "Clerk"}},
		}
		e.Items = append(e.Items, assignments.ExpectedItem{Origin: from, Wanted: true, Value: value.OfString(fmt.Sprintf("%s-%d", owner, i))})
	}
	return e
}

func property(i int) schema.PropertyName { return schema.PropertyName(fmt.Sprintf("p%d", i)) }

// raise makes an assigned resource with a pending order; it is not saved.
func (b *bench) raise(t testing.TB, owner string, values int) *orders.AssignedResource {
	t.Helper()
	a, err := b.made(owner, values)
	must(t, err)
	return a
}

func (b *bench) made(owner string, values int) (*orders.AssignedResource, error) {
	b.assigned++
	e := expected(owner, values)
	a := orders.New(b.assigned, e)
	a.Adopt(e, handling, nil, 0)
	return a, a.Judge(b.occasion())
}

// saved raises and saves one.
func (b *bench) saved(t testing.TB, owner string, values int) *orders.AssignedResource {
	t.Helper()
	a := b.raise(t, owner, values)
	must(t, b.Save(b.ctx, b.act("generate"), []*orders.AssignedResource{a}))
	return a
}

// load returns one assigned resource as it stands in the store.
func (b *bench) load(t testing.TB, id orders.AssignedID) *orders.AssignedResource {
	t.Helper()
	list, err := b.Assigned(b.ctx, statement.AssignedFilter{IDs: []orders.AssignedID{id}, Closed: true})
	must(t, err)
	if len(list) != 1 {
		t.Fatalf("%d assigned resources have number %d", len(list), id)
	}
	return list[0]
}

// update moves one in the store.
func (b *bench) update(t testing.TB, id orders.AssignedID, move func(*orders.AssignedResource) error, also ...statement.Extra) {
	t.Helper()
	must(t, b.Update(b.ctx, b.act("move"), []orders.AssignedID{id}, move, also...))
}

// send collects the order and reports all of it done.
func (b *bench) send(t testing.TB, id orders.AssignedID) {
	t.Helper()
	b.collect(t, id)
	b.now = b.now.Add(time.Second)
	b.update(t, id, func(a *orders.AssignedResource) error {
		report := orders.Report{Fence: a.Order.Fence, Key: "cn=" + resources.Key(a.Owner.Key), Items: map[int]orders.ItemReport{}}
		for _, it := range a.Carried() {
			report.Items[it.ID] = orders.ItemReport{Effect: orders.EffectDone}
		}
		return a.Report(b.occasion(), report)
	})
}

func (b *bench) collect(t testing.TB, id orders.AssignedID) {
	t.Helper()
	b.update(t, id, func(a *orders.AssignedResource) error { return a.Collect(b.occasion(), "agent 1", lease) })
}

// show reads the account as it should be.
func (b *bench) show(t testing.TB, id orders.AssignedID) {
	t.Helper()
	b.now = b.now.Add(time.Second)
	b.update(t, id, func(a *orders.AssignedResource) error {
		r := &resources.Resource{Ref: resources.Ref{Type: "Account", Key: a.Target}, Values: map[schema.PropertyName]value.Value{}}
		for i := range a.Items[1:] {
			r.Values[a.Items[i+1].Property] = a.Items[i+1].Want.Value
		}
		return a.Observe(b.occasion(), orders.Observation{Began: b.now, Resource: r})
	})
}
