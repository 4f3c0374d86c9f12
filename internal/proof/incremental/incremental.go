// Package incremental proves that evaluating whom a change may concern leaves
// what evaluating everybody would leave, to the byte. Worlds of a few people live
// under configurations that a seed puts together; after each step of their
// histories the same state is evaluated both ways. Only its own tests call it; it
// holds tests alone.
package incremental
