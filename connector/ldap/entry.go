package ldap

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/internal/directory"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

// generalizedTime is how directories spell instants (RFC 4517, 3.3.13).
const generalizedTime = "20060102150405Z"

func column(p connector.Property) string {
	if p.Column == "" {
		return p.Name
	}
	return p.Column
}

func isDN(p connector.Property) bool { return p.Link == "" && strings.EqualFold(column(p), columnDN) }

// keyColumn returns the column whose value names an entry for life.
func keyColumn(shape connector.Shape) string {
	p, ok := shape.Property(shape.Key)
	if !ok {
		return shape.Key
	}
	return column(p)
}

// attributesOf lists exactly the attributes that a shape needs.
func attributesOf(shape connector.Shape) []string {
	list := []string{columnUUID}
	add := func(name string) {
		same := func(have string) bool { return strings.EqualFold(have, name) }
		if !strings.EqualFold(name, columnDN) && !slices.ContainsFunc(list, same) {
			list = append(list, name)
		}
	}
	add(keyColumn(shape))
	for _, p := range shape.Properties {
		if p.Stored() {
			add(column(p))
		}
	}
	return list
}

// decoder turns entries into objects and says once per kind of trouble, not once
// per entry, what it could not represent.
type decoder struct {
	s        *system
	shape    connector.Shape
	troubles map[string]*trouble
	order    []string
}

type trouble struct {
	finding fault.Finding
	entries int
}

func (d *decoder) note(property, what, do, dn string) {
	key := property + "\x00" + do
	if d.troubles == nil {
		d.troubles = make(map[string]*trouble)
	}
	if t, ok := d.troubles[key]; ok {
		t.entries++
		return
	}
	d.order = append(d.order, key)
	object := d.shape.Entity
	if property != "" {
		object += "." + property
	}
	d.troubles[key] = &trouble{fault.Finding{Object: object, What: dn + ": " + what, Do: do}, 1}
}

func (d *decoder) findings() []fault.Finding {
	list := make([]fault.Finding, 0, len(d.order))
	for _, key := range d.order {
		t := d.troubles[key]
		if t.entries > 1 {
			t.finding.What += fmt.Sprintf(" (and %d more entries likewise)", t.entries-1)
		}
		list = append(list, t.finding)
	}
	return list
}

var errNoKey = errors.New("the entry has no key")

// object decodes one entry. Only an entry without its key is refused.
func (d *decoder) object(entry *ldap.Entry) (connector.Object, error) {
	object := connector.Object{Values: make(map[string]value.Value), Links: make(map[string][]string)}
	dn, err := directory.DN(entry.DN)
	if err != nil {
		d.note("", err.Error(), "exclude the entry by the entity's filter", entry.DN)
		return object, err
	}
	held := make(map[string][][]byte, len(entry.Attributes))
	for _, attribute := range entry.Attributes {
		held[strings.ToLower(attribute.Name)] = attribute.ByteValues
	}
	if object.Key, err = keyOf(d.shape, dn, held); err != nil {
		d.note("", err.Error(), "give every entry exactly one "+keyColumn(d.shape)+", or exclude it by the entity's filter", entry.DN)
		return object, err
	}
	for _, p := range d.shape.Properties {
		switch {
		case !p.Stored():
		case isDN(p):
			object.Values[p.Name] = dn
		case p.Link != "":
			d.links(&object, p, held[strings.ToLower(column(p))], entry.DN)
		default:
			d.scalar(&object, p, held[strings.ToLower(column(p))], entry.DN)
		}
	}
	return object, nil
}

// keyOf returns an entry's key in the spelling in which it is compared.
func keyOf(shape connector.Shape, dn value.Value, held map[string][][]byte) (string, error) {
	name := keyColumn(shape)
	if strings.EqualFold(name, columnDN) {
		return dn.Text(), nil
	}
	values := held[strings.ToLower(name)]
	if len(values) != 1 {
		return "", fmt.Errorf("%w: it holds %d values of %s", errNoKey, len(values), name)
	}
	p, ok := shape.Property(shape.Key)
	if !ok {
		return string(values[0]), nil
	}
	key, err := read(p, values[0])
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoKey, err)
	}
	return key.Text(), nil
}

func (d *decoder) scalar(object *connector.Object, p connector.Property, raw [][]byte, dn string) {
	if len(raw) == 0 {
		return
	}
	if len(raw) > 1 {
		raw = slices.Clone(raw)
		slices.SortFunc(raw, slices.Compare)
		object.Partial = append(object.Partial, p.Name)
		d.note(p.Name, fmt.Sprintf("the attribute holds %d values and the property one; the first in byte order is taken", len(raw)),
			"leave one value in the directory, or leave the property out: setting it replaces them all", dn)
	}
	v, err := read(p, raw[0])
	if err != nil {
		if len(raw) == 1 {
			object.Partial = append(object.Partial, p.Name)
		}
		d.note(p.Name, err.Error(), "correct the value in the directory, or the property's type or format", dn)
		return
	}
	object.Values[p.Name] = v
}

func (d *decoder) links(object *connector.Object, p connector.Property, raw [][]byte, dn string) {
	names := make([]string, 0, len(raw))
	for _, one := range raw {
		far, err := directory.DN(string(one))
		switch {
		case err != nil:
			if !slices.Contains(object.Partial, p.Name) {
				object.Partial = append(object.Partial, p.Name)
			}
			d.note(p.Name, err.Error(), "a link needs an attribute that holds distinguished names", dn)
		case !d.s.isPlaceholder(far.Text()):
			names = append(names, far.Text())
		}
	}
	slices.Sort(names)
	if !p.Many && len(names) > 1 {
		object.Partial = append(object.Partial, p.Name)
		d.note(p.Name, fmt.Sprintf("the attribute holds %d names and the property one; the first in byte order is taken", len(names)),
			"leave one value in the directory, or make it a property of many links", dn)
		names = names[:1]
	}
	if len(names) > 0 {
		object.Links[p.Name] = names
	}
}

func (s *system) isPlaceholder(dn string) bool {
	return s.placeholder != "" && strings.EqualFold(dn, s.placeholder)
}

// read turns one value of an attribute into the property's.
func read(p connector.Property, raw []byte) (value.Value, error) {
	switch {
	case p.Type == value.Binary:
		return value.Normalize(value.Binary, "", base64.StdEncoding.EncodeToString(raw))
	case !utf8.Valid(raw):
		return value.Null, errors.New("the value is not text; give the property the type binary")
	case p.Type == value.DN:
		return directory.DN(string(raw))
	case p.Type == "":
		return value.Normalize(value.String, p.Format, string(raw))
	}
	return value.Normalize(p.Type, p.Format, string(raw))
}

// spell writes a value as the directory's syntaxes want it where the property
// gives no format: truth values in capitals, days and instants in one word.
func spell(p connector.Property, v value.Value) (string, error) {
	if p.Format != "" && v.Type() != value.Binary { // an attribute holds bytes as they are
		return value.Spell(p.Format, v), nil
	}
	switch v.Type() {
	case value.Bool:
		return strings.ToUpper(v.Text()), nil
	case value.Date, value.Time:
		return v.Time().Format(generalizedTime), nil
	case value.Binary:
		raw, err := base64.StdEncoding.DecodeString(v.Text())
		return string(raw), err
	case value.DN:
		dn, err := directory.DN(v.Text())
		return dn.Text(), err
	}
	return v.Text(), nil
}
