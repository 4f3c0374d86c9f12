package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/connectortest/openldap"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/process/company"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/view"
)

// Options start a demonstration.
type Options struct {
	Dir      string
	Company  company.Options // what the user gave; the rest is as it is or as usual
	Once     bool            // play the people, too, until everything is quiet
	LDAP     bool            // start a directory of the company's own as one more system
	Packages []connector.Package
	Out      io.Writer // what happens, for people
	// Progress is told how far the rounds have come; its functions may be nil.
	Progress loop.Progress
	// Ended is handed the result before the company is served; may be nil.
	Ended func(*Result) error
	// Serve goes on serving the company after the first round; nil ends instead.
	Serve func(ctx context.Context, engine *loop.Engine) error
}

// A Result is how a demonstration stands at its end.
type Result struct {
	Dir    string           `json:"dir"`
	Day    string           `json:"day"`
	People int              `json:"people"`
	Orders view.StateCounts `json:"states"`
	// The rest is filled when the people were played, too.
	Person      *view.Person `json:"person,omitempty"`
	Differences []Difference `json:"differences,omitempty"`
	Open        []view.Order `json:"open,omitempty"` // orders that should be verified and are not
	Waits       []view.Order `json:"waits,omitempty"`
	Questions   int          `json:"questions"`
	Holds       bool         `json:"holds"`
}

// Run lays the company down, or takes up the one that is there, and runs the
// loop: to the point where people must decide or, with Once, to the end. With
// Once the result says whether every expected order is Verified and the systems
// hold what the rules say, by a reading of its own.
func Run(ctx context.Context, o Options) (*Result, error) {
	laid, err := Lay(o.Dir, o.Company)
	if err != nil {
		return nil, err
	}
	p := &play{out: o.Out, laid: laid}
	if o.LDAP {
		if p.directory, err = startDirectory(ctx, laid.Dir); err != nil {
			return nil, err
		}
	}
	if p.Engine, err = loop.Open(ctx, loop.Options{Dir: laid.Dir, Packages: o.Packages, Day: laid.Company.At}); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	p.Progress = o.Progress
	result, err := p.run(ctx, o.Once)
	if err == nil && o.Ended != nil {
		err = o.Ended(result)
	}
	p.Progress = loop.Progress{} // a server has a log instead
	if err == nil && !o.Once && o.Serve != nil {
		err = o.Serve(ctx, p.Engine)
	}
	return result, errors.Join(err, p.Close(), p.stop())
}

// stop ends the company's directory.
func (p *play) stop() error {
	if p.directory == nil {
		return nil
	}
	return p.directory.Stop()
}

// play is one run of the demonstration.
type play struct {
	*loop.Engine
	out       io.Writer
	laid      Laid
	directory *openldap.Server // nil without one
	waivers   []Waiver         // what a person decided against the rules: no check expects it
	badges    []Waiver
}

func (p *play) say(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format+"\n", args...) }

func (p *play) run(ctx context.Context, once bool) (*Result, error) {
	if p.laid.Kept {
		p.say("The company in %s is there already; the loop goes on where it stands.", p.laid.Dir)
	} else {
		p.say("A company of %d people was laid down in %s (its rules are in README.md).", p.laid.Company.People, p.laid.Dir)
	}
	if err := p.deploy(ctx); err != nil {
		return nil, err
	}
	if err := p.round(ctx); err != nil {
		return nil, err
	}
	if !once {
		return p.waiting(ctx)
	}
	if err := p.people(ctx); err != nil {
		return nil, err
	}
	return p.end(ctx)
}

// deploy deploys the configuration of a new demonstration.
func (p *play) deploy(ctx context.Context) error {
	_, err := p.Deployed(ctx)
	if err != nil && fault.KindOf(err) != fault.NotFound || err == nil && (p.directory == nil || p.Differs(ctx) == "") {
		return err
	}
	c, err := p.Files()
	if err != nil {
		return err
	}
	return p.Deploy(ctx, c, "the demonstration's own configuration")
}

