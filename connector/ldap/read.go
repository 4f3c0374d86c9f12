package ldap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/internal/directory"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

// extent says which entries are of an entity type.
type extent struct {
	base   string
	scope  int
	filter string
}

func (s *system) extentOf(shape connector.Shape) (extent, error) {
	var findings fault.Findings
	wrong := func(key, what string) {
		findings = append(findings, fault.Finding{Object: shape.Entity + ".from." + key, What: what})
	}
	e := extent{base: s.config.Base, scope: ldap.ScopeWholeSubtree}
	if text := shape.From[fromBase]; text != "" {
		base, err := directory.DN(text)
		if err != nil {
			wrong(fromBase, err.Error())
		}
		e.base = base.Text()
	}
	switch word := shape.From[fromScope]; word {
	case "", "sub":
	case "one":
		e.scope = ldap.ScopeSingleLevel
	default:
		wrong(fromScope, fmt.Sprintf("%q is neither sub nor one", word))
	}
	further, err := directory.Filter(shape.From[fromFilter])
	if err != nil {
		wrong(fromFilter, err.Error())
	}
	objects := shape.From[fromObjects]
	if objects == "" {
		wrong(fromObjects, "it is missing: name the object class of the entries, such as inetOrgPerson")
	}
	e.filter = directory.And(directory.Equals(columnClass, objects), further)
	return e, findings.Err()
}

// Read returns one page. Every page of a reading comes over the same connection.
func (s *system) Read(ctx context.Context, req connector.ReadRequest) (connector.ReadPage, error) {
	op := "read " + req.Shape.Entity
	e, err := s.extentOf(req.Shape)
	if err != nil {
		return connector.ReadPage{}, err
	}
	size := s.config.PageEntries
	if req.Limit > 0 {
		size = min(size, req.Limit)
	}
	request := ldap.NewSearchRequest(e.base, e.scope, ldap.NeverDerefAliases, 0, 0, false, e.filter, attributesOf(req.Shape), nil)
	found, err := s.readings.Next(ctx, req.Cursor, size, request)
	if err != nil {
		return connector.ReadPage{}, directory.Fault(s.config, op, err)
	}
	if req.Cursor == "" && found.Complete && len(found.Entries) == 0 {
		if err := s.empty(ctx, e.base); err != nil {
			return connector.ReadPage{}, directory.Fault(s.config, op, err)
		}
	}
	d := &decoder{s: s, shape: req.Shape}
	page := connector.ReadPage{Cursor: found.Cursor, Complete: found.Complete}
	for _, entry := range found.Entries {
		object, err := d.object(entry)
		if err != nil {
			continue // noted by the decoder; without a key there is nothing to name
		}
		page.Objects = append(page.Objects, object)
	}
	page.Findings = d.findings()
	return page, nil
}

// Lookup reads one entry by its key, by its name, or by other unique values.
func (s *system) Lookup(ctx context.Context, req connector.LookupRequest) (connector.Object, error) {
	op := "look up " + req.Shape.Entity
	conn, err := s.pool.Take(ctx)
	if err != nil {
		return connector.Object{}, directory.Fault(s.config, op, err)
	}
	defer conn.Give()
	entry, err := s.find(ctx, conn, req, attributesOf(req.Shape)...)
	if err != nil {
		return connector.Object{}, directory.Fault(s.config, op, err)
	}
	object, err := (&decoder{s: s, shape: req.Shape}).object(entry)
	if err != nil {
		return connector.Object{}, fault.Wrap(fault.Refused, op, err)
	}
	if err := s.askLinks(ctx, conn, entry.DN, req.Links, &object); err != nil {
		return connector.Object{}, directory.Fault(s.config, op, err)
	}
	return object, nil
}

// askLinks compares, for each link that another entry stores, whether it is
// there: a group of ten thousand is not read to find one member.
func (s *system) askLinks(ctx context.Context, conn *directory.Conn, dn string, asked []connector.LinkQuery, object *connector.Object) error {
	w := writer{s: s, conn: conn}
	for _, q := range asked {
		if q.Property.Stored() {
			continue
		}
		far, err := w.target(ctx, connector.Item{Property: q.Property, Target: q.Target})
		if err != nil {
			return err
		}
		there := false
		err = conn.Do(ctx, func(c *ldap.Conn) (err error) {
			there, err = c.Compare(far, q.Property.Far, dn)
			return err
		})
		switch {
		case ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultNoSuchAttribute):
		case err != nil:
			return err
		case there:
			if object.Links == nil {
				object.Links = map[string][]string{}
			}
			object.Links[q.Property.Name] = append(object.Links[q.Property.Name], q.Target.Key)
		}
	}
	return nil
}

