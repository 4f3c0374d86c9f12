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

It listens on this machine only (127.0.0.1, ::1, localhost), because nobody signs in yet.
/healthz and /readyz answer whether it lives and can work, /metrics is for Prometheus.
Messages go to stderr.`,
		Example: "  provisor serve --dir acme\n  provisor serve --dir acme --addr 127.0.0.1:9000 --every 1h",
	}
	c.Flags().StringVar(&o.Address, "addr", "", "host:port to listen on (default 127.0.0.1:8080; port 0 takes a free one)")
	c.Flags().DurationVar(&o.Every, "every", 0, "the time between two rounds, at least 1s (default 15m)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if c.Flags().Changed("every") && o.Every <= 0 {
			return &fault.Error{Kind: fault.Invalid, Op: "serve", Msg: fmt.Sprintf("a round every %v is too often", o.Every), Do: "give at least 1s, or leave --every out"}
		}
		o.Options = Options{Dir: v.dir, Store: v.store, KeyFile: v.Getenv("PROVISOR_KEY_FILE"), As: v.as, Day: v.day, MustExist: true}
		o.Messages = v.Stderr
		o.Ready = func(address string) {
			_ = v.show(map[string]string{"address": address}, func() { v.say("Provisor serves http://%s/  (end it with Ctrl-C)", address) })
		}
		return v.Serve(c.Context(), o)
	}
	return c
}

// ServeOptions are what serving is asked for.
type ServeOptions struct {
	Options
	Address string        // "": the default
	Every   time.Duration // 0: the default
	Ready   func(address string)
	// Messages takes what the server has to say while it runs.
	Messages io.Writer
}
