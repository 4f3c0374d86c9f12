package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/fault"
)

// serve keeps the folder alive until it is ended.
func (v *invocation) serve() *cobra.Command {
	o := ServeOptions{}
	c := &cobra.Command{
		Use: "serve", Short: "Serve the pages, go round on a schedule, carry out what is approved", Args: cobra.NoArgs,
		Long: `Serves the pages on --addr, goes round the path every --every, and carries orders out as
soon as they may go, whoever approved them and wherever. Commands may be typed beside it:
they share the store. Ctrl-C or SIGTERM ends it; what it was doing is taken up again by
the next start.

On this machine (127.0.0.1, ::1, localhost) it is open to everybody while there is no account
and no provider of sign-in. Any other address is served by TLS alone, and everybody signs in:
without a certificate one is made, whose fingerprint is printed; while nobody is an
administrator a one-time link is printed, by which the first one gets an account.
/healthz and /readyz answer whether it lives and can work, /metrics is for Prometheus.
Messages go to stderr.`,
		Example: "  provisor serve --dir acme\n  provisor serve --dir acme --addr 127.0.0.1:9000 --every 1h\n" +
			"  provisor serve --dir acme --addr :8443 --tls-cert fullchain.pem --tls-key key.pem --url https://provisor.example.org",
	}
	c.Flags().StringVar(&o.Address, "addr", "", "host:port to listen on (default 127.0.0.1:8080; port 0 takes a free one)")
	c.Flags().DurationVar(&o.Every, "every", 0, "the time between two rounds, at least 1s (default 15m)")
	c.Flags().BoolVar(&o.SignIn, "sign-in", false, "everybody signs in, on this machine too")
	c.Flags().StringVar(&o.Certificate, "tls-cert", "", "the certificate, PEM, with those that lead to its root; read anew when it changes")
	c.Flags().StringVar(&o.Key, "tls-key", "", "its key, PEM")
	c.Flags().StringVar(&o.URL, "url", "", "where browsers reach it, https://provisor.example.org (default: where they say that they do)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if c.Flags().Changed("every") && o.Every <= 0 {
			return &fault.Error{Kind: fault.Invalid, Op: "serve", Msg: fmt.Sprintf("a round every %v is too often", o.Every), Do: "give at least 1s, or leave --every out"}
		}
		o.Options = Options{Dir: v.dir, Store: v.store, KeyFile: v.Getenv("PROVISOR_KEY_FILE"), As: v.as, Day: v.day, MustExist: true}
		o.Messages = v.Stderr
		o.Ready = func(s Serving) {
			_ = v.show(s, func() { v.serving(s) })
		}
		return v.Serve(c.Context(), o)
	}
	return c
}

// serving says where a server is. The one-time link is said here and nowhere else.
func (v *invocation) serving(s Serving) {
	v.say("Provisor serves %s  (end it with Ctrl-C)", s.URL)
	if s.Fingerprint != "" {
		v.say("The certificate was made here. Before you trust it, compare its SHA-256 fingerprint:\n  %s", s.Fingerprint)
	}
	if s.FirstLink != "" {
		v.say("Nobody is an administrator yet. Whoever opens this link first, within a day, is:\n  %s", s.FirstLink)
	}
}

// Serving is where and how a server is reached.
type Serving struct {
	Address     string `json:"address"`
	URL         string `json:"url"`
	Fingerprint string `json:"fingerprint,omitempty"` // of a certificate that was made here
	FirstLink   string `json:"firstLink,omitempty"`   // by which the first administrator gets an account
}

// ServeOptions are what serving is asked for.
type ServeOptions struct {
	Options
	Address string        // "": the default
	Every   time.Duration // 0: the default
	Ready   func(Serving)
	// SignIn: nobody is let in who did not sign in, on loopback too.
	SignIn bool
	// Certificate and Key are files; without them loopback is served without TLS,
	// and any other address with a certificate that is made.
	Certificate, Key string
	URL              string // where browsers reach it
	// Messages takes what the server has to say while it runs.
	Messages io.Writer
}
