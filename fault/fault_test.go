package fault

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestAnErrorReadsFromTheOperationToItsCause(t *testing.T) {
	for want, err := range map[string]*Error{
		"open ldap: no answer: EOF": {Op: "open ldap", Msg: "no answer", Err: io.EOF},
		"no answer":                 {Msg: "no answer"},
		"denied":                    {Kind: Denied},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheKindIsTheOutermostOne(t *testing.T) {
	inner := New(NotFound, "read", "no %s", "row")
	for _, c := range []struct {
		err  error
		want Kind
	}{
		{nil, Internal}, {io.EOF, Internal}, {inner, NotFound}, {fmt.Errorf("list: %w", inner), NotFound},
		{Wrap(Unavailable, "list", inner), Unavailable}, {errors.Join(io.EOF, inner), NotFound}, {Findings{{What: "wrong"}}, Invalid},
	} {
		if got := KindOf(c.err); got != c.want {
			t.Errorf("%v is of kind %q, want %q", c.err, got, c.want)
		}
	}
	if Wrap(Invalid, "x", nil) != nil {
		t.Error("wrapping nothing made an error")
	}
	if !errors.Is(Wrap(Invalid, "x", io.EOF), io.EOF) {
		t.Error("the cause is lost")
	}
}

func TestFindingsSayWhereWhatAndWhatToDoAllAtOnce(t *testing.T) {
	f := Findings{
		{File: "b.yaml", Line: 2, Column: 3, Object: "roles.R", What: "is not known", Do: "declare it"},
		{File: "a.yaml", Line: 9, What: "is empty"},
		{File: "a.yaml", Line: 2, Column: 8, What: "second"},
		{File: "a.yaml", Line: 2, Column: 1, What: "first"},
		{What: "nowhere"},
	}
	f.Sort()
	want := "nowhere\na.yaml:2:1: first\na.yaml:2:8: second\na.yaml:9: is empty\nb.yaml:2:3: roles.R: is not known; declare it"
	if got := f.Err().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if (Findings{}).Err() != nil {
		t.Error("no finding is no error")
	}
}
