package cli

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// secretInputBytes bounds what is read of a file or stdin; the engine's own
// limit is lower and says so.
const secretInputBytes = 1 << 20

// keptSecret is a stored secret with where it is used.
type keptSecret struct {
	view.Secret
	UsedBy []string `json:"usedBy"`
}

func (v *invocation) secret() *cobra.Command {
	return family("secret", "The secrets of connections, kept encrypted in the store",
		`The configuration names secrets and never holds them: secret:store/NAME stands for one
that is kept here, encrypted in the store under the key file DIR/provisor.key (or
PROVISOR_KEY_FILE). No command shows a value. Keep a copy of the key file, and keep it
apart from the copies of the database.`,
		v.secretSet(), v.secretList(), v.secretRemove(), v.secretRewrap())
}

func (v *invocation) secretSet() *cobra.Command {
	var file, why string
	c := &cobra.Command{
		Use: "set NAME", Short: "Keep a secret, in place of the one of its name",
		Long: `Reads the value from stdin, from a file, or, at a terminal, from a question that does not
show what is typed. A line end at its end does not belong to it. The value is never an
argument: those stand in the shell's history and in the list of processes.

The first secret makes the key file. A process that holds the connection open already
uses the new value when it opens it again.`,
		Example: "  provisor secret set ldap-password\n  provisor secret set ldap-password --from-file /run/secrets/ldap",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return wrongUsage("name the secret alone; its value comes from stdin, from --from-file or from a question",
					"secret set takes one name, and never a value")
			}
			return nil
		},
	}
	c.Flags().StringVar(&file, "from-file", "", "read the value from this file")
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = func(c *cobra.Command, args []string) error {
		name := args[0]
		if err := secret.CheckName(name); err != nil {
			return err
		}
		return v.open(c.Context(), false, func(ctx context.Context, e Engine) error {
			value, err := v.hiddenText(ctx, "set secret "+name, "Value of "+name, file)
			if err != nil {
				return err
			}
			if err := e.SetSecret(ctx, name, value, why); err != nil {
				return err
			}
			return v.show(map[string]string{"name": name}, func() {
				v.say("The secret %s is set. The configuration refers to it as secret:store/%s.", name, name)
			})
		})
	}
	return c
}

// hiddenText reads a secret or a password from where the command line says: a
// file, stdin, or a question at a terminal that does not show the answer.
func (v *invocation) hiddenText(ctx context.Context, op, question, file string) (secret.Text, error) {
	from := v.Stdin
	switch {
	case file != "":
		f, err := os.Open(file) // #nosec G304 -- the file that whoever types it names
		if err != nil {
			return secret.Text{}, fault.Wrap(fault.NotFound, op, err)
		}
		defer f.Close()
		from = f
	case v.InTerminal && v.Hidden != nil:
		return v.askHidden(ctx, op, question)
	}
	content, err := io.ReadAll(io.LimitReader(from, secretInputBytes))
	return secret.New(strings.TrimRight(string(content), "\r\n")), err
}

// askHidden asks twice, since nobody sees what he types.
func (v *invocation) askHidden(ctx context.Context, op, what string) (secret.Text, error) {
	var answers [2][]byte
	for i, question := range []string{what + " (not shown): ", "The same again: "} {
		fmt.Fprint(v.Stderr, question)
		answer, err := v.Hidden(ctx)
		fmt.Fprintln(v.Stderr)
		if err != nil {
			return secret.Text{}, err
		}
		answers[i] = answer
	}
	if subtle.ConstantTimeCompare(answers[0], answers[1]) == 0 {
		return secret.Text{}, fault.New(fault.Invalid, op, "the two values differ; nothing was set")
	}
	return secret.New(string(answers[0])), nil
}

func (v *invocation) secretList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the stored secrets, never their values", Args: cobra.NoArgs,
		Long: `Lists the names of the stored secrets, when and by whom each was set, and the settings of
the deployed configuration that refer to it.`,
		Example: "  provisor secret list",
		RunE: v.opened(func(ctx context.Context, e Engine, _ []string) error {
			list, err := e.Questions().Secrets(ctx)
			if err != nil {
				return err
			}
			usedBy := map[string][]string{}
			c, err := e.Deployed(ctx)
			if err == nil {
				for _, use := range c.StoredSecrets() {
					usedBy[use.Name] = append(usedBy[use.Name], use.Setting)
				}
			} else if fault.KindOf(err) != fault.NotFound {
				return err
			}
			kept := make([]keptSecret, len(list))
			for i, x := range list {
				kept[i] = keptSecret{x, append([]string{}, usedBy[x.Name]...)}
			}
			return v.show(map[string]any{"secrets": kept}, func() {
				g := v.columns("name", "set", "by", "used by")
				for _, x := range kept {
					g.writer.AppendRow([]any{x.Name, x.At.Format(time.DateTime), x.By, strings.Join(x.UsedBy, ", ")})
				}
				g.print()
			})
		}),
	}
}

func (v *invocation) secretRemove() *cobra.Command {
	var why string
	var force bool
	c := &cobra.Command{
		Use: "remove NAME", Short: "Forget a secret", Args: cobra.ExactArgs(1),
		Long: `Removes a secret from the store. It is refused while the deployed configuration refers
to it, unless --force is given: the connection would not open any more.`,
		Example: "  provisor secret remove ldap-password --why \"the directory is gone\"",
	}
	c.Flags().BoolVar(&force, "force", false, "although the deployed configuration refers to it")
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = v.opened(func(ctx context.Context, e Engine, args []string) error {
		if err := e.RemoveSecret(ctx, args[0], why, force); err != nil {
			return err
		}
		return v.show(map[string]string{"name": args[0]}, func() { v.say("The secret %s is removed.", args[0]) })
	})
	return c
}

func (v *invocation) secretRewrap() *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "rewrap", Short: "Replace the key file's key", Args: cobra.NoArgs,
		Long: `Makes a new key and wraps every secret for it: the old key file opens nothing that is
in the store now. Copy the new key file to every machine that runs connections. Older
copies of the database still open with the older key: if both were lost to somebody,
change the secrets in their systems too.`,
		Example: "  provisor secret rewrap --why \"yearly\"",
	}
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	c.RunE = v.opened(func(ctx context.Context, e Engine, _ []string) error {
		n, err := e.RewrapSecrets(ctx, why)
		if err != nil {
			return err
		}
		return v.show(map[string]int{"secrets": n}, func() { v.say("%s wrapped for a new key. Keep a copy of the key file.", count(n, "secret")) })
	})
	return c
}

// warnWhereStored warns of secrets that are not set where there is a store: validate needs none.
func (v *invocation) warnWhereStored(ctx context.Context, c *declare.Configuration) (warnings []fault.Finding, err error) {
	if len(c.StoredSecrets()) == 0 || v.server != "" {
		return nil, nil
	}
	err = v.open(ctx, false, func(ctx context.Context, e Engine) error {
		warnings, err = act.SecretsUnset(ctx, e.Questions(), c)
		for _, w := range warnings {
			v.note("%s", w)
		}
		return err
	})
	if fault.KindOf(err) == fault.NotFound {
		v.note("there is no store here, so whether the secrets are set was not checked")
		return nil, nil
	}
	return warnings, err
}
