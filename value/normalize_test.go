package value

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// formats lists the formats that the properties are held for, per type.
var formats = map[Type][]Format{
	Date: {"", "dd.MM.yyyy", "yyyyMMdd", "MM/dd/yyyy"},
	Time: {"", "dd.MM.yyyy HH:mm:ss", "yyyyMMddHHmmss", "yyyy-MM-dd HH:mm", "yyyyMMddHHmmss.0Z"},
	Bool: {"", "Y/N", "1/0", "ja/nein", "TRUE/FALSE"},

	Binary: {"", Hex, Base64},
}

// spelling draws what a system might send for a type: usually sense.
func spelling(t *rapid.T, typ Type, f Format) string {
	at := time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, "seconds"), 0)
	sense := map[Type]func() string{
		Int:   func() string { return fmt.Sprint(rapid.Int64().Draw(t, "int")) },
		Float: func() string { return fmt.Sprint(rapid.Float64().Draw(t, "float")) },
		Bool: func() string {
			return rapid.SampledFrom([]string{"true", "N", "y", "0", "1", "Ja", "false"}).Draw(t, "bool")
		},
		Date: func() string { return at.UTC().Format(layouts.Replace(string(orUsual(f, "yyyy-MM-dd")))) },
		Time: func() string { return at.UTC().Format(layouts.Replace(string(orUsual(f, "yyyy-MM-dd HH:mm:ss")))) },
		DN: func() string {
			return rapid.StringMatching(`[ ]?[cC]n ?= ?(\\[ ,+]|[a-zé ]){0,6}, ?[oO]u=(x|\\ ){1,3} ?`).Draw(t, "dn")
		},
		Binary: func() string {
			if f == Hex {
				return rapid.StringMatching("([0-9a-fA-F]{2}){0,9}").Draw(t, "hex")
			}
			return rapid.StringMatching("([A-Za-z0-9+/]{4}\n?){0,3}([A-Z]{2}==)?").Draw(t, "base64")
		},
	}[typ]
	if sense == nil || rapid.IntRange(0, 4).Draw(t, "sense") == 0 {
		return rapid.String().Draw(t, "anything")
	}
	return sense()
}

func orUsual(f, usual Format) Format {
	if f == "" {
		return usual
	}
	return f
}

func TestNormalizingWhatWasSpelledGivesTheValueBack(t *testing.T) {
	for _, typ := range Types() {
		for _, f := range append(formats[typ], Format(""))[:max(1, len(formats[typ]))] {
			t.Run(string(typ)+" "+string(f), rapid.MakeCheck(func(t *rapid.T) {
				v, err := Normalize(typ, f, spelling(t, typ, f))
				if err != nil {
					if !v.IsNull() {
						t.Fatalf("an error came with the value %q", v)
					}
					return
				}
				again, err := Normalize(typ, f, Spell(f, v))
				if err != nil || again != v {
					t.Fatalf("%q was spelled %q and read back as %q (%v)", v.Text(), Spell(f, v), again.Text(), err)
				}
			}))
		}
	}
}

func TestANormalNameIsSpeltAsItStands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.StringMatching(`([a-cA-Cé .0-9-]{0,3}=?(\\[ ,+=]?|[a-zé =]){0,4}[, ]?){1,3}`).Draw(t, "dn")
		if isNormalDN(raw) {
			if v, err := spellDN(raw); err != nil || v.Text() != raw {
				t.Fatalf("%q is taken for normal and spelt %q, %v", raw, v, err)
			}
		}
	})
	for raw, want := range map[string]bool{
		"uid=ann,ou=people,dc=example,dc=org": true, `cn=Smith\, J,ou=x`: true, "cn=Ann Lee,ou=x": true, `cn=a\ `: true,
		"CN=a": false, "cn=a, ou=x": false, "cn=a ,ou=x": false, "cn= a": false, "cn=a,ou": false, "cn=a,": false, "": false, "=a": false,
	} {
		if isNormalDN(raw) != want {
			t.Errorf("%q: normal %v", raw, !want)
		}
	}
}

func TestValuesReadBackFromJSONAsThemselves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(Types()).Draw(t, "type")
		v, err := Normalize(typ, "", spelling(t, typ, ""))
		if err != nil || !strings.Contains(strings.ToValidUTF8(v.Text(), "\uFFFD"), v.Text()) {
			return
		}
		data, err := v.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var back Value
		if err := back.UnmarshalJSON(data); err != nil || back != v {
			t.Fatalf("%s read back as %q, wrote %q (%v)", data, back.Text(), v.Text(), err)
		}
	})
}

