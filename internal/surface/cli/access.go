package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/surface/act"
)

// An AccessDesk is where accounts, tokens and profiles are kept in order.
type AccessDesk = act.AccessDesk

// An Entrant is somebody who gets an account.
type Entrant = act.Entrant

func (v *invocation) account() *cobra.Command {
	return family("account", "By what people and programs sign in",
		`An account is by what somebody signs in: with a password, through the provider that the
configuration names, or, a program, with tokens. It may nothing until it has a profile:
see "provisor profile".`, v.accountAdd(), v.accountList(), v.accountPassword(), v.accountDisable(), v.accountEnable())
}

func (v *invocation) accountAdd() *cobra.Command {
	var person, file, why string
	var provider, bare bool
	c := &cobra.Command{
		Use: "add NAME", Short: "Make an account", Args: cobra.ExactArgs(1),
		Long: `Makes an account. The password comes from stdin, from a file, or, at a terminal, from a
question that does not show what is typed; never from an argument. With --provider it has
none: whoever the provider of sign-in calls NAME signs in through it. With --no-password
it is for tokens alone.`,
		Example: "  provisor account add anna --person E100\n  provisor account add olga@example.org --provider\n  provisor account add backup --no-password",
	}
	c.Flags().StringVar(&person, "person", "", "who that is in the directory: a key or an identifier")
	c.Flags().BoolVar(&provider, "provider", false, "signs in through the provider")
	c.Flags().BoolVar(&bare, "no-password", false, "has no password: for tokens")
	c.Flags().StringVar(&file, "from-file", "", "read the password from this file")
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		if provider && bare {
			return wrongUsage("choose one", "--provider and --no-password exclude each other")
		}
		x := Entrant{Name: args[0], Provider: provider, Why: why}
		var err error
		if person != "" {
			if x.Person, err = onePerson(ctx, e, person); err != nil {
				return err
			}
		}
		if !provider && !bare {
			if x.Password, err = v.hiddenText(ctx, "set password", "Password of "+args[0], file); err != nil {
				return err
			}
		}
		a, err := e.AccessDesk().Add(ctx, x)
		if err != nil {
			return err
		}
		return v.show(a, func() {
			v.say("The account %s is made. It may nothing yet: `provisor profile assign PROFILE --account %s`.", a.Name, a.Name)
		})
	})
	return c
}

func (v *invocation) accountList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List accounts", Args: cobra.NoArgs,
		Long:    `Lists accounts with who each is in the directory and how it signs in.`,
		Example: "  provisor account list",
	}
	c.RunE = v.asked(func(ctx context.Context, e Service, _ []string) error {
		list, err := e.AccessDesk().Accounts(ctx)
		if err != nil {
			return err
		}
		if v.csv {
			return v.asList(accountsSheet(list), c)
		}
		return v.show(map[string]any{"accounts": list}, func() {
			g := v.columns("account", "person", "signs in", "since", "by")
			for _, a := range list {
				person := ""
				if a.Person.Key != "" {
					person = a.Person.String()
				}
				g.row(a.Name, person, howIn(a), a.At.Format(time.DateTime), a.By)
			}
			g.print()
		})
	})
	return c
}

// howIn says how an account signs in.
func howIn(a stage.Account) string {
	switch {
	case !a.Disabled.IsZero():
		return "not: disabled " + a.Disabled.Format(time.DateTime)
	case a.Issuer != "":
		return "through " + a.Issuer
	case a.Hash != "":
		return "with a password"
	}
	return "with tokens"
}

func (v *invocation) accountPassword() *cobra.Command {
	var file, why string
	c := &cobra.Command{
		Use: "password NAME", Short: "Set a password", Args: cobra.ExactArgs(1),
		Long: `Sets the password of an account, read as by "account add". Its sessions and tokens end
with it.`,
		Example: "  provisor account password anna",
	}
	c.Flags().StringVar(&file, "from-file", "", "read the password from this file")
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		password, err := v.hiddenText(ctx, "set password", "Password of "+args[0], file)
		if err != nil {
			return err
		}
		if err := e.AccessDesk().SetPassword(ctx, args[0], password, why); err != nil {
			return err
		}
		return v.show(map[string]string{"account": args[0]}, func() { v.say("The password of %s is set; its sessions and tokens are over.", args[0]) })
	})
	return c
}

