package statement

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// resting is an account of ten values and two groups, each as its rule gives it.
func resting() *orders.AssignedResource {
	period := assignments.Period{From: time.Date(2022, 3, 25, 0, 0, 0, 0, time.UTC)}
	const of, mark = "DirectoryUser", "eefc4411"
	a := &orders.AssignedResource{
		ID: 1, Type: of, Owner: resources.Ref{Type: "Person", Key: "E0000001"}, Period: period,
		Handling: orders.Handling{
			Connector: "directory", Connection: "database", Target: "DirectoryAccount", Readable: true, Add: true, Remove: true,
			Attempts: 5, Validity: 72 * time.Hour,
		},
	}
	add := func(p schema.PropertyName, link resources.Key, h orders.Holding, r assignments.Reason, c value.Comparison) {
		r.Mark = mark
		a.Items = append(a.Items, orders.Item{
			ID: len(a.Items), Property: p, Link: link, Place: orders.Place{State: orders.Verified}, Want: h, Is: h, Before: h,
			ReadAt: 1795649026867425233, SettledAt: 1795649042802284873, Workflow: assignments.Calculated,
			Policy: orders.Policy{
				Wanted: true, Holding: h, Workflow: assignments.Calculated, Compare: c, Period: period, Reasons: []assignments.Reason{r},
			},
		})
	}
	add("", "", orders.Present, assignments.Reason{Rule: "resourceTypes." + of + ".who[0]"}, "")
	for _, x := range []struct{ property, text string }{
		{"department", "Northgate"}, {"displayName", "Pernille Åkesson-Sánchez"}, {"email", "pernille.akesson-sanchez@northgate.example"},
		{"employeeNumber", "E0000001"}, {"login", "pakesson"}, {"kind", "internal"}, {"office", "Lisboa"},
		{"sortName", "ÅKESSON-SÁNCHEZ, Pernille"}, {"title", "Chief executive"}, {"telephone", "+351 555 0100"},
	} {
		rule := "resourceTypes." + of + ".values." + x.property + "[0]"
		add(schema.PropertyName(x.property), "", orders.HoldingOf(value.OfString(x.text)), assignments.Reason{Rule: rule}, value.Exact)
	}
	for _, group := range []string{"staff", "site-lis"} {
		add("groups", resources.Key(group), orders.Present, assignments.Reason{Rule: "roles." + group + ".grants[0]", Role: roles.RoleID(group)}, "")
	}
	return a
}

// again writes and reads an assigned resource's document.
func again(t testing.TB, a *orders.AssignedResource) *orders.AssignedResource {
	text, err := new(pen).encode(a)
	if err != nil {
		t.Fatal(err)
	}
	b := &orders.AssignedResource{Type: a.Type, Period: a.Period}
	if err := new(reader).decode(b, text); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	return b
}

// kept is what a document has to keep of an assigned resource.
func kept(a *orders.AssignedResource) string {
	return fmt.Sprintf("%+v %+v %s", a.Handling, a.Period, plainly(a.Arguments, a.Items))
}

