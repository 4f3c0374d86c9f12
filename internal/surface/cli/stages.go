package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/fulfil"
	"provisor.dev/provisor/internal/stage/generate"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/internal/stage/verify"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
)

// troubled reports whether a reading did not become what is known.
func troubled(list []act.Reading) bool {
	return slices.ContainsFunc(list, func(r act.Reading) bool { return r.State != string(resources.Committed) })
}

func (v *invocation) readingLine(r act.Reading) {
	name := r.Connector + " " + r.Entity
	switch r.State {
	case string(resources.Committed):
		v.say("  read    %-28s %d (%d new, %d changed, %d gone)", name, r.Counts.Read, r.Counts.Added, r.Counts.Changed, r.Counts.Removed)
		if !r.Complete {
			v.say("          incomplete: nothing that is missing was taken for gone")
		}
	case string(resources.Parked):
		v.say("  PARKED  %-28s %s", name, r.Why)
		v.say("          nothing of it was taken over; if it is right: provisor sync %s --release", r.Connector)
	default:
		v.say("  FAILED  %-28s %s", name, r.Why)
		v.say("          what was known stays; mend the cause and run it again")
	}
	for i, f := range r.Details {
		if i == fewLines && !v.verbose {
			v.say("          ... and %d more findings: -v shows all", len(r.Details)-i)
			break
		}
		v.say("          %s", f)
	}
}

func (v *invocation) synchronize() *cobra.Command {
	var release bool
	c := &cobra.Command{
		Use: "sync [CONNECTOR...]", Aliases: []string{"synchronize"}, Short: "Read the managed systems into resources",
		Long: `Reads every entity type of the named connectors (or of all) and keeps what they hold.
An incomplete reading adds and changes, and takes nothing for gone; a reading that
would change more than the connector's thresholds allow is parked whole until it is
run with --release. Nothing is written to any system.

Use it alone to look at a new connector, or to let a parked reading through. It ends
with 6 when a reading failed or was parked.`,
		Example: "  provisor sync hr\n  provisor sync hr --release",
	}
	c.Flags().BoolVar(&release, "release", false, "take over what a threshold parks")
	c.RunE = v.staged(func(ctx context.Context, e Engine, args []string) error {
		connectors, err := v.connectors(ctx, e, args)
		if err != nil {
			return err
		}
		outcomes, err := e.Synchronize(ctx, synchronize.Options{Connectors: connectors, Release: release})
		if err != nil {
			return err
		}
		list := act.ReadingsOf(outcomes)
		err = v.show(map[string]any{"readings": list}, func() {
			for _, r := range list {
				v.readingLine(r)
			}
		})
		return endedIf(err, troubled(list))
	})
	return c
}

// endedIf ends with the code for systems in trouble, after all was shown.
func endedIf(err error, trouble bool) error {
	if err == nil && trouble {
		return ended(SystemsCode)
	}
	return err
}