func (v *invocation) accountDisable() *cobra.Command {
	return v.accountChange("disable", "Keep an account out", `Keeps an account from signing in. Its sessions and tokens end with the next request.`,
		"The account %s is disabled.", func(d AccessDesk) func(context.Context, string, string) error { return d.Disable })
}

func (v *invocation) accountEnable() *cobra.Command {
	return v.accountChange("enable", "Let a disabled account in again", `Lets a disabled account in again. Older sessions and tokens stay over.`,
		"The account %s may sign in again.", func(d AccessDesk) func(context.Context, string, string) error { return d.Enable })
}

func (v *invocation) accountChange(verb, short, long, done string, of func(AccessDesk) func(context.Context, string, string) error) *cobra.Command {
	var why string
	c := &cobra.Command{Use: verb + " NAME", Short: short, Long: long, Args: cobra.ExactArgs(1), Example: "  provisor account " + verb + " anna --why \"she is on leave\""}
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		if err := of(e.AccessDesk())(ctx, args[0], why); err != nil {
			return err
		}
		return v.show(map[string]string{"account": args[0]}, func() { v.say(done, args[0]) })
	})
	return c
}

func (v *invocation) token() *cobra.Command {
	return family("token", "What programs show instead of signing in",
		`A program sends a token with each request: "Authorization: Bearer TOKEN". It may what the
account may that it belongs to. The store keeps a hash of it: the text is shown once.`,
		v.tokenCreate(), v.tokenList(), v.tokenRevoke())
}

func (v *invocation) tokenCreate() *cobra.Command {
	var name, why string
	var days int
	c := &cobra.Command{
		Use: "create ACCOUNT", Short: "Make a token, and show it once", Args: cobra.ExactArgs(1),
		Long:    `Makes a token of an account and prints it on stdout. Nothing shows it again.`,
		Example: "  provisor token create backup --name nightly --days 30",
	}
	c.Flags().StringVar(&name, "name", "", "what it is for")
	c.Flags().IntVar(&days, "days", 0, "how long it holds (default 90, at most 366)")
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		made, err := e.AccessDesk().CreateToken(ctx, args[0], name, days, why)
		if err != nil {
			return err
		}
		value := struct {
			stage.Token
			Text string `json:"text"`
		}{made.Token, made.Text.Reveal()}
		return v.show(value, func() {
			v.say("%s", value.Text)
			v.note("Token %d of %s holds until %s. This is the only time that it is shown.", made.ID, made.Account, made.Expires.Format(time.DateOnly))
		})
	})
	return c
}

func (v *invocation) tokenList() *cobra.Command {
	c := &cobra.Command{
		Use: "list [ACCOUNT]", Short: "List tokens, never their texts", Args: cobra.MaximumNArgs(1),
		Long:    `Lists tokens with when each was used last.`,
		Example: "  provisor token list\n  provisor token list backup",
	}
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		list, err := e.AccessDesk().Tokens(ctx, append(args, "")[0])
		if err != nil {
			return err
		}
		if v.csv {
			return v.asList(tokensSheet(list), c)
		}
		return v.show(map[string]any{"tokens": list}, func() {
			g := v.columns("token", "account", "name", "made", "until", "used", "revoked")
			for _, x := range list {
				g.row(strconv.FormatInt(x.ID, 10), x.Account, x.Name, dated(x.At), dated(x.Expires), dated(x.Used), dated(x.Revoked))
			}
			g.print()
		})
	})
	return c
}

// dated writes a time to the minute, nothing for none.
func dated(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04")
}

func (v *invocation) tokenRevoke() *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "revoke NUMBER", Short: "Make a token worthless", Args: cobra.ExactArgs(1),
		Long:    `Makes a token worthless from the next request on.`,
		Example: "  provisor token revoke 3 --why \"it stood in a log\"",
	}
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = v.asked(func(ctx context.Context, e Service, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return wrongUsage("`provisor token list` shows the numbers", "%q is not the number of a token", args[0])
		}
		if err := e.AccessDesk().RevokeToken(ctx, id, why); err != nil {
			return err
		}
		return v.show(map[string]int64{"token": id}, func() { v.say("Token %d is revoked.", id) })
	})
	return c
}