func TestNormalizeTakesTheUsualSpellings(t *testing.T) {
	for _, c := range []struct {
		typ  Type
		f    Format
		raw  string
		want string
	}{
		{Int, "", " +007 ", "7"},
		{Float, "", "1e3", "1000"},
		{Bool, "", "YES", "true"},
		{Bool, "J/N", "n", "false"},
		{Date, "dd.MM.yyyy", "31.01.2030", "2030-01-31"},
		{Date, "", "2030-01-31T23:30:00-05:00", "2030-01-31"},
		{Time, "", "20300131120000.0Z", "2030-01-31T12:00:00Z"},
		{Time, "", "2030-01-31T23:30:00.5-01:00", "2030-02-01T00:30:00Z"},
		{DN, "", " CN=Ann , OU=People", "cn=Ann,ou=People"},
		{DN, "", `cn=Ann\ ,ou=x`, `cn=Ann\ ,ou=x`},
		{DN, "", `cn=Ann\ `, `cn=Ann\ `},
		{DN, "", `cn=Doe\, Ann,ou=x`, `cn=Doe\, Ann,ou=x`},
		{Binary, "", "YQ==\n", "YQ=="},
		{Binary, Hex, " 6A6b ", "ams="},
		{String, "", " a ", " a "},
		{String, "", "", ""},
	} {
		v, err := Normalize(c.typ, c.f, c.raw)
		if err != nil || v.Text() != c.want {
			t.Errorf("%s %q %q: got %q (%v), want %q", c.typ, c.f, c.raw, v.Text(), err, c.want)
		}
	}
}

func TestTwoSpellingsOfTheSameBytesAreTheSame(t *testing.T) {
	a, _ := Normalize(Binary, "", "YQ==")
	b, err := Normalize(Binary, "", "YR==")
	if err != nil || a != b {
		t.Errorf("%q and %q (%v)", a, b, err)
	}
}

func TestNormalizeSaysWhatItExpected(t *testing.T) {
	for typ, raw := range map[Type]string{
		Int: "1.5", Float: "NaN", Bool: "maybe", Date: "31.01.2030", Time: "noon", DN: "Ann", Binary: "%", "colour": "red",
	} {
		if v, err := Normalize(typ, "", raw); err == nil || !v.IsNull() {
			t.Errorf("%s takes %q as %q", typ, raw, v)
		}
	}
	if _, err := Normalize(Time, "", "9999-12-31T23:59:59-01:00"); err == nil {
		t.Error("an instant after the year 9999 in UTC cannot be written back")
	}
}

func TestAFormatHasToSuitItsType(t *testing.T) {
	for _, c := range []struct {
		f  Format
		t  Type
		ok bool
	}{
		{"", Int, true}, {"Y/N", Bool, true}, {"dd.MM.yyyy", Date, true},
		{"Y", Bool, false}, {"y/Y", Bool, false}, {"/N", Bool, false}, {"Y/", Bool, false}, {" Y/N", Bool, false},
		{"dd.MM", Date, false}, {"x", Int, false},
		{Hex, Binary, true}, {Base64, Binary, true}, {"octal", Binary, false}, {Hex, String, false},
	} {
		if err := c.f.Check(c.t); (err == nil) != c.ok {
			t.Errorf("%q for %s: %v", c.f, c.t, err)
		}
	}
}

func TestAnEscapedTextStaysOneName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[ ,+#"\\<>;=a-zé\x00\t\n]{1,8}`).Draw(t, "name")
		dn := "cn=" + EscapeRDN(name) + ",ou=people"
		if parts := SplitDN(dn); len(parts) != 2 {
			t.Fatalf("%q has the parts %q", dn, parts)
		}
		v, err := Normalize(DN, "", dn)
		if err != nil || v.Text() != dn {
			t.Fatalf("%q became %q (%v)", dn, v.Text(), err)
		}
	})
}

func TestComparisonsIgnoreWhatTheySay(t *testing.T) {
	a := OfString("Müller-Łódź Weiß")
	for _, c := range []struct {
		c    Comparison
		b    string
		same bool
	}{
		{Exact, "Müller-Łódź Weiß", true}, {"", "müller-Łódź Weiß", false},
		{IgnoreCase, "MÜLLER-ŁÓDŹ weiß", true}, {IgnoreCase, "Muller-Lodz Weiss", false},
		{IgnoreDiacritics, "Muller-Lodz Weiss", true}, {IgnoreDiacritics, "muller-lodz weiss", false},
		{Simplified, "muller lodzweiss", true}, {Simplified, "muller lodz weis", false},
	} {
		if Equal(c.c, a, OfString(c.b)) != c.same {
			t.Errorf("%q %s %q: want %v", a, c.c, c.b, c.same)
		}
	}
	if Equal(Simplified, Null, OfString("")) || !Equal(Exact, Null, Null) || !Equal(Exact, OfInt(7), OfString("7")) {
		t.Error("null is only null, and a number is its text")
	}
	x, _ := Normalize(DN, "", "CN=Ann,OU=X")
	y, _ := Normalize(DN, "", "cn=ann, ou=x")
	if !Equal(Exact, x, y) {
		t.Error("distinguished names differ by case")
	}
}

