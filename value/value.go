// Package value holds the typed values that Provisor reads, computes, compares
// and writes, together with the one function that normalises them.
//
// Synchronizing, evaluating, comparing and writing all go through Normalize:
// a value that was written in one spelling and read back in another would
// otherwise never become Verified. Values are comparable with ==, so they can
// be map keys; two values are equal exactly when == says so.
package value

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Type says what kind of value a property holds.
type Type string

// The types a property may have in the configuration.
const (
	String Type = "string"
	Int    Type = "int"
	Float  Type = "float"
	Bool   Type = "bool"
	Date   Type = "date"     // a day, without a time zone
	Time   Type = "datetime" // an instant, kept in UTC with seconds
	DN     Type = "dn"       // a distinguished name; compared without regard to case and spacing
	Binary Type = "binary"   // bytes, kept as base64
)

// Types lists every type in the order the documentation shows them.
func Types() []Type { return []Type{String, Int, Float, Bool, Date, Time, DN, Binary} }

// Value is one typed value; the zero Value is null.
type Value struct {
	kind kind
	text string
}

// A kind is a type in one byte: there are millions of values.
type kind uint8

const (
	isNull kind = iota
	isString
	isInt
	isFloat
	isBool
	isDate
	isTime
	isDN
	isBinary
)

// The types by their kinds.
var kinds = [...]Type{isNull: "", isString: String, isInt: Int, isFloat: Float, isBool: Bool, isDate: Date, isTime: Time, isDN: DN, isBinary: Binary}

// kindOf is the kind of a type; null for what is not a type.
func kindOf(t Type) kind {
	switch t {
	case String:
		return isString
	case Int:
		return isInt
	case Float:
		return isFloat
	case Bool:
		return isBool
	case Date:
		return isDate
	case Time:
		return isTime
	case DN:
		return isDN
	case Binary:
		return isBinary
	}
	return isNull
}

// Null is the absence of a value.
var Null = Value{}

// OfString returns a string value; the empty string is not null.
func OfString(s string) Value { return Value{isString, s} }

// OfInt returns an integer value.
func OfInt(n int64) Value { return Value{isInt, strconv.FormatInt(n, 10)} }

// OfFloat returns a floating-point value.
func OfFloat(f float64) Value { return Value{isFloat, strconv.FormatFloat(f, 'g', -1, 64)} }

// OfBool returns a truth value.
func OfBool(b bool) Value { return Value{isBool, strconv.FormatBool(b)} }

// OfDate returns the day on which t falls in UTC.
func OfDate(t time.Time) Value { return Value{isDate, t.UTC().Format(time.DateOnly)} }

// OfTime returns an instant, cut to seconds.
func OfTime(t time.Time) Value { return Value{isTime, t.UTC().Format(time.RFC3339)} }

// Canonical returns the value of a type whose Text is known, such as one that was
// stored, and null for what is not a type. It checks nothing else: what people or
// systems write goes through Normalize.
func Canonical(t Type, text string) Value {
	k := kindOf(t)
	if k == isNull {
		return Null
	}
	return Value{k, text}
}

// IsNull reports whether there is no value.
func (v Value) IsNull() bool { return v.kind == isNull }

// Type returns the value's type, "" for null.
func (v Value) Type() Type { return kinds[v.kind] }

// Text returns the canonical spelling, "" for null.
func (v Value) Text() string { return v.text }

// String returns the spelling for people: null prints as a dash, and bytes as
// how many there are with what tells them from others.
func (v Value) String() string {
	switch v.kind {
	case isNull:
		return "-"
	case isBinary:
		content, _ := base64.StdEncoding.DecodeString(v.text) // it was decoded when it became a value
		sum := sha256.Sum256(content)
		return strconv.Itoa(len(content)) + " bytes, sha256 " + hex.EncodeToString(sum[:4])
	}
	return v.text
}

// Int returns the number; 0 for anything but an integer.
func (v Value) Int() int64 { n, _ := strconv.ParseInt(v.text, 10, 64); return n }

// Float returns the number; 0 for anything but a number.
func (v Value) Float() float64 { f, _ := strconv.ParseFloat(v.text, 64); return f }

// Bool reports whether the value is the truth value true.
func (v Value) Bool() bool { return v.kind == isBool && v.text == "true" }

// Time returns the day's start in UTC or the instant; the zero time for other types.
func (v Value) Time() time.Time {
	layout := time.RFC3339
	if v.kind == isDate {
		layout = time.DateOnly
	}
	t, _ := time.Parse(layout, v.text)
	return t
}

// MarshalJSON writes null, a JSON scalar for strings, numbers and truth values,
// and {"type": text} for the others, so that every value reads back as itself.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case isNull:
		return []byte("null"), nil
	case isString:
		return json.Marshal(v.text)
	case isInt, isBool:
		return []byte(v.text), nil
	}
	return json.Marshal(map[Type]string{v.Type(): v.text})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0 || string(data) == "null":
		*v = Null
	case data[0] == '"':
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		*v = OfString(s)
	case string(data) == "true" || string(data) == "false":
		*v = Value{isBool, string(data)}
	case data[0] == '{':
		var m map[Type]string
		if err := json.Unmarshal(data, &m); err != nil {
			return err
		}
		for t, text := range m {
			if *v = Canonical(t, text); v.IsNull() {
				return fmt.Errorf("value: %q is not a type", t)
			}
		}
	default:
		n, err := strconv.ParseInt(string(data), 10, 64)
		if err != nil {
			return fmt.Errorf("value: %s is not a value", data)
		}
		*v = OfInt(n)
	}
	return nil
}