// find returns the one entry that a request names. Its error is of kind
// fault.NotFound only when the directory let us see that there is none.
func (s *system) find(ctx context.Context, conn *directory.Conn, req connector.LookupRequest, attributes ...string) (*ldap.Entry, error) {
	e, err := s.extentOf(req.Shape)
	if err != nil {
		return nil, err
	}
	name, filter, err := criteria(req)
	if err != nil {
		return nil, err
	}
	request := ldap.NewSearchRequest(e.base, e.scope, ldap.NeverDerefAliases, 0, 0, false, directory.And(e.filter, filter), attributes, nil)
	if name != "" {
		request = baseSearch(name, e.filter, attributes...)
	}
	result, err := conn.Search(ctx, request)
	switch {
	case name != "" && ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject), err == nil && len(result.Entries) == 0:
		return nil, s.absent(ctx, conn, e.base)
	case err != nil:
		return nil, err
	case len(result.Entries) > 1:
		return nil, fault.New(fault.Conflict, "", "%d entries answer to %s, such as %s and %s", len(result.Entries), filter, result.Entries[0].DN, result.Entries[1].DN)
	}
	return result.Entries[0], nil
}

// criteria returns the name or the filter by which a request names its entry.
func criteria(req connector.LookupRequest) (name, filter string, err error) {
	if req.Key != "" {
		if strings.EqualFold(keyColumn(req.Shape), columnDN) {
			dn, err := directory.DN(req.Key)
			if err != nil {
				return "", "", fault.Wrap(fault.Invalid, "", err)
			}
			return dn.Text(), "", nil
		}
		p, _ := req.Shape.Property(req.Shape.Key)
		text, err := spellKey(p, req.Key)
		return "", directory.Equals(keyColumn(req.Shape), text), err
	}
	var filters []string
	for property, v := range req.Unique {
		p, ok := req.Shape.Property(property)
		switch {
		case !ok:
			return "", "", fault.New(fault.Invalid, "", "%s has no property %s", req.Shape.Entity, property)
		case v.IsNull() || !p.Stored():
			continue
		case isDN(p):
			dn, err := directory.DN(v.Text())
			if err != nil {
				return "", "", fault.Wrap(fault.Invalid, "", err)
			}
			return dn.Text(), "", nil
		}
		text, err := spell(p, v)
		if err != nil {
			return "", "", fault.Wrap(fault.Invalid, "", err)
		}
		filters = append(filters, directory.Equals(column(p), text))
	}
	if len(filters) == 0 {
		return "", "", fault.New(fault.Invalid, "", "neither a key nor a unique value names the entry")
	}
	slices.Sort(filters)
	return "", directory.Or(filters...), nil
}

// spellKey spells a key, which is the text of a value, as the directory does.
func spellKey(p connector.Property, key string) (string, error) {
	if p.Type == "" || p.Type == value.String {
		return key, nil
	}
	v, err := value.Normalize(p.Type, "", key)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "", err)
	}
	return spell(p, v)
}

// seen makes sure that the base itself can be read, before emptiness is believed:
// servers answer alike for what is not there and for what may not be seen.
func (s *system) seen(ctx context.Context, conn *directory.Conn, base string) error {
	result, err := conn.Search(ctx, baseSearch(base, "(objectClass=*)", "1.1"))
	if err == nil && len(result.Entries) != 1 {
		err = &fault.Error{Kind: fault.Refused, Msg: "the base " + base + " cannot be read, so absence proves nothing",
			Do: "let the bind user read the base"}
	}
	return err
}

// absent says that nothing was found, if that can be believed.
func (s *system) absent(ctx context.Context, conn *directory.Conn, base string) error {
	if err := s.seen(ctx, conn, base); err != nil {
		return err
	}
	return fault.New(fault.NotFound, "", "the directory holds no such entry")
}

// empty checks a reading that found nothing at all: a bind user who lost its
// rights must not look like a directory that lost its entries.
func (s *system) empty(ctx context.Context, base string) error {
	conn, err := s.pool.Take(ctx)
	if err != nil {
		return err
	}
	defer conn.Give()
	return s.seen(ctx, conn, base)
}
