package spelling

import "testing"

func TestTheNearestWordIsSuggestedAndAFarOneIsNot(t *testing.T) {
	words := []string{"firstName", "lastName", "login", "email"}
	for _, c := range []struct{ word, want string }{
		{"fristName", "firstName"}, {"lastname", "lastName"}, {"emial", "email"},
		{"logn", "login"}, {"telephone", ""}, {"x", ""},
	} {
		if got := Nearest(c.word, words); got != c.want {
			t.Errorf("Nearest(%q) = %q, want %q", c.word, got, c.want)
		}
	}
	if got := Suggest("emial", words); got != "did you mean email?" {
		t.Errorf("Suggest = %q", got)
	}
}