// round runs the loop once and says what it did.
func (p *play) round(ctx context.Context) error {
	began := time.Now()
	r, err := p.Run(ctx, false)
	if err != nil {
		return err
	}
	read := 0
	for _, o := range r.Synchronize {
		read += o.Reading.Counts.Read
	}
	collected, verified := 0, 0
	for _, c := range r.Fulfil.Connections {
		collected += c.Collected
	}
	verified = r.Verify.Verified
	p.say("  read %d objects · %d values verified, %d drifted · %d people's access evaluated · %d orders raised · %d handed out · %s",
		read, verified, r.Verify.Drifted, r.Evaluate.Resources, r.Generate.Orders, collected, time.Since(began).Round(10*time.Millisecond))
	return nil
}

// roundsMax ends a demonstration that does not become quiet; a handful is usual.
const roundsMax = 12

// untilQuiet runs the loop until a round raises and carries out nothing.
func (p *play) untilQuiet(ctx context.Context) error {
	for range roundsMax {
		r, err := p.Run(ctx, false)
		if err != nil {
			return err
		}
		moved := r.Generate.Orders + r.Verify.Verified + r.Verify.Drifted
		for _, c := range r.Fulfil.Connections {
			moved += c.Collected + c.Settled
		}
		if moved == 0 {
			return nil
		}
	}
	return fault.New(fault.Internal, "demo", "the loop does not become quiet after %d rounds", roundsMax)
}

// waiting says what waits for people, and what to type.
func (p *play) waiting(ctx context.Context) (*Result, error) {
	r, err := p.result(ctx)
	if err != nil {
		return nil, err
	}
	review, err := p.Views().Orders(ctx, view.ReviewQueue())
	if err != nil {
		return nil, err
	}
	handed, err := p.Views().Orders(ctx, view.ManualQueue())
	if err != nil {
		return nil, err
	}
	questions, err := p.Views().Reconciliation(ctx, view.ReconciliationFilter{})
	if err != nil {
		return nil, err
	}
	r.Waits = append(append(r.Waits, review.Orders...), handed.Orders...)
	found, err := p.Views().FoundRoles(ctx, view.FoundRoleFilter{})
	if err != nil {
		return nil, err
	}
	r.Questions = len(questions.Questions) + len(found.Roles)
	dir := p.shortDir()
	p.say("")
	p.say("Now people must decide:")
	if n := len(review.Orders); n > 0 {
		first := review.Orders[0]
		p.say("  %d orders of the ledger wait for a review, such as order %d: %s of %s for %s", n, first.ID, first.Kind, first.Type, first.Owner.Display)
		p.say("      provisor order show %d --dir %s", first.ID, dir)
		p.say("      provisor order approve %d --dir %s", first.ID, dir)
	}
	if n := len(handed.Orders); n > 0 {
		first := handed.Orders[0]
		p.say("  %d orders are with the badge office, such as order %d: %s of a badge for %s", n, first.ID, first.Kind, first.Owner.Display)
		p.say("      provisor order take %d --dir %s", first.ID, dir)
		p.say("      provisor order confirm %d --dir %s      (after editing systems/badges.txt)", first.ID, dir)
	}
	if n := len(questions.Questions); n > 0 {
		p.say("  %d accounts hold something that no rule gives", n)
		p.say("      provisor reconcile list --dir %s", dir)
	}
	if n := len(found.Roles); n > 0 {
		p.say("  %d roles were found that no rule gives", n)
		p.say("      provisor reconcile roles --dir %s", dir)
	}
	p.say("Then go round again:  provisor run --dir %s", dir)
	return r, nil
}

// shortDir is the folder as a person would type it.
func (p *play) shortDir() string {
	if here, err := filepath.Abs("."); err == nil {
		if rel, err := filepath.Rel(here, p.laid.Dir); err == nil && len(rel) < len(p.laid.Dir) {
			return rel
		}
	}
	return p.laid.Dir
}

func (p *play) result(ctx context.Context) (*Result, error) {
	counts, err := p.Views().StateCounts(ctx, 0)
	return &Result{
		Dir: p.laid.Dir, Day: p.laid.Company.At.Format(time.DateOnly), People: p.laid.Company.People, Orders: counts,
	}, err
}

