package orders

import (
	"encoding/binary"
	"hash"
	"hash/fnv"
)

// Standing is a fingerprint of everything that an evaluation reads of the
// resource as it stands: whose it is, which one, what people decided and what was
// found of it. What merely travels to a system and back leaves it as it is. Where
// it differs from what the last evaluation left, the owner is evaluated again.
func (a *AssignedResource) Standing() int64 {
	s := standing{fnv.New64a()}
	s.text(string(a.Type), string(a.Owner.Type), string(a.Owner.Key), string(a.Target))
	s.number(int64(a.Confidence))
	s.flags(a.Closed, a.Found(), a.Unauthorized(), a.Settled(), a.creating(), a.Target == "" && a.Made())
	whole := len(a.Items) > 0 && a.Items[0].Policy.Wanted && !a.Found() && !a.Doubtful()
	if !whole {
		s.flags(a.Order != nil && a.Order.Closed.IsZero()) // what is not wanted closes once nothing is under way
	}
	for i := range a.Items {
		it := &a.Items[i]
		s.text(string(it.Property), string(it.Link))
		s.number(int64(it.Policy.Workflow))
		s.flags(it.Policy.Wanted, it.Policy.Released, it.Policy.Failed != "", it.ungiven(), it.asks(), it.Decision.Refused,
			it.Decision.Exception != nil, it.Place.Mark == Found)
		s.number(int64(len(it.Decision.Declined)))
		for _, h := range it.Decision.Declined {
			s.text(h.String())
		}
		if it.asks() || it.Decision.Refused || it.Decision.Exception != nil {
			s.number(int64(it.Workflow))
		}
		if !a.Items[0].Policy.Wanted || a.Found() {
			s.flags(it.Is.There) // what is there when it is not wanted goes with the account
			s.text(it.Is.String())
		}
	}
	if n := int64(s.Sum64()); n != 0 { // #nosec G115 -- bits of a hash, which nobody counts with
		return n
	}
	return 1 // 0 is what was never evaluated
}

// standing writes what is hashed so that two parts never read as one.
type standing struct{ hash.Hash64 }

func (s standing) text(parts ...string) {
	for _, p := range parts {
		s.number(int64(len(p)))
		_, _ = s.Write([]byte(p)) // a hash takes everything
	}
}

func (s standing) number(n int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n)) // #nosec G115 -- bits for a hash
	_, _ = s.Write(b[:])
}

func (s standing) flags(list ...bool) {
	n := int64(0)
	for i, f := range list {
		if f {
			n |= 1 << i
		}
	}
	s.number(n)
}