// connectors checks that what was named is declared.
func (v *invocation) connectors(ctx context.Context, e Engine, names []string) ([]schema.ConnectorID, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	var ids []schema.ConnectorID
	for _, name := range names {
		id := schema.ConnectorID(name)
		if _, ok := c.Model.Connectors[id]; !ok {
			return nil, notDeclared("connector", name)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (v *invocation) evaluate() *cobra.Command {
	var person string
	var save, all bool
	c := &cobra.Command{
		Use: "evaluate", Short: "Work out who should have what, and why", Args: cobra.NoArgs,
		Long: `Computes from the deployed rules and from what was read who should have which roles,
accounts and values on the day, each with its reasons, and stores it. A rule that
fails marks what it computes as Error and stops nobody else. No system is asked.

On a day that was evaluated already with the same configuration, only those are
evaluated anew whom a change since then may concern: a person, everybody of a
department that was renamed, whoever may match an account that appeared. --all
evaluates everybody.

Use it alone to look at rules before orders come of them: "person show", "explain".

With --person it is one person's turn: it shows which roles would change and which
orders would come of it, and stores nothing. --save stores what is expected of this
person, exactly what a run would store; "generate" or the next round makes the orders.`,
		Example: "  provisor evaluate && provisor explain E001\n  provisor evaluate --person E001\n  provisor evaluate --person E001 --save",
	}
	c.Flags().StringVar(&person, "person", "", "only this person: key, identifier or name; shows what would change")
	c.Flags().BoolVar(&save, "save", false, "with --person: store it")
	c.Flags().BoolVar(&all, "all", false, "everybody, not only whom a change may concern")
	c.MarkFlagsMutuallyExclusive("person", "all")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case save && person == "":
			return wrongUsage("name the person, or leave --save out: without --person everything is stored", "--save goes with --person")
		case person != "":
			return v.opened(func(ctx context.Context, e Engine, _ []string) error { return v.evaluatePerson(ctx, e, person, save) })(c, args)
		}
		return v.staged(func(ctx context.Context, e Engine, _ []string) error {
			evaluated := e.Evaluate
			if all {
				evaluated = e.EvaluateAll
			}
			s, err := evaluated(ctx)
			if err != nil {
				return err
			}
			err = v.show(s, func() { v.evaluateText(s) })
			return endedIf(err, len(s.Findings) > 0)
		})(c, args)
	}
	return c
}

func (v *invocation) evaluateText(s evaluate.Summary) {
	whom := ""
	if !s.Everybody {
		whom = fmt.Sprintf(" for %s whom a change may concern", count(s.Owners, "owner"))
	}
	v.say("  expect  %s, %s%s; %d changed, %d allocated", count(s.Roles, "role"), count(s.Resources, "account"), whom, s.Changed, s.Allocated)
	for i, f := range s.Findings {
		if i == fewLines && !v.verbose {
			v.say("          ... and %d more findings: -v shows all", len(s.Findings)-i)
			break
		}
		v.say("  RULE    %s", f)
	}
}

func (v *invocation) generate() *cobra.Command {
	var block bool
	c := &cobra.Command{
		Use: "generate", Short: "Turn differences into provisioning orders", Args: cobra.NoArgs,
		Long: `Compares what should be with what was read and opens, amends or withdraws orders.
A kind of order that would exceed its threshold is parked until somebody releases it.
With --block every order waits for a reviewer. Nothing is written to any system.`,
		Example: "  provisor generate --block && provisor order list",
	}
	c.Flags().BoolVar(&block, "block", false, "every order waits for a reviewer, whatever its type says")
	c.RunE = v.staged(func(ctx context.Context, e Engine, _ []string) error {
		s, err := e.Generate(ctx, block)
		if err != nil {
			return err
		}
		return v.show(s, func() { v.generateText(s) })
	})
	return c
}

func (v *invocation) generateText(s generate.Summary) {
	var kinds []string
	for _, k := range orders.Kinds() {
		if n := s.Kinds[k]; n > 0 {
			kinds = append(kinds, count(n, string(k)))
		}
	}
	v.say("  order   %s opened or changed%s", count(s.Orders, "order"), prefixed(": ", strings.Join(kinds, ", ")))
	for _, p := range s.Parked {
		v.say("  PARKED  %ss of %s: %s", p.Kind, p.Type, p.Why)
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func (v *invocation) fulfil() *cobra.Command {
	return &cobra.Command{
		Use: "fulfil [CONNECTOR...]", Short: "Carry out what may go out, and read it back",
		Long: `Collects the orders whose gates are all open and carries them out: automatic
connections write and read back at once, manual ones hand the order to people. An
order whose outcome is unknown is looked up, never sent again blindly. It may be
interrupted at any moment and run again.

It ends with 6 when a connection was down.`,
		Example: "  provisor fulfil\n  provisor fulfil crm",
		RunE: v.staged(func(ctx context.Context, e Engine, args []string) error {
			connectors, err := v.connectors(ctx, e, args)
			if err != nil {
				return err
			}
			s, err := e.Fulfil(ctx, connectors)
			if err != nil {
				return err
			}
			err = v.show(s, func() { v.fulfilText(s) })
			return endedIf(err, down(s))
		}),
	}
}

func down(s fulfil.Summary) bool {
	return slices.ContainsFunc(s.Connections, func(d fulfil.Drained) bool { return d.Down != "" })
}

func (v *invocation) fulfilText(s fulfil.Summary) {
	for _, d := range s.Connections {
		if d.Settled > 0 {
			v.say("  look up %-28s %s of unknown outcome looked up in the system", d.Connection, count(d.Settled, "order"))
		}
		switch {
		case d.Down != "":
			v.say("  DOWN    %-28s %s", d.Connection, d.Down)
		case d.Busy:
			v.say("  busy    %-28s another process carries its orders out", d.Connection)
		case d.Collected == 0 && !v.verbose: // nothing to tell
		case d.Manual:
			v.say("  hand    %-28s %s handed to people", d.Connection, count(d.Collected, "order"))
		default:
			v.say("  write   %-28s %s: %d values done, %d verified, %d refused, %d unknown",
				d.Connection, count(d.Collected, "order"), d.Executed, d.Verified, d.Refused, d.Unknown)
		}
	}
}

func (v *invocation) verify() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Compare what was read with what was ordered", Args: cobra.NoArgs,
		Long: `Compares the last readings with what was ordered: what stands there is Verified, what
somebody else changed becomes a question ("reconcile list"), what waited too long
errs. It reads no system itself: run "sync" before it.`,
		Example: "  provisor sync && provisor verify",
		RunE: v.staged(func(ctx context.Context, e Engine, _ []string) error {
			s, err := e.Verify(ctx)
			if err != nil {
				return err
			}
			return v.show(s, func() { v.verifyText(s) })
		}),
	}
}

func (v *invocation) verifyText(s verify.Summary) {
	v.say("  verify  %s compared: %d values verified, %d drifted, %d expired", count(s.Compared, "account"), s.Verified, s.Drifted, s.Expired)
}

// processedText says what became of requests; nothing where there are none.
func (v *invocation) processedText(p review.Processed) {
	if p == (review.Processed{}) {
		return
	}
	stuck := ""
	if p.Stuck > 0 {
		stuck = fmt.Sprintf("; nobody can decide %d: provisor request list --stuck", p.Stuck)
	}
	v.say("  ask     %s open; %d moved, %d decided by a rule%s", count(p.Open, "request"), p.Moved, p.Automated, stuck)
}

// wentRound is what run shows.
type wentRound struct {
	Day         string           `json:"day"`
	Synchronize []act.Reading    `json:"synchronize"`
	Verify      verify.Summary   `json:"verify"`
	Requests    review.Processed `json:"requests"`
	Evaluate    evaluate.Summary `json:"evaluate"`
	Generate    generate.Summary `json:"generate"`
	Fulfil      fulfil.Summary   `json:"fulfil"`
	Waits       waiting          `json:"waits"`
}

func (v *invocation) run() *cobra.Command {
	var block bool
	c := &cobra.Command{
		Use: "run", Short: "Go the whole way round once", Args: cobra.NoArgs,
		Long: `Runs synchronize, verify, evaluate, generate and fulfil, one after the other, and says
what was read, what moved, what waits for whom, and what to type next. What one system
or one rule refuses stops no other. It may be interrupted at any moment and run again:
nothing is done twice.

It ends with 6 when a reading failed or was parked, a connection was down or a rule
failed; everything else was done.`,
		Example: "  provisor run\n  provisor run --block --json",
	}
	c.Flags().BoolVar(&block, "block", false, "every order waits for a reviewer, whatever its type says")
	c.RunE = v.staged(func(ctx context.Context, e Engine, _ []string) error {
		r, err := e.Round(ctx, block)
		if err != nil {
			return err
		}
		w, err := waits(ctx, e.Questions())
		if err != nil {
			return err
		}
		shown := wentRound{r.Day, act.ReadingsOf(r.Synchronize), r.Verify, r.Requests, r.Evaluate, r.Generate, r.Fulfil, w}
		err = v.show(shown, func() { v.roundText(shown) })
		return endedIf(err, troubled(shown.Synchronize) || down(r.Fulfil) || len(r.Evaluate.Findings) > 0 || w.in(orders.Error))
	})
	return c
}

func (v *invocation) roundText(r wentRound) {
	v.say("%s", v.strong("Round of "+r.Day))
	for _, x := range r.Synchronize {
		v.readingLine(x)
	}
	v.verifyText(r.Verify)
	v.processedText(r.Requests)
	v.evaluateText(r.Evaluate)
	v.generateText(r.Generate)
	v.fulfilText(r.Fulfil)
	if v.verbose {
		for _, gate := range slices.Sorted(maps.Keys(r.Generate.Waits)) {
			v.say("  waits   %s for %s", count(r.Generate.Waits[gate], "order"), gate)
		}
	}
	v.waitsText(r.Waits)
}

// waiting is what stands open after a round, by who moves it on.
type waiting struct {
	States    []view.StateCount `json:"states"`    // open orders
	Questions int               `json:"questions"` // the first page's; see More
	More      bool              `json:"moreQuestions,omitempty"`
	Parks     []view.Park       `json:"parks,omitempty"`
}

// in reports whether an open order stands in the state.
func (w waiting) in(s orders.State) bool {
	return slices.ContainsFunc(w.States, func(n view.StateCount) bool { return n.State.Number == int(s) })
}

func waits(ctx context.Context, q Questions) (waiting, error) {
	counts, err := q.StateCounts(ctx, view.CountMost)
	if err != nil {
		return waiting{}, err
	}
	w := waiting{States: []view.StateCount{}}
	for _, n := range counts.Orders {
		if n.Count > 0 {
			w.States = append(w.States, n)
		}
	}
	page, err := q.Reconciliation(ctx, view.ReconciliationFilter{Limit: view.MaxLimit})
	if err != nil {
		return w, err
	}
	w.Questions, w.More = len(page.Questions), page.After != 0
	w.Parks, err = q.Parks(ctx)
	return w, err
}

// next says what to type for orders that wait in a state.
var next = map[orders.State]string{
	orders.Pending:          "provisor order list --state pending: each names what it waits for",
	orders.Transmitted:      "provisor order list --state transmitted, then order take and order confirm",
	orders.Errored:          "provisor order list --state errored, then order retry or order decline",
	orders.AwaitingApproval: "provisor order list --state awaiting-approval, then order approve or order decline",
	orders.Error:            "provisor order list --state error: mend the rule, then provisor apply and provisor run",
	orders.Executed:         "provisor run reads the systems again and verifies",
}

func (v *invocation) waitsText(w waiting) {
	if len(w.States) == 0 && w.Questions == 0 && len(w.Parks) == 0 {
		v.say("\nNothing waits: every expected value is verified.")
		return
	}
	v.say("\n%s", v.strong("What waits, and what to type next"))
	for _, n := range w.States {
		v.say("  %4d  %s  %s", n.Count, v.chip(n.State), next[orders.Numbered(n.State.Number)])
	}
	if w.Questions > 0 {
		more := ""
		if w.More {
			more = " or more"
		}
		v.say("  %4d%s  found in the systems  provisor reconcile list", w.Questions, more)
	}
	for _, p := range w.Parks {
		v.say("  %4d  %ss of %s parked (%s)  provisor order release --all --type %s --kind %s", p.Held, p.Kind, p.Type, p.Why, p.Type, p.Kind)
	}
}