// end makes the loop quiet, reads the systems by itself, and says how it stands.
func (p *play) end(ctx context.Context) (*Result, error) {
	if err := p.untilQuiet(ctx); err != nil {
		return nil, err
	}
	r, err := p.result(ctx)
	if err != nil {
		return nil, err
	}
	for _, check := range []func() ([]Difference, error){
		func() ([]Difference, error) { return CheckCRM(p.laid.Dir) },
		func() ([]Difference, error) { return CheckLedger(p.laid.Dir, p.waivers...) },
		func() ([]Difference, error) { return CheckBadges(p.laid.Dir, p.badges...) },
		func() ([]Difference, error) {
			if p.directory == nil {
				return nil, nil
			}
			return CheckDirectory(p.laid.Dir, p.directory)
		},
	} {
		found, err := check()
		if err != nil {
			return nil, err
		}
		r.Differences = append(r.Differences, found...)
	}
	open, err := p.Views().Orders(ctx, view.OrderFilter{Limit: view.MaxLimit})
	if err != nil {
		return nil, err
	}
	r.Open = open.Orders
	questions, err := p.Views().Reconciliation(ctx, view.ReconciliationFilter{})
	if err != nil {
		return nil, err
	}
	found, err := p.Views().FoundRoles(ctx, view.FoundRoleFilter{})
	if err != nil {
		return nil, err
	}
	r.Questions = len(questions.Questions) + len(found.Roles)
	closed, err := p.Views().Orders(ctx, view.OrderFilter{Closed: true, Sort: view.Newest, Limit: view.MaxLimit})
	if err != nil {
		return nil, err
	}
	if r.Person, err = p.someone(ctx, closed.Orders); err != nil {
		return nil, err
	}
	r.Holds = len(r.Differences) == 0 && len(r.Open) == 0 && r.Questions == 0
	p.report(r, closed.Orders)
	return r, nil
}

// report tells people how it ended.
func (p *play) report(r *Result, closed []view.Order) {
	outcomes := map[string]int{}
	for _, o := range closed {
		if !o.Closed.IsZero() {
			outcomes[o.Outcome]++
		}
	}
	p.say("")
	p.say("Orders: %d verified, %d inactive (declined), %d superseded, %d open", outcomes["verified"], outcomes["inactive"], outcomes["superseded"], len(r.Open))
	if r.Person != nil {
		p.say("")
		p.say("What %s (%s) has:", r.Person.Display, r.Person.Key)
		for _, a := range r.Person.Accounts {
			p.say("  %-16s %-10s %s", a.Type, a.Target, state(a.State))
			for _, it := range a.Items {
				if it.Property != "" && it.Current != "-" { // what was removed is history
					p.say("      %-28s %-24s %s", it.Name, it.Current, state(it.State))
				}
			}
		}
	}
	p.say("")
	for _, d := range r.Differences {
		p.say("DIFFERS  %s, %s: expected %q, found %q", d.Subject, d.What, d.Expected, d.Found)
	}
	for _, o := range r.Open {
		p.say("OPEN     order %d, %s of %s for %s: %s %s", o.ID, o.Kind, o.Type, o.Owner.Display, state(o.State), o.Waits)
	}
	if r.Holds {
		p.say("Every expected order is Verified, and the systems hold what the rules say (read by other code than Provisor's).")
	} else {
		p.say("The demonstration does not hold: %d differences, %d open orders, %d questions.", len(r.Differences), len(r.Open), r.Questions)
	}
}

func state(s view.State) string {
	if s.Mark != "" {
		return fmt.Sprintf("%d %s (%s)", s.Number, s.Name, s.Mark)
	}
	return fmt.Sprintf("%d %s", s.Number, s.Name)
}

// assigned lists the assigned resources of orders.
func assigned(list []view.Order) []orders.AssignedID {
	ids := make([]orders.AssignedID, len(list))
	for i, o := range list {
		ids[i] = o.Assigned
	}
	return ids
}
