package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/surface/remote"
	"provisor.dev/provisor/secret"
)

// served are the commands that work on a server as they do on a folder.
var served = strings.Fields(`
	person-list person-show explain state journal-list journal-verify
	order-list order-show order-stuck order-approve order-decline order-postpone order-retry order-take order-confirm order-fail order-release order-revoke
	reconcile-list reconcile-show reconcile-correct reconcile-keep reconcile-decline reconcile-revoke reconcile-assign reconcile-roles
	reconcile-role-keep reconcile-role-decline reconcile-role-revoke
	request-add request-remove request-deny request-extend request-list request-show request-approve request-decline request-supply request-withdraw request-validate
	workflow-list workflow-start workflow-show workflow-tasks workflow-approve workflow-decline workflow-withdraw
	profile-list profile-show profile-assign profile-delegate profile-revoke token-create token-list token-revoke
	account-add account-list account-password account-disable account-enable
	jobs-list jobs-show jobs-run jobs-abort jobs-resume jobs-schedules messages-retry messages-choose
	plan apply export`)

// sending are those of them that send the files of a folder to the server.
var sending = []string{"plan", "apply"}

// free are the commands that touch neither.
var free = strings.Fields(`version package-list schema profile-permissions login logout service-install service-uninstall service-status help completion-bash completion-zsh completion-fish completion-powershell`)

// commandKey is a command as the lists above name it.
func commandKey(c *cobra.Command) string {
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	return strings.ReplaceAll(path, " ", "-")
}

// settleServer finds out whether a command is for a server: --server says so, or
// PROVISOR_SERVER where no folder is named.
func (v *invocation) settleServer(c *cobra.Command) (err error) {
	flags := c.Flags()
	named := flags.Changed("server")
	folder := named && slices.Contains(sending, commandKey(c)) // whose files go to the server
	switch local := flags.Changed("dir") || flags.Changed("store"); {
	case named && local && !(folder && !flags.Changed("store")):
		return wrongUsage("leave one of them out", "--server is a server, and --dir and --store are a folder")
	case !named && !local:
		v.server = v.Getenv("PROVISOR_SERVER")
	}
	if v.server == "" {
		return nil
	}
	if v.server, err = remote.Address(v.server); err != nil {
		return usage(err)
	}
	key := commandKey(c)
	if named && c.HasParent() && !c.HasSubCommands() && !slices.Contains(served, key) && !slices.Contains(free, key) {
		return v.here("provisor " + strings.ReplaceAll(key, "-", " "))
	}
	return nil
}

// book is where this user's tokens are kept.
func (v *invocation) book() (remote.Book, error) {
	folder, err := v.UserFolder()
	if err != nil {
		return remote.Book{}, &fault.Error{Kind: fault.NotFound, Msg: "there is no folder for your settings: " + err.Error(), Do: "set HOME, or XDG_CONFIG_HOME"}
	}
	return remote.OpenBook(folder), nil
}

// remote is the server that the command line names, as whoever signed in.
func (v *invocation) remote() (Service, error) {
	switch {
	case v.as != "":
		return nil, wrongUsage("leave --as out", "on a server acts whoever signed in")
	case !v.day.IsZero():
		return nil, wrongUsage("leave --at out", "a server judges on its own day")
	}
	b, err := v.book()
	if err != nil {
		return nil, err
	}
	known, ok, err := b.Find(v.server)
	if err != nil {
		return nil, err
	}
	token := known.Token
	if text := v.Getenv("PROVISOR_TOKEN"); text != "" {
		token, ok = secret.New(text), true
	}
	if !ok && strings.HasPrefix(v.server, "https://") {
		return nil, notSignedIn(v.server)
	}
	c, err := remote.Reach(v.server, token, known.Fingerprint)
	if err != nil {
		return nil, err
	}
	return &remote.Server{Client: c, Note: v.note}, nil
}

func notSignedIn(address string) error {
	return &fault.Error{Kind: fault.Denied, Msg: "you are not signed in to " + address, Do: "sign in with `provisor login --server " + address + "`"}
}

// loginDaysDefault is how long one stays signed in at a terminal: a month.
const loginDaysDefault = 30

