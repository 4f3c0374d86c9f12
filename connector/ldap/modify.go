package ldap

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/uuid"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/connector/internal/directory"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/value"
)

// update renames first, then changes the entry's own attributes in one request,
// then the entries that hold its name.
func (w *writer) update(ctx context.Context) {
	if err := w.locate(ctx); err != nil {
		w.setAll(w.unresolved(err), w.object, w.name, w.scalars, w.links, w.far)
		return
	}
	w.setAll(connector.ItemOutcome{Effect: connector.Done}, w.object) // it is there: nothing to do to the object as such
	if len(w.name) > 0 && !w.rename(ctx) {
		w.setAll(notYet("not attempted: the entry was not renamed"), w.scalars, w.links, w.far)
		return
	}
	w.modify(ctx)
	w.writeFar(ctx)
}

// rename gives the entry its new name and reports whether it has it.
func (w *writer) rename(ctx context.Context) bool {
	dn, err := w.newName()
	if err != nil {
		w.setAll(permanent("%s", err), w.name)
		return false
	}
	if dn == w.dn {
		w.setAll(connector.ItemOutcome{Effect: connector.Done}, w.name)
		return true
	}
	rdn, _, parent := directory.Split(dn)
	if _, _, old := directory.Split(w.dn); strings.EqualFold(old, parent) {
		parent = "" // it stays where it is
	}
	request := ldap.NewModifyDNWithControlsRequest(w.dn, rdn, true, parent, w.guard)
	what, err := w.send(ctx, func(c *ldap.Conn) error { return c.ModifyDN(request) })
	if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		if missing := w.missing(ctx); !missing.Permanent {
			what = missing
		}
	}
	w.setAll(what, w.name)
	if what.Effect != connector.Done {
		return false
	}
	if w.dn = dn; strings.EqualFold(keyColumn(w.change.Shape), columnDN) {
		w.out.Key = dn
	}
	return true
}

// part is one item of a modification, ready to be sent.
type part struct {
	item   connector.Item
	change ldap.Change
}

func operation(op uint, attribute string, values ...string) ldap.Change {
	return ldap.Change{Operation: op, Modification: ldap.PartialAttribute{Type: attribute, Vals: values}}
}

// modify changes the entry's own attributes, all of them in one request. A link
// that is already as it should be spoils such a request as a whole; the server
// then said that nothing happened, and the parts are asked for one by one.
func (w *writer) modify(ctx context.Context) {
	scalars, ok := w.scalarParts()
	if !ok {
		return
	}
	links := w.linkParts(ctx)
	all := append(append([]part(nil), scalars...), links...)
	if len(all) == 0 {
		return
	}
	what, err := w.sendParts(ctx, all)
	spoilt := ldap.IsErrorAnyOf(err, ldap.LDAPResultAttributeOrValueExists, ldap.LDAPResultNoSuchAttribute, ldap.LDAPResultObjectClassViolation)
	switch {
	case len(links) == 0 || !spoilt:
		w.settle(all, what)
		return
	case len(all) == 1:
		w.set(links[0].item, w.linkOutcome(ctx, w.dn, w.guard, links[0].change, what, err))
		return
	}
	if len(scalars) > 0 {
		what, _ = w.sendParts(ctx, scalars)
		w.settle(scalars, what)
	}
	for _, p := range links {
		what, err := w.sendParts(ctx, []part{p})
		w.set(p.item, w.linkOutcome(ctx, w.dn, w.guard, p.change, what, err))
	}
}

func (w *writer) settle(parts []part, what connector.ItemOutcome) {
	for _, p := range parts {
		w.set(p.item, what)
	}
}

func (w *writer) sendParts(ctx context.Context, parts []part) (connector.ItemOutcome, error) {
	request := ldap.NewModifyRequest(w.dn, w.guard)
	for _, p := range parts {
		request.Changes = append(request.Changes, p.change)
	}
	what, err := w.send(ctx, func(c *ldap.Conn) error { return c.Modify(request) })
	if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		what = w.missing(ctx)
	}
	return what, err
}

// scalarParts returns the changes of attributes with one value. A value that
// cannot be spelled refuses them all: they succeed or fail together.
func (w *writer) scalarParts() ([]part, bool) {
	parts := make([]part, 0, len(w.scalars))
	for _, item := range w.scalars {
		name := column(item.Property)
		if item.Op == connector.OpClear || item.Value.IsNull() {
			parts = append(parts, part{item, operation(ldap.ReplaceAttribute, name)})
			continue
		}
		text, err := spell(item.Property, item.Value)
		if err != nil {
			w.setAll(permanent("%s: %s", item.Property.Name, err), w.scalars, w.links)
			return nil, false
		}
		parts = append(parts, part{item, operation(ldap.ReplaceAttribute, name, text)})
	}
	return parts, true
}

// linkParts returns the changes of attributes that hold names, additions first,
// so that a group whose members change hands is never without one. A link whose
// far end cannot be found has an outcome of its own and is left out.
func (w *writer) linkParts(ctx context.Context) []part {
	var parts []part
	for _, item := range w.links {
		name := column(item.Property)
		if item.Op == connector.OpClear {
			parts = append(parts, part{item, operation(ldap.ReplaceAttribute, name)})
			continue
		}
		far, err := w.target(ctx, item)
		if err != nil {
			w.set(item, w.unresolved(err))
			continue
		}
		op := uint(ldap.AddAttribute)
		switch item.Op {
		case connector.OpSet:
			op = ldap.ReplaceAttribute
		case connector.OpRemove:
			op = ldap.DeleteAttribute
		}
		parts = append(parts, part{item, operation(op, name, far)})
	}
	slices.SortStableFunc(parts, func(a, b part) int {
		return cmp.Compare(removal(a), removal(b))
	})
	return parts
}