func plainly(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// drawn is an assigned resource at random; every part of it is often as it is at
// rest and sometimes not.
func drawn(t *rapid.T) *orders.AssignedResource {
	a := resting()
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "é|1 ", `"{`, strings.Repeat("long ", 40), "\x00"}), rapid.String())
	often := func(name string) bool { return rapid.IntRange(0, 3).Draw(t, name) > 0 }
	instant := rapid.OneOf(rapid.Just[int64](0), rapid.Int64())
	holding := rapid.Custom(func(t *rapid.T) orders.Holding {
		h := orders.Holding{There: rapid.Bool().Draw(t, "there")}
		if kind := rapid.SampledFrom(typeCodes[:]).Draw(t, "type"); kind != "" {
			h.Value = value.Canonical(kind, "0")
			if kind == value.String {
				h.Value = value.OfString(text.Draw(t, "text"))
			}
		}
		return h
	})
	place := rapid.SampledFrom(orders.Places())
	bound := rapid.Custom(func(t *rapid.T) time.Time {
		return rapid.SampledFrom([]time.Time{{}, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(1969, 7, 20, 1, 2, 3, 4, time.UTC)}).Draw(t, "bound")
	})
	reason := rapid.Custom(func(t *rapid.T) assignments.Reason {
		role := rapid.SampledFrom([]string{"", "staff"}).Draw(t, "role")
		rules := []string{
			"", "resourceTypes.DirectoryUser.who[7]", "roles." + role + ".grants[12]", "resourceTypes.DirectoryUser.who[07]",
			"resourceTypes.DirectoryUser.values.department[3]", "resourceTypes.Other.who[0]", "resourceTypes.DirectoryUser.who[]",
		}
		return assignments.Reason{
			Rule: rapid.SampledFrom(rules).Draw(t, "rule"), Role: roles.RoleID(role), With: assignments.Parameters(text.Draw(t, "with")),
			Mark: rapid.SampledFrom([]string{"", "eefc4411", "00"}).Draw(t, "mark"), Note: text.Draw(t, "note"),
		}
	})
	if !often("handled") {
		a.Handling.Manual, a.Handling.Settle, a.Handling.Attempts = true, -time.Second, 0
		a.Arguments = rapid.MapOfN(text, text, 1, 3).Draw(t, "arguments")
	}
	a.Items = a.Items[:rapid.IntRange(0, len(a.Items)).Draw(t, "items")]
	for i := range a.Items {
		it := &a.Items[i]
		if often("rests") {
			continue
		}
		it.Place, it.Workflow = place.Draw(t, "place"), assignments.Workflow(rapid.IntRange(0, 118).Draw(t, "workflow"))
		for _, h := range []*orders.Holding{&it.Policy.Holding, &it.Want, &it.Is, &it.Before} {
			if often("as it was") {
				continue
			}
			*h = holding.Draw(t, "holding")
		}
		for _, at := range []*orders.Instant{&it.ReadAt, &it.SettledAt, &it.SentAt, &it.DoneAt, &it.NotBefore} {
			if !often("as it was") {
				*at = orders.Instant(instant.Draw(t, "instant"))
			}
		}
		it.ID, it.Steps, it.Order = i*rapid.IntRange(1, 3).Draw(t, "id"), rapid.IntRange(0, 99).Draw(t, "steps"), orders.OrderID(rapid.Int64().Draw(t, "order"))
		it.Policy.Reasons = rapid.SliceOfN(reason, 0, 3).Draw(t, "reasons")
		if len(it.Policy.Reasons) == 0 {
			it.Policy.Reasons = nil
		}
		it.Policy.Period = assignments.Period{From: bound.Draw(t, "from"), To: bound.Draw(t, "to")}
		it.Policy.Parked, it.Message, it.By = text.Draw(t, "parked"), text.Draw(t, "message"), text.Draw(t, "by")
		it.Policy.Compare = rapid.SampledFrom(compareCodes[:]).Draw(t, "compare")
		if !often("former") {
			former := place.Draw(t, "former")
			it.Former, it.Ours = &former, []orders.Sent{{Holding: holding.Draw(t, "sent"), At: 7}}
		}
		if !often("decided") {
			h := holding.Draw(t, "exception")
			it.Decision = orders.Decision{Exception: &h, Frozen: true, By: text.Draw(t, "decider"), Postponed: 9}
		}
	}
	return a
}

func TestADocumentReadsBackAsItself(t *testing.T) {
	if got, want := kept(again(t, resting())), kept(resting()); got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := drawn(t)
		text, err := new(pen).encode(a)
		if err != nil {
			t.Fatal(err)
		}
		b := &orders.AssignedResource{Type: a.Type, Period: a.Period}
		documents := &reader{}
		for range 2 { // the second time from what the first remembered
			if err := documents.decode(b, text); err != nil {
				t.Fatalf("%v: %q", err, text)
			}
			if got, want := kept(b), kept(a); got != want {
				t.Fatalf("%q\n got %s\nwant %s", text, got, want)
			}
		}
	})
}

