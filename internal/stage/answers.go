package stage

// KeptAnswer is what a program was answered under a key of its own. Status 0 says
// that what it asked for is being done, or that nobody knows how far it came.
type KeptAnswer struct {
	Request string // a hash of what was asked
	Status  int
	Kind    string // the content's media type
	Content []byte
}
