package signin

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"provisor.dev/provisor/fault"
)

// How often somebody may try to sign in: a person who mistypes never waits, and
// who guesses gets a few thousand tries a day at most.
const (
	accountBurst        = 10
	accountEverySeconds = 30
	addressBurst        = 30
	addressEverySeconds = 5
	// limitedMost bounds how many accounts and addresses are remembered: when there
	// are more, those that may try freely again are forgotten.
	limitedMost = 10_000
)

// limits say who has to wait before the next try.
type limits struct {
	lock  sync.Mutex
	known map[string]*rate.Limiter
}

func (l *limits) of(key string, every time.Duration, burst int, now time.Time) *rate.Limiter {
	if l.known == nil {
		l.known = map[string]*rate.Limiter{}
	}
	if l.known[key] == nil {
		if len(l.known) >= limitedMost {
			for old, limit := range l.known {
				if limit.TokensAt(now) >= float64(limit.Burst()) {
					delete(l.known, old)
				}
			}
		}
		l.known[key] = rate.NewLimiter(rate.Every(every), burst)
	}
	return l.known[key]
}

// try takes one try of an account ("": none in particular) and an address, or says
// that there is none now.
func (l *limits) try(account, address string, now time.Time) error {
	l.lock.Lock()
	defer l.lock.Unlock()
	byAddress := l.of("address "+address, addressEverySeconds*time.Second, addressBurst, now)
	if byAddress.AllowN(now, 1) && (account == "" || l.of("account "+account, accountEverySeconds*time.Second, accountBurst, now).AllowN(now, 1)) {
		return nil
	}
	return &fault.Error{
		Kind: fault.Unavailable, Op: "sign in", Msg: "there were too many tries", Do: fmt.Sprintf("Wait %d seconds, then try once more.", accountEverySeconds),
	}
}

// forgive gives an account its tries back: whoever signed in was not guessing.
func (l *limits) forgive(account string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	delete(l.known, "account "+account)
}
