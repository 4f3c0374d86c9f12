// Package messages proves on a whole company, with a real mail server and a
// receiver of webhooks, that people are told of what waits for them, of nothing
// that they may not see, and of everything once. Its tests alone are called, by the
// test command.
package messages
