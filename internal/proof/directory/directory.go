// Package directory proves the loop against a real OpenLDAP: that the program may
// die at any instant (kill_test.go), and how fast it writes compared with a bare
// client that does the same (speed_test.go). Nothing calls it; it holds tests alone.
package directory
