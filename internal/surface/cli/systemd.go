package cli

import (
	"cmp"

	"github.com/spf13/cobra"

	"provisor.dev/provisor/internal/surface/systemd"
)

func (v *invocation) serviceCommand() *cobra.Command {
	return family("service", "Run the server as a service of systemd",
		`Makes "provisor serve" a service of this machine, with a user of its own who may write
/var/lib/provisor and nothing else (docs/operate/service.md).`,
		v.serviceInstall(), v.serviceUninstall(), v.serviceStatus())
}

const rootHelp = "lay it down below this folder instead, as when an image is made; nothing is run"

func (v *invocation) serviceInstall() *cobra.Command {
	var o systemd.Options
	var root string
	var print bool
	c := &cobra.Command{
		Use: "install", Short: "Install or update the service", Args: cobra.NoArgs,
		Long: `Copies this program to /usr/local/bin, writes the unit, makes the user and the folder
/var/lib/provisor, readable by that user alone, and has the service start with the machine.
What is so already is left so; a newer program or unit takes the place of the one before,
and a service that runs is started anew. Begin it with "systemctl start provisor", or
with --now.

A unit that somebody edited is not replaced: changes of your own belong into
"systemctl edit provisor", which stays whatever is installed. With --print the unit is
shown, and nothing else happens.`,
		Example: "  provisor service install --print\n  sudo provisor service install --now",
	}
	c.Flags().BoolVar(&print, "print", false, "show the unit and do nothing")
	c.Flags().BoolVar(&o.Now, "now", false, "start it at once")
	c.Flags().BoolVar(&o.Force, "force", false, "replace a unit that was edited; the one before is kept beside it")
	c.Flags().StringVar(&root, "root", "", rootHelp)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if print {
			unit, err := systemd.Unit()
			if err != nil {
				return err
			}
			return v.show(map[string]string{"unit": string(unit)}, func() { _, _ = v.Stdout.Write(unit) })
		}
		h, err := systemd.Here(root)
		if err != nil {
			return err
		}
		done, err := h.Install(c.Context(), o)
		if err != nil {
			v.doneSoFar(done)
			return err
		}
		return v.show(done, func() { v.doneText(done, "The service is installed already, as it should be.") })
	}
	return c
}

func (v *invocation) serviceUninstall() *cobra.Command {
	var o systemd.Options
	var root string
	c := &cobra.Command{
		Use: "uninstall", Short: "End the service and remove it", Args: cobra.NoArgs,
		Long: `Ends the service, and removes its unit. The folder /var/lib/provisor with the store, the
user and the program stay: what is worth keeping is never removed here.`,
		Example: "  sudo provisor service uninstall",
	}
	c.Flags().BoolVar(&o.Force, "force", false, "although the unit was edited; a copy is kept")
	c.Flags().StringVar(&root, "root", "", rootHelp)
	c.RunE = func(c *cobra.Command, _ []string) error {
		h, err := systemd.Here(root)
		if err != nil {
			return err
		}
		done, err := h.Uninstall(c.Context(), o)
		if err != nil {
			v.doneSoFar(done)
			return err
		}
		return v.show(done, func() { v.doneText(done, "The service is not installed.") })
	}
	return c
}

func (v *invocation) doneText(d systemd.Done, nothing string) {
	for _, line := range d.Did {
		v.say("%s", line)
	}
	if len(d.Did) == 0 {
		v.say("%s", nothing)
	}
	for _, line := range d.Next {
		v.say("Next: %s", line)
	}
	for _, line := range d.Left {
		v.say("%s stays: remove it yourself when nobody needs it any more.", line)
	}
}

// doneSoFar says what was done before something failed.
func (v *invocation) doneSoFar(d systemd.Done) {
	for _, line := range d.Did {
		v.note("%s", line)
	}
}

// unitWords say how a unit stands.
var unitWords = map[systemd.Edited]string{
	systemd.Absent: "not installed", systemd.Current: "as this release writes it",
	systemd.Former: "as another release wrote it: `provisor service install` brings it up to date", systemd.Changed: "edited, or not Provisor's",
}

func (v *invocation) serviceStatus() *cobra.Command {
	var root string
	c := &cobra.Command{
		Use: "status", Short: "Say how the service stands", Args: cobra.NoArgs,
		Long:    `Says whether the service is installed as this release writes it, and whether it runs.`,
		Example: "  provisor service status",
	}
	c.Flags().StringVar(&root, "root", "", rootHelp)
	c.RunE = func(c *cobra.Command, _ []string) error {
		h, err := systemd.Here(root)
		if err != nil {
			return err
		}
		s, err := h.Look(c.Context())
		if err != nil {
			return err
		}
		yes := map[bool]string{true: "there", false: "not there"}
		return v.show(s, func() {
			v.say("unit     %s", unitWords[s.Unit])
			v.say("program  %s", yes[s.Program])
			v.say("user     %s", yes[s.User])
			v.say("folder   %s", cmp.Or(prefixed("mode ", s.State), "not there"))
			v.say("enabled  %s", s.Enabled)
			v.say("active   %s", s.Active)
		})
	}
	return c
}