// Every field is set by itself: one that is added later and not written is missed.
func TestADocumentForgetsNoField(t *testing.T) {
	a := resting()
	var visit func(v reflect.Value, name string)
	visit = func(v reflect.Value, name string) {
		before := kept(a)
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		switch x := v.Addr().Interface().(type) {
		case *value.Value:
			*x = value.OfInt(42)
		case *orders.Place:
			*x = orders.Place{State: orders.Inactive, Mark: orders.Declined}
		case *time.Time:
			*x = time.Date(2031, 1, 2, 0, 0, 0, 0, time.UTC)
		default:
			switch v.Kind() {
			case reflect.Struct:
				for i := range v.NumField() {
					if f := v.Type().Field(i); f.IsExported() {
						visit(v.Field(i), name+"."+f.Name)
					}
				}
				return
			case reflect.Pointer:
				v.Set(reflect.New(v.Type().Elem()))
			case reflect.Slice:
				v.Set(reflect.MakeSlice(v.Type(), 1, 1))
				visit(v.Index(0), name+"[0]")
			case reflect.Map:
				v.Set(reflect.ValueOf(map[string]string{"k": "v"}))
			case reflect.Bool:
				v.SetBool(!v.Bool())
			case reflect.String:
				v.SetString("x" + v.String())
			case reflect.Uint8:
				v.SetUint(7)
			default:
				v.SetInt(v.Int() + 11)
			}
		}
		want := kept(a)
		if want == before {
			t.Errorf("the test does not see %s", name)
		}
		if got := kept(again(t, a)); got != want {
			t.Errorf("%s is lost", name)
		}
		v.Set(old)
	}
	visit(reflect.ValueOf(&a.Handling).Elem(), "Handling")
	visit(reflect.ValueOf(&a.Arguments).Elem(), "Arguments")
	visit(reflect.ValueOf(&a.Items[0]).Elem(), "Items[0]")
	visit(reflect.ValueOf(&a.Items[1]).Elem(), "Items[1]")
}

func TestADamagedDocumentIsAnError(t *testing.T) {
	a := resting()
	a.Items[3].Message, a.Items[3].Ours = "no", []orders.Sent{{Holding: orders.Present}}
	text, err := new(pen).encode(a)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range text {
		b := &orders.AssignedResource{Type: a.Type}
		if err := new(reader).decode(b, text[:cut]); err == nil {
			t.Errorf("cut after %d bytes: nothing noticed", cut)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		bytes := []byte(text)
		bytes[rapid.IntRange(1, len(bytes)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		_ = new(reader).decode(&orders.AssignedResource{Type: a.Type}, string(bytes)) // no panic
	})
}

func TestTheDocumentOfAnEarlierReleaseIsRead(t *testing.T) {
	a := resting()
	text, err := json.Marshal(document{Handling: a.Handling, Arguments: a.Arguments, Items: a.Items})
	if err != nil {
		t.Fatal(err)
	}
	b := &orders.AssignedResource{Type: a.Type, Period: a.Period}
	if err := new(reader).decode(b, string(text)); err != nil || kept(b) != kept(a) {
		t.Errorf("%v\n got %s\nwant %s", err, kept(b), kept(a))
	}
}

func TestAnAccountOfTenValuesAtRestTakesSixHundredBytes(t *testing.T) {
	text, err := new(pen).encode(resting())
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 600 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

func TestWhatWasUnderstoodOnceIsNotKeptWithoutEnd(t *testing.T) {
	documents := &reader{}
	a := resting()
	for i := range outlinesMax {
		a.Items[12].Link = resources.Key(fmt.Sprint("group", i))
		text, err := new(pen).encode(a)
		if err != nil {
			t.Fatal(err)
		}
		b := &orders.AssignedResource{Type: a.Type}
		if err := documents.decode(b, text); err != nil || b.Items[12].Link != a.Items[12].Link {
			t.Fatal(err, b.Items[12].Link)
		}
	}
	if n := len(documents.lastKnown); n != outlinesMax || documents.known != n {
		t.Errorf("%d outlines are kept", n)
	}
}

// BenchmarkDocument compares the form with the JSON of earlier releases.
func BenchmarkDocument(b *testing.B) {
	a := resting()
	compact, err := new(pen).encode(a)
	if err != nil {
		b.Fatal(err)
	}
	plain, err := json.Marshal(document{Handling: a.Handling, Arguments: a.Arguments, Items: a.Items})
	if err != nil {
		b.Fatal(err)
	}
	var p pen
	documents := &reader{}
	for _, c := range []struct {
		name string
		size int
		do   func() error
	}{
		{"Encode", len(compact), func() error { _, err := p.encode(a); return err }},
		{"EncodeJSON", len(plain), func() error {
			_, err := json.Marshal(document{Handling: a.Handling, Arguments: a.Arguments, Items: a.Items})
			return err
		}},
		{"Decode", len(compact), func() error { return documents.decode(&orders.AssignedResource{Type: a.Type}, compact) }},
		{"DecodeJSON", len(plain), func() error { return documents.decode(&orders.AssignedResource{Type: a.Type}, string(plain)) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.size), "bytes/document")
		})
	}
}
