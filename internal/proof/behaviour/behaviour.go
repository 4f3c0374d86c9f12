// Package behaviour proves how evaluation, generation, review and verification
// behave, one behaviour a file, in a small language in the words of the domain:
// testdata/README.md is its one page. The scripts drive the real stages on the
// real embedded store against fake systems, with a clock of their own.
//
// A word of the language is an entry of a map from the word to the function that
// does it: acts in acts_test.go, subjects of expectations in expect_test.go, what
// can be said of a subject in facts_test.go. Only its own tests call it; it holds
// tests alone.
package behaviour
