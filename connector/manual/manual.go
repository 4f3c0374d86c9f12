// Package manual is the connection whose changes people carry out: the engine
// shows an order to a technician, who does the work and confirms it.
//
// It promises that nothing is ever written by a machine: there is nothing to
// read, to look up or to apply, and every attempt says so. The engine never
// calls Apply, because Package.Manual is set. It keeps no state, so a crash
// leaves nothing behind.
package manual

import (
	"context"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
)

// The settings, by name.
const (
	settingInstructions   = "instructions"
	settingUnsynchronized = "unsynchronized"

	// instructionsBytesMax is what a technician reads beside an order; more belongs into a document.
	instructionsBytesMax = 4_000
)

// Package returns the connector package manual.
func Package() connector.Package {
	return connector.Package{
		Name:   "manual",
		About:  "Gives changes to people, who carry them out and confirm them.",
		Class:  connector.APerson,
		Manual: true,
		Settings: []connector.Setting{
			{Name: settingInstructions, About: "What the technician should know: shown with every order."},
			{Name: settingUnsynchronized, Default: "false", OneOf: []string{"true", "false"},
				About: "Whether no reading ever shows the result, so that a named person's confirmation is all there is."},
		},
		Check: check,
		Open: func(_ context.Context, s connector.Settings) (connector.System, error) {
			if findings := check(s); len(findings) > 0 {
				return nil, fault.Findings(findings)
			}
			return system{}, nil
		},
	}
}

func check(s connector.Settings) []fault.Finding {
	var findings []fault.Finding
	if v := s.Get(settingUnsynchronized, "false"); v != "true" && v != "false" {
		findings = append(findings, fault.Finding{Object: settingUnsynchronized,
			What: "it is neither true nor false", Do: "write true when no reading shows what people did, otherwise leave it out"})
	}
	if len(s.Values[settingInstructions]) > instructionsBytesMax {
		findings = append(findings, fault.Finding{Object: settingInstructions,
			What: "the instructions are longer than 4,000 bytes", Do: "keep what is needed beside an order and refer to a document"})
	}
	return findings
}

type system struct{}

// Describe says that a machine can do nothing here.
func (system) Describe(context.Context) (connector.Description, error) {
	return connector.Description{Product: "People"}, nil
}

// Read refuses: an empty page would claim that nothing is there.
func (system) Read(context.Context, connector.ReadRequest) (connector.ReadPage, error) {
	return connector.ReadPage{}, unreadable("read")
}

// Lookup refuses: people's work is confirmed, not looked up.
func (system) Lookup(context.Context, connector.LookupRequest) (connector.Object, error) {
	return connector.Object{}, unreadable("look up")
}

func unreadable(what string) error {
	return &fault.Error{Kind: fault.Refused, Op: what + " through manual",
		Msg: "a manual connection cannot be read",
		Do:  "read the entity type through another connection of the connector"}
}

// Apply refuses every item.
func (system) Apply(_ context.Context, change connector.Change) connector.Outcome {
	return connector.All(change, connector.ItemOutcome{
		Effect:    connector.None,
		Err:       "people carry out the changes of a manual connection: assign the order to a technician",
		Permanent: true,
	})
}

// Close has nothing to give up.
func (system) Close() error { return nil }
