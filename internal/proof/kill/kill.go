// Package kill proves that the program may die at any instant: its test kills
// the real binary between the first and the last write to a real OpenLDAP, runs
// it again, and counts every effect in the directory's own access log. Nothing
// calls it; it holds tests alone.
package kill
