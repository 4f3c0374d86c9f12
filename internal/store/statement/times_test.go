package statement

import (
	"testing"
	"time"
)

func TestTimesComeBackAsTheyWereAndInTheirOrder(t *testing.T) {
	before := int64(0)
	for _, at := range []time.Time{
		{}, time.Date(2026, 3, 2, 8, 0, 0, 1, time.UTC), time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC), time.Date(2262, 4, 12, 0, 0, 0, 0, time.UTC),
		time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
	} {
		n := nanos(at)
		if back := instant(n); !back.Equal(at) {
			t.Errorf("%s comes back as %s", at, back)
		}
		if n < before {
			t.Errorf("%s is before the one that it follows", at)
		}
		before = n
	}
}
