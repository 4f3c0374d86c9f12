package cli

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/surface/sheets"
	"provisor.dev/provisor/internal/view"
)

func (v *invocation) messagesCommand() *cobra.Command {
	c := family("messages", "What people and other systems were told, and are to be",
		`Provisor tells people by mail, and other systems by webhooks, what waits for them and what
went wrong. The section "messages" of the configuration says how (docs/operate/messages.md).
A server looks every minute; without one, run "provisor messages send" from time to time.

Alone, it lists messages, the newest first: what waits to be sent, what was sent, what was
given up, and why.`,
		v.messagesSend(), v.messagesTest(), v.messagesRetry(), v.messagesChoose())
	var f view.MessageFilter
	var limit int
	c.Example = "  provisor messages\n  provisor messages --state failed\n  provisor messages --to Person:E100"
	c.Flags().StringVar(&f.State, "state", "", "only those that are waiting, sent or failed")
	c.Flags().StringVar(&f.Recipient, "to", "", "only those to one recipient, such as Person:E100 or \"webhook chat\"")
	c.Flags().Int64Var(&f.Before, "before", 0, "go on before this message")
	c.Flags().IntVar(&limit, "limit", view.DefaultLimit, "how many")
	c.RunE = v.asked(func(ctx context.Context, e Service, _ []string) error {
		if f.State != "" && !slices.Contains([]string{"waiting", "sent", "failed"}, f.State) {
			return wrongUsage("write waiting, sent or failed", "--state: %q is no state of a message", f.State)
		}
		if f.Before != 0 && v.server != "" {
			return wrongUsage("leave --before out, and say --limit", "a server's list is not gone on with by a number")
		}
		if v.csv {
			return v.asList(sheets.Messages(ctx, e.Ask(), f), c)
		}
		f.Limit = limit
		page, err := e.Ask().Messages(ctx, f)
		if err != nil {
			return err
		}
		return v.show(page, func() { v.messageList(page) })
	})
	return c
}

func (v *invocation) messageList(page view.MessagePage) {
	if len(page.Messages) == 0 {
		v.say("No message like this.")
		return
	}
	g := v.columns("message", "written", "to", "about", "state", "attempts", "why not")
	for _, m := range page.Messages {
		state := m.State
		switch {
		case m.State == "sent":
			state += " " + m.Sent.Format(time.DateTime)
		case m.State == "waiting" && m.Attempts > 0:
			state += ", again " + m.Next.Format(time.DateTime)
		}
		g.writer.AppendRow([]any{m.ID, m.At.Format(time.DateTime), m.Recipient, m.Subject, state, m.Attempts, m.Why})
	}
	g.print()
	if page.Before > 0 {
		v.say("There are more: --before %d goes on.", page.Before)
	}
}

func (v *invocation) messagesSend() *cobra.Command {
	return &cobra.Command{
		Use: "send", Short: "Tell what is new and send what is due, now", Args: cobra.NoArgs,
		Long: `Looks once at what waits for whom, writes messages about what is new, and sends what is due.
A server does so every minute; both at once do no harm. Jobs that fail are told by the
server alone.`,
		Example: "  provisor messages send",
		RunE: v.opened(func(ctx context.Context, e Engine, _ []string) error {
			sum, err := e.SendMessages(ctx, slog.New(slog.NewTextHandler(v.Stderr, nil)))
			if err != nil {
				return err
			}
			return v.show(sum, func() {
				v.say("%s written, %s sent, %s failed.", count(sum.Written, "message"), strconv.Itoa(sum.Sent), strconv.Itoa(sum.Failed))
				for i, who := range sum.Unheard {
					if i == fewLines && !v.verbose {
						v.note("... and %d more: -v names all", len(sum.Unheard)-i)
						break
					}
					v.note("%s would be told, and has no mail address", who)
				}
			})
		}),
	}
}

func (v *invocation) messagesTest() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use: "test", Short: "Send a mail that says that mail arrives", Args: cobra.NoArgs,
		Long: `Sends one mail through the configured server, at once, and says what the server answered
when it does not take it.`,
		Example: "  provisor messages test --to ada@example.org",
	}
	c.Flags().StringVar(&to, "to", "", "the address")
	_ = c.MarkFlagRequired("to") // the flag is there
	c.RunE = v.opened(func(ctx context.Context, e Engine, _ []string) error {
		if err := e.TestMessage(ctx, to); err != nil {
			return err
		}
		return v.show(map[string]string{"to": to}, func() { v.say("The mail server took a mail for %s.", to) })
	})
	return c
}

func (v *invocation) messagesRetry() *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "retry", Short: "Make every message due that waits or was given up", Args: cobra.NoArgs,
		Long: `What is refused for good, or for days, is given up. After whatever was wrong is mended, this
makes those messages due again, and those that wait for their next attempt.`,
		Example: "  provisor messages retry --why \"the mail server lets us in again\"",
	}
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = v.asked(func(ctx context.Context, e Service, _ []string) error {
		n, err := e.RetryMessages(ctx, why)
		if err != nil {
			return err
		}
		return v.show(map[string]int64{"messages": n}, func() { v.say("%s due now.", count(int(n), "message")) })
	})
	return c
}

func (v *invocation) messagesChoose() *cobra.Command {
	var who string
	var d messages.Delivery
	c := &cobra.Command{
		Use: "choose at-once|digest|none|default", Short: "Choose how somebody is told", Args: cobra.ExactArgs(1),
		Long: `Chooses for whoever acts (--as), or for --for: at-once, a digest once a day at an hour of a
time zone, or none. What is left open is as the configuration says; default leaves all open.`,
		Example: "  provisor messages choose digest --hour 07:30 --zone Europe/Berlin --as E100\n  provisor messages choose at-once --for anna",
	}
	c.Flags().StringVar(&who, "for", "", "an account, or a person by key or identifier (default: who acts)")
	c.Flags().StringVar(&d.At, "hour", "", "when a digest comes, 08:00")
	c.Flags().StringVar(&d.Zone, "zone", "", "the time zone of that hour, such as Europe/Berlin")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		if d.How = messages.How(args[0]); args[0] == "default" {
			d = messages.Delivery{}
		}
		recipient, now, err := e.ChooseDelivery(ctx, who, d)
		if err != nil {
			return err
		}
		return v.show(now, func() {
			v.say("%s is told: %s.", recipient, deliveryText(now))
		})
	})
	return c
}

func deliveryText(d messages.Delivery) string {
	switch d.How {
	case messages.AtOnce:
		return "at once"
	case messages.Never:
		return "of nothing"
	}
	return "in a digest, at " + d.At + " " + d.Zone
}
