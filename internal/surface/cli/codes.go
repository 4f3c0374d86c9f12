package cli

import (
	"errors"
	"fmt"

	"provisor.dev/provisor/fault"
)

// The exit codes, for scripts. docs/operate/exit-codes.md explains them; a test
// keeps the page and this list together.
const (
	Done         = 0 // what was asked for was done, or there was nothing to do
	InternalCode = 1 // a fault inside Provisor or its store
	UsageCode    = 2 // the command line was not understood
	FindingsCode = 3 // the configuration or what was given is wrong; nothing was done
	NotFoundCode = 4 // what was named is not there
	RefusedCode  = 5 // refused, changed meanwhile, or not permitted
	SystemsCode  = 6 // a system, a reading or a rule failed; everything else was done
	CheckCode    = 7 // a check did not hold
)

const codesInHelp = `0 done; 1 internal error; 2 wrong usage; 3 findings
(nothing was done); 4 not found; 5 refused, changed meanwhile or denied; 6 a system,
a reading or a rule failed (the rest was done); 7 a check did not hold.`

// codes says how the command line ends for each kind of error.
var codes = map[fault.Kind]int{
	fault.Internal:    InternalCode,
	fault.Invalid:     FindingsCode,
	fault.NotFound:    NotFoundCode,
	fault.Conflict:    RefusedCode,
	fault.Refused:     RefusedCode,
	fault.Denied:      RefusedCode,
	fault.Unavailable: SystemsCode,
}

// An ending is an error with an exit code of its own. Without a cause everything
// has been said already.
type ending struct {
	code  int
	cause error
}

func (e *ending) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.cause.Error()
}

func (e *ending) Unwrap() error { return e.cause }

// ended ends with a code after everything was said.
func ended(code int) error { return &ending{code: code} }

// CheckFailed says that a check did not hold: the program ends with CheckCode.
func CheckFailed(err error) error { return &ending{CheckCode, err} }

func usage(err error) error { return &ending{UsageCode, err} }

// wrongUsage says what is wrong with the command line and what to type.
func wrongUsage(do, format string, args ...any) error {
	return usage(&fault.Error{Kind: fault.Invalid, Msg: fmt.Sprintf(format, args...), Do: do})
}

// codeOf returns the exit code of an error.
func codeOf(err error) int {
	var e *ending
	if errors.As(err, &e) {
		return e.code
	}
	return codes[fault.KindOf(err)]
}

// report says what is wrong and what to do, and returns the exit code.
func (v *invocation) report(err error) int {
	code := codeOf(err)
	var quiet *ending
	if errors.As(err, &quiet) && quiet.cause == nil {
		return code
	}
	var findings fault.Findings
	if errors.As(err, &findings) {
		v.findings(findings)
		return code
	}
	fmt.Fprintf(v.Stderr, "provisor: %v\n", err)
	switch do := remedy(err); {
	case do != "":
		fmt.Fprintf(v.Stderr, "  %s\n", do)
	case code == UsageCode:
		fmt.Fprintln(v.Stderr, "  see what there is with `provisor help`, or add --help to the command")
	}
	return code
}

// remedy returns what the first error of the chain that knows says to do.
func remedy(err error) string {
	for err != nil {
		var f *fault.Error
		if !errors.As(err, &f) {
			return ""
		}
		if f.Do != "" {
			return f.Do
		}
		err = f.Err
	}
	return ""
}