func removal(p part) int {
	if p.change.Operation == ldap.DeleteAttribute {
		return 1
	}
	return 0
}

// writeFar adds the entry's name to the attributes of others, or takes it away.
// Each is a request of its own, with an outcome of its own.
func (w *writer) writeFar(ctx context.Context) {
	for _, item := range w.far {
		op := uint(ldap.AddAttribute)
		if item.Op == connector.OpRemove || item.Op == connector.OpClear {
			op = ldap.DeleteAttribute
		}
		far, err := w.target(ctx, item)
		if err != nil {
			w.set(item, w.unresolved(err))
			continue
		}
		change := operation(op, item.Property.Far, w.dn)
		what, err := w.modifyLink(ctx, far, nil, change)
		w.set(item, w.linkOutcome(ctx, far, nil, change, what, err))
	}
}

// unlink takes the entry's name out of the attributes of others before the entry
// is deleted: a directory need not look after names that lead nowhere.
func (w *writer) unlink(ctx context.Context) connector.ItemOutcome {
	for _, item := range w.change.Unlink {
		if item.Op != connector.OpRemove || item.Property.Stored() {
			return permanent("%s of %s is nothing that precedes a deletion", item.Op, item.Property.Name)
		}
		what, gone := w.unlinkFrom(ctx, item)
		if gone { // or renamed since it was read: its key leads to it
			item.Target.Values = nil
			what, gone = w.unlinkFrom(ctx, item)
		}
		if !gone && what.Effect != connector.Done {
			what.Err = fmt.Sprintf("not deleted: it is still among the %s of %s: %s", item.Property.Far, item.Target.Key, what.Err)
			what.Effect = connector.None // of the deletion nothing was sent
			return what
		}
	}
	return connector.ItemOutcome{Effect: connector.Done}
}

// unlinkFrom takes the entry's name out of one other entry; gone when that one
// is not there.
func (w *writer) unlinkFrom(ctx context.Context, item connector.Item) (what connector.ItemOutcome, gone bool) {
	far, err := w.target(ctx, item)
	if err != nil {
		return w.unresolved(err), fault.KindOf(err) == fault.Refused
	}
	change := operation(ldap.DeleteAttribute, item.Property.Far, w.dn)
	what, err = w.modifyLink(ctx, far, nil, change)
	return w.linkOutcome(ctx, far, nil, change, what, err), ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject)
}

func (w *writer) modifyLink(ctx context.Context, dn string, guard []ldap.Control, changes ...ldap.Change) (connector.ItemOutcome, error) {
	request := ldap.NewModifyRequest(dn, guard)
	request.Changes = changes
	return w.send(ctx, func(c *ldap.Conn) error { return c.Modify(request) })
}

// linkOutcome reads the server's answer to the change of one link: what is
// already so is done. A last member that the schema wants to keep is replaced by
// the placeholder, in the same request that takes it away.
func (w *writer) linkOutcome(ctx context.Context, dn string, guard []ldap.Control, change ldap.Change, what connector.ItemOutcome, err error) connector.ItemOutcome {
	adding := change.Operation == ldap.AddAttribute
	removing := change.Operation == ldap.DeleteAttribute
	switch {
	case adding && ldap.IsErrorWithCode(err, ldap.LDAPResultAttributeOrValueExists),
		removing && ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchAttribute):
		return connector.ItemOutcome{Effect: connector.Done}
	case removing && ldap.IsErrorWithCode(err, ldap.LDAPResultObjectClassViolation):
		name := change.Modification.Type
		if w.s.placeholder == "" {
			what.Err += fmt.Sprintf("; %s may be the last %s of %s, which the schema demands: give the connection the setting %s, such as the bind user's name",
				change.Modification.Vals[0], name, dn, settingPlaceholder)
			return what
		}
		what, _ = w.modifyLink(ctx, dn, guard, operation(ldap.AddAttribute, name, w.s.placeholder), change)
	}
	return what
}

// target returns the name of the entry at the far end of a link: the one that
// the reference carries, else the one that its key leads to.
func (w *writer) target(ctx context.Context, item connector.Item) (string, error) {
	names := item.Target.Values
	if dn := names[columnDN]; !dn.IsNull() {
		return nameOf(dn.Text())
	}
	for _, v := range names {
		if v.Type() == value.DN {
			return nameOf(v.Text())
		}
	}
	key := item.Target.Key
	if dn, err := directory.DN(key); err == nil {
		return dn.Text(), nil
	}
	if uuid.Validate(key) != nil {
		return "", fault.New(fault.Invalid, "", "the reference to %s %q says neither dn nor entryUUID: make dn one of its identifiers", item.Target.Entity, key)
	}
	request := ldap.NewSearchRequest(w.s.config.Base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false,
		directory.Equals(columnUUID, key), []string{"1.1"}, nil)
	result, err := w.conn.Search(ctx, request)
	switch {
	case err != nil:
		return "", err
	case len(result.Entries) != 1:
		return "", fault.New(fault.Refused, "", "the directory holds no %s with the key %s", item.Target.Entity, key)
	}
	return nameOf(result.Entries[0].DN)
}

func nameOf(raw string) (string, error) {
	dn, err := directory.DN(raw)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "", err)
	}
	return dn.Text(), nil
}
