// Package sim proves the guarantees by simulation: the real stages on the real
// embedded store drive fake systems that lose replies, refuse, lag and break,
// while people decide, others edit behind Provisor's back, and the process dies
// at any call. One seed decides everything, so that a failure can be seen again.
// Only its own tests call it; it holds tests alone.
package sim