func TestPhoneticComparesWhatIsHeard(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"Zimmer", "simer", true},            // z is s, double letters once
		{"Meyer", "MEIER", true},             // y is i
		{"Wagner", "Vagner", true},           // w is v
		{"Kramer", "Cramer", true},           // k is c
		{"Bosse", "Boce", true},              // ss is c
		{"Bozze", "Bosse", true},             // zz is ss
		{"Weiß", "Weiss", true},              // as folded
		{"Weiss", "Weis", false},             // ss is not a double letter
		{"Bosse", "Bose", false},             //
		{"Bosshe", "Bosse", true},            // no h
		{"Boshse", "Bosse", true},            // not between two s either
		{"Thomas", "Toma", true},             // no h, no final s
		{"Anna", "Ann", true},                // no final a
		{"Schmidt", "Schmit", true},          // no final t, no final d
		{"Schmits", "Schmit", true},          // one after the other
		{"Anat", "Ana", true},                //
		{"Data", "Dat", true},                //
		{"Data", "Ata", false},               // the first letter stays
		{"A", "T", false},                    //
		{"Ann-Zoë", "anzoe", true},           // neither case, diacritics nor signs
		{"Müller", "Muler", true},            //
		{"Kenney", "Ceni", false},            // vowels count
		{"Becker", "Beker", true},            // ck is cc is c
		{"Desk 11", "Desc 1", false},         // double digits stay
		{"sss", "cs", true}, {"", "h", true}, // what is left of nothing
		{"Иванна", "иван", false},   // other letters: no rule but the double ones
		{"Иванна", "Ивана", true},   //
		{"Szmit", "Schmitt", false}, // c is heard
		{"Hahn", "Haan", true}, {"Hahn", "Hn", false},
	} {
		if got := Equal(Phonetic, OfString(c.a), OfString(c.b)); got != c.same {
			t.Errorf("%q and %q: same %v (%q, %q)", c.a, c.b, got, Key(Phonetic, OfString(c.a)), Key(Phonetic, OfString(c.b)))
		}
	}
	if Equal(Phonetic, Null, OfString("h")) || !Equal(Phonetic, Null, Null) {
		t.Error("null is only null")
	}
}

func TestWhatIsEqualStrictlyIsEqualLeniently(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[A-Cszhkwy ÄÉß'-]{0,6}`)
		a, b := OfString(text.Draw(t, "a")), OfString(text.Draw(t, "b"))
		order := []Comparison{Exact, IgnoreCase, Simplified, Phonetic}
		for i, lenient := range order[1:] {
			if Equal(order[i], a, b) && !Equal(lenient, a, b) {
				t.Fatalf("%q and %q are the same under %s and not under %s", a, b, order[i], lenient)
			}
		}
	})
}

func TestFoldingTwiceChangesNothing(t *testing.T) {
	for r := rune(0x80); r < 0x2000; r++ {
		if once := Fold(string(r)); Fold(once) != once {
			t.Errorf("%c folds to %s and then to %s", r, once, Fold(once))
		}
	}
	if Fold("Ǽ") != "AE" || Fold("e\u0301") != "e" {
		t.Errorf("got %s, %s", Fold("Ǽ"), Fold("e\u0301"))
	}
}

func TestConstructorsAndReadersAgree(t *testing.T) {
	at := time.Date(2030, 1, 31, 23, 30, 15, 999, time.FixedZone("", -3600))
	switch {
	case OfInt(-3).Int() != -3, OfFloat(1.5).Float() != 1.5, !OfBool(true).Bool(), OfBool(false).Bool():
		t.Error("a scalar is not read as it was made")
	case !OfTime(at).Time().Equal(at.Truncate(time.Second)), OfDate(at).Text() != "2030-02-01":
		t.Error("an instant is not read as it was made")
	case Null.String() != "-", OfString("x").String() != "x", OfString("").IsNull(), OfString("x").Type() != String:
		t.Error("texts for people")
	}
}
