// Package stage names the seven stages of the path, in order. Each stage is a
// package of its own; no stage imports another: they meet in the store, so that
// every hand-over is visible, survives a crash and can be run on its own.
package stage

// A Stage is one part of the path.
type Stage struct {
	Number int
	Name   string // the folder and, where it can be run alone, the command
	Does   string
}

// Path lists the stages from the declared model to the verified value.
func Path() []Stage {
	return []Stage{
		{1, "declare", "read, check and deploy the configuration"},
		{2, "synchronize", "read the managed systems into resources"},
		{3, "evaluate", "work out who should have what, and why"},
		{4, "generate", "turn differences into provisioning orders"},
		{5, "review", "let people decide what must not go out unseen"},
		{6, "fulfil", "write to the managed systems, by agent or by hand"},
		{7, "verify", "read back and compare with what was ordered"},
	}
}