func (v *invocation) login() *cobra.Command {
	var account, file, print string
	var brought bool
	var days int
	c := &cobra.Command{
		Use: "login", Short: "Sign in to a server", Args: cobra.NoArgs,
		Long: `Signs in to the server that --server or PROVISOR_SERVER names, with the name of an account
and its password, which comes from stdin, from a file or, at a terminal, from a question
that does not show what is typed. The server makes a token for this command line, which
stands in your own configuration folder, in provisor/servers.json, readable by you alone.
"provisor logout" revokes it.

With --token a token is brought instead: one that "provisor token create" made, or of an
account that signs in through a provider. PROVISOR_TOKEN is used in its place where it is
set, and kept nowhere.

A server that made its own certificate prints a SHA-256 fingerprint when it starts. Give
it with --fingerprint: then that certificate is trusted, and no other.`,
		Example: "  provisor login --server https://provisor.example.org --account anna\n  provisor login --server https://10.0.0.7:8443 --account anna --fingerprint 3F:0C:...\n  provisor login --server https://provisor.example.org --token --from-file token.txt",
	}
	f := c.Flags()
	f.StringVar(&account, "account", "", "the name of your account")
	f.BoolVar(&brought, "token", false, "bring a token instead of a password")
	f.StringVar(&file, "from-file", "", "read the password or the token from this file")
	f.StringVar(&print, "fingerprint", "", "the SHA-256 of the certificate to trust")
	f.IntVar(&days, "days", loginDaysDefault, "how long to stay signed in")
	c.RunE = func(c *cobra.Command, _ []string) error {
		switch {
		case v.server == "":
			return wrongUsage("add --server https://provisor.example.org", "it is not said to which server")
		case brought == (account != ""):
			return wrongUsage("add --account NAME, or --token to bring a token", "it is not said who signs in, or twice")
		}
		return v.signIn(c.Context(), account, file, print, days)
	}
	return c
}

// signIn gets or takes a token, tries it, and keeps it.
func (v *invocation) signIn(ctx context.Context, account, file, print string, days int) error {
	b, err := v.book()
	if err != nil {
		return err
	}
	question := "Password of " + account
	if account == "" {
		question = "Token"
	}
	typed, err := v.hiddenOnce(ctx, question, file)
	if err != nil {
		return err
	}
	c, err := remote.Reach(v.server, secret.Text{}, print)
	if err != nil {
		return err
	}
	defer c.HTTP.CloseIdleConnections()
	k := remote.Known{Fingerprint: print, Token: typed}
	if account != "" {
		made, err := c.SignIn(ctx, account, typed, "command line", days)
		if err != nil {
			return remote.Told(err, v.server)
		}
		k.Token, k.ID, k.Expires = made.Text, made.ID, made.Expires
	}
	c.Token = k.Token
	self, err := c.Self(ctx)
	if err != nil {
		return remote.Told(err, v.server)
	}
	k.Account = self.Account
	if err := b.Keep(v.server, k); err != nil {
		return err
	}
	value := map[string]any{"server": v.server, "account": k.Account, "person": self.Person}
	return v.show(value, func() {
		until := ""
		if !k.Expires.IsZero() {
			until = " until " + k.Expires.Format(time.DateOnly)
		}
		v.say("You are signed in to %s as %s%s.", v.server, cmp.Or(k.Account, "everybody: nobody signs in there"), until)
	})
}

// hiddenOnce reads what nobody is to see, from a file, a question, or stdin.
func (v *invocation) hiddenOnce(ctx context.Context, question, file string) (secret.Text, error) {
	if file != "" || !v.InTerminal || v.Hidden == nil {
		text, err := v.hiddenText(ctx, "sign in", question, file)
		if err == nil && text.IsZero() {
			err = &fault.Error{Kind: fault.Invalid, Msg: "nothing was given", Do: "write it to stdin, name a file with --from-file, or type it at a terminal"}
		}
		return text, err
	}
	fmt.Fprint(v.Stderr, question+" (not shown): ")
	line, err := v.Hidden(ctx)
	fmt.Fprintln(v.Stderr)
	return secret.New(strings.TrimRight(string(line), "\r\n")), err
}

func (v *invocation) logout() *cobra.Command {
	return &cobra.Command{
		Use: "logout", Short: "Sign out of a server", Args: cobra.NoArgs,
		Long: `Revokes the token that "provisor login" got from the server that --server or PROVISOR_SERVER
names, and forgets it. A token that was brought is forgotten only: others may use it.`,
		Example: "  provisor logout --server https://provisor.example.org",
		RunE: func(c *cobra.Command, _ []string) error {
			if v.server == "" {
				return wrongUsage("add --server https://provisor.example.org", "it is not said of which server")
			}
			b, err := v.book()
			if err != nil {
				return err
			}
			k, ok, err := b.Find(v.server)
			if err == nil && !ok {
				err = notSignedIn(v.server)
			}
			if err != nil {
				return err
			}
			revoked := false
			if k.ID != 0 {
				reached, err := remote.Reach(v.server, k.Token, k.Fingerprint)
				if err != nil {
					return err
				}
				defer reached.HTTP.CloseIdleConnections()
				err = remote.Failed(reached.RevokeToken(c.Context(), k.ID, "", "signed out"), v.server)
				if revoked = err == nil; !revoked && fault.KindOf(err) != fault.Denied {
					v.note("the token could not be revoked, and holds until %s: %v", k.Expires.Format(time.DateOnly), err)
				}
			}
			if err := b.Forget(v.server); err != nil {
				return err
			}
			return v.show(map[string]any{"server": v.server, "revoked": revoked}, func() { v.say("You are signed out of %s.", v.server) })
		},
	}
}
