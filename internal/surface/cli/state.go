package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

// machine is the state machine with what stands where.
type machine struct {
	States      []view.Standing      `json:"states"`
	Roles       []view.WorkflowCount `json:"roles"`
	Transitions []transition         `json:"transitions"`
}

type transition struct {
	From       string `json:"from"`
	FromNumber int    `json:"fromNumber"`
	Event      string `json:"event"`
	To         string `json:"to"`
	ToNumber   int    `json:"toNumber"`
	By         string `json:"by"`
}

func (v *invocation) state() *cobra.Command {
	return &cobra.Command{
		Use: "state", Short: "Show the nine provisioning states and how many orders stand in each", Args: cobra.NoArgs,
		Long: `Shows the provisioning states. Counted are: orders - the open orders by their worst
item and, for the states of rest (None, Verified, Inactive), the accounts that rest
there; accounts - every account by its worst item; values - the items that open orders
carry. With --json the legal transitions are listed too: from, event, to, by.`,
		Example: "  provisor state\n  provisor state --json",
		RunE: v.asked(func(ctx context.Context, e Service, _ []string) error {
			m, err := machineNow(ctx, e.Ask())
			if err != nil {
				return err
			}
			return v.show(m, func() {
				g := v.columns("state", "orders", "accounts", "values", "who moves it on")
				for _, s := range m.States {
					g.row(v.chip(view.State{Number: s.Number, Name: s.Name}), s.Orders, s.Accounts, s.Values, orders.Numbered(s.Number).Owner())
				}
				g.print()
				var had []string
				for _, n := range m.Roles {
					had = append(had, fmt.Sprintf("%d %s", n.Count, n.Workflow.Name))
				}
				if len(had) > 0 {
					v.say("\nRoles: %s.", strings.Join(had, ", "))
				}
			})
		}),
	}
}

func machineNow(ctx context.Context, q view.Asked) (machine, error) {
	states, err := view.StandingNow(ctx, q)
	if err != nil {
		return machine{}, err
	}
	counts, err := q.StateCounts(ctx, 0)
	if err != nil {
		return machine{}, err
	}
	m := machine{States: states, Roles: append([]view.WorkflowCount{}, counts.Roles...), Transitions: []transition{}}
	seen := map[transition]bool{}
	for _, t := range view.Machine() {
		x := transition{t.From.String(), t.From.Number, t.Event, t.To.String(), t.To.Number, t.By}
		if !seen[x] {
			seen[x] = true
			m.Transitions = append(m.Transitions, x)
		}
	}
	return m, nil
}

func (v *invocation) journal() *cobra.Command {
	return family("journal", "Who did what, when and why",
		`Every act that changes the store is one entry in a chain of hashes; an entry that is
edited, deleted or moved breaks the chain.`, v.journalList(), v.journalVerify())
}

func (v *invocation) journalList() *cobra.Command {
	var f view.JournalFilter
	var since string
	c := &cobra.Command{
		Use: "list [TEXT]", Short: "List journal entries, the newest first", Args: cobra.MaximumNArgs(1),
		Long:    `Lists who did what, the newest first; TEXT is looked for in the act, its subject and its reason.`,
		Example: "  provisor journal list approve --actor E100 --since 2026-03-01",
	}
	c.Flags().StringVar(&f.Actor, "actor", "", "only by this person or process")
	c.Flags().StringVar(&since, "since", "", "only since this day, 2026-03-01")
	c.Flags().IntVar(&f.Limit, "limit", view.DefaultLimit, "at most so many entries")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		if len(args) == 1 {
			f.Text = args[0]
		}
		if since != "" {
			day, err := dayOf("--since", since)
			if err != nil {
				return err
			}
			f.Since = day
		}
		if v.csv {
			return v.asList(sheets.Journal(ctx, e.Ask(), f), c)
		}
		page, err := e.Ask().Journal(ctx, f)
		if err != nil {
			return err
		}
		return v.show(page, func() {
			g := v.columns("no", "when", "who", "did", "what", "why")
			for _, entry := range page.Entries {
				g.row(entry.Seq, entry.At.Format(time.DateTime), entry.Actor.String(), entry.Name, entry.Subject, entry.Why)
			}
			g.print()
			if page.Before != 0 {
				v.say("... there are more: --limit, or TEXT")
			}
		})
	})
	return c
}

func (v *invocation) journalVerify() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Check that no journal entry was changed or removed", Args: cobra.NoArgs,
		Long: `Recomputes the chain of hashes from the first entry to the last. It ends with 7 and
names the first entry that does not hold.`,
		Example: "  provisor journal verify",
		RunE: v.asked(func(ctx context.Context, e Service, _ []string) error {
			n, err := e.VerifyJournal(ctx)
			if err != nil {
				return CheckFailed(err)
			}
			return v.show(map[string]any{"entries": n, "holds": true}, func() { v.say("The journal holds: %d entries.", n) })
		}),
	}
}
