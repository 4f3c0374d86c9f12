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
)

// Apply carries out one change over one connection, one request after the other.
// After a request without an answer nothing more is sent.
func (s *system) Apply(ctx context.Context, change connector.Change) connector.Outcome {
	conn, err := s.pool.Take(ctx)
	if err != nil {
		what, down := directory.Judge(s.config, err)
		out := connector.All(change, what)
		out.Down = down
		return out
	}
	defer conn.Give()
	w := &writer{s: s, conn: conn, change: change}
	w.out = connector.Outcome{Key: change.Key, Items: make(map[int]connector.ItemOutcome, len(change.Items))}
	if w.extent, err = s.extentOf(change.Shape); err != nil {
		return connector.All(change, permanent("%s", err))
	}
	w.sort()
	switch change.Kind {
	case connector.Create:
		w.create(ctx)
	case connector.Update:
		w.update(ctx)
	case connector.Delete:
		w.delete(ctx)
	default:
		return connector.All(change, permanent("%q is not a kind of change", change.Kind))
	}
	return w.out
}

// writer carries out one change.
type writer struct {
	s      *system
	conn   *directory.Conn
	change connector.Change
	extent extent
	out    connector.Outcome

	object  []connector.Item // the entry itself
	name    []connector.Item // its distinguished name
	scalars []connector.Item // its attributes
	links   []connector.Item // names in its attributes
	far     []connector.Item // its name in the attributes of others

	dn    string         // where the entry is, as far as is known
	guard []ldap.Control // lets the server refuse when another entry is there
}

func permanent(format string, args ...any) connector.ItemOutcome {
	return connector.ItemOutcome{Err: fmt.Sprintf(format, args...), Effect: connector.None, Permanent: true}
}

func notYet(format string, args ...any) connector.ItemOutcome {
	what := permanent(format, args...)
	what.Permanent = false
	return what
}

// sort puts the items where they belong and refuses those that cannot be written.
func (w *writer) sort() {
	for _, item := range w.change.Items {
		p := item.Property
		switch {
		case item.Op == connector.OpObject:
			w.object = append(w.object, item)
		case !fits(item):
			w.set(item, permanent("%s cannot be done with the property %s", item.Op, p.Name))
		case p.System || p.ReadOnly:
			w.set(item, permanent("the property %s is not written: the directory assigns it", p.Name))
		case isDN(p) && (item.Op == connector.OpClear || item.Value.IsNull()):
			w.set(item, permanent("an entry cannot be without its distinguished name"))
		case isDN(p):
			w.name = append(w.name, item)
		case p.Link == "":
			w.scalars = append(w.scalars, item)
		case p.Stored():
			w.links = append(w.links, item)
		default:
			w.far = append(w.far, item)
		}
	}
}

// fits reports whether an operation is one for the kind of property. Links to
// many are never set or cleared as a whole.
func fits(item connector.Item) bool {
	switch item.Op {
	case connector.OpSet, connector.OpClear:
		return !item.Property.Many
	case connector.OpAdd, connector.OpRemove:
		return item.Property.Link != ""
	}
	return false
}

func (w *writer) set(item connector.Item, what connector.ItemOutcome) { w.out.Items[item.ID] = what }

func (w *writer) setAll(what connector.ItemOutcome, groups ...[]connector.Item) {
	for _, items := range groups {
		for _, item := range items {
			w.set(item, what)
		}
	}
}

// send asks for one change and says what is known afterwards.
func (w *writer) send(ctx context.Context, request func(*ldap.Conn) error) (connector.ItemOutcome, error) {
	err := w.conn.Do(ctx, request)
	what, _ := directory.Judge(w.s.config, err)
	return what, err
}

// newName returns the name that the change gives the entry. It lies below the
// base of the entity type: what is written elsewhere would never be read back.
func (w *writer) newName() (string, error) {
	if len(w.name) == 0 {
		return "", fmt.Errorf("the change gives the entry no distinguished name: add a property with the column dn, and a rule for it")
	}
	dn, err := directory.DN(w.name[len(w.name)-1].Value.Text())
	if err != nil {
		return "", err
	}
	if !directory.Below(dn.Text(), w.extent.base) {
		return "", fmt.Errorf("%s does not lie below %s, where entries of %s are", dn.Text(), w.extent.base, w.change.Shape.Entity)
	}
	return dn.Text(), nil
}

func (w *writer) create(ctx context.Context) {
	own := [][]connector.Item{w.object, w.name, w.scalars}
	dn, err := w.newName()
	if err != nil {
		w.setAll(permanent("%s", err), append(own, w.links, w.far)...)
		return
	}
	w.dn = dn
	request, err := w.addRequest(ctx)
	if err != nil {
		w.setAll(permanent("%s", err), append(own, w.links, w.far)...)
		return
	}
	what, err := w.send(ctx, func(c *ldap.Conn) error { return c.Add(request) })
	if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		what.Err += fmt.Sprintf(" (the entry above %s must exist first)", dn)
	}
	w.setAll(what, append(own, w.links)...)
	if what.Effect != connector.Done {
		later := notYet("not attempted: the entry was not created")
		later.Permanent = what.Permanent
		w.setAll(later, w.far)
		return
	}
	w.out.Key = w.keyOfNew(ctx)
	w.writeFar(ctx)
}

// addRequest builds the entry: classes, values, links, and what its own name says.
func (w *writer) addRequest(ctx context.Context) (*ldap.AddRequest, error) {
	var entry attributeList
	for name, values := range w.change.Shape.Create {
		entry.add(name, values...)
	}
	if entry.get(columnClass) == nil {
		entry.add(columnClass, w.change.Shape.From[fromObjects])
	}
	for _, item := range w.scalars {
		text, err := spell(item.Property, item.Value)
		if err != nil {
			return nil, err
		}
		if item.Op == connector.OpSet && !item.Value.IsNull() {
			entry.replace(column(item.Property), text)
		}
	}
	links := w.links[:0:0]
	for _, item := range w.links {
		name, err := w.target(ctx, item)
		switch {
		case err != nil:
			w.set(item, w.unresolved(err))
			continue
		case item.Op == connector.OpAdd || item.Op == connector.OpSet:
			entry.add(column(item.Property), name)
		}
		links = append(links, item)
	}
	w.links = links
	_, asserts, _ := directory.Split(w.dn)
	for _, a := range asserts {
		if entry.get(a.Attribute) == nil {
			entry.add(a.Attribute, a.Value)
		}
	}
	for class, member := range memberOfClass {
		if w.s.placeholder != "" && entry.has(columnClass, class) && entry.get(member) == nil {
			entry.add(member, w.s.placeholder)
		}
	}
	request := ldap.NewAddRequest(w.dn, nil)
	for _, attribute := range entry {
		request.Attribute(attribute.Type, attribute.Vals)
	}
	return request, nil
}

// memberOfClass names the attribute of which a group of the class needs a value.
var memberOfClass = map[string]string{"groupOfNames": "member", "groupOfUniqueNames": "uniqueMember"}

// attributeList is an entry under construction; names are compared as LDAP does.
type attributeList []ldap.Attribute

func (l *attributeList) get(name string) *ldap.Attribute {
	for i := range *l {
		if strings.EqualFold((*l)[i].Type, name) {
			return &(*l)[i]
		}
	}
	return nil
}

func (l *attributeList) has(name, text string) bool {
	a := l.get(name)
	return a != nil && slices.ContainsFunc(a.Vals, func(v string) bool { return strings.EqualFold(v, text) })
}

func (l *attributeList) add(name string, values ...string) {
	if a := l.get(name); a != nil {
		a.Vals = append(slices.Clone(a.Vals), values...)
		return
	}
	*l = append(*l, ldap.Attribute{Type: name, Vals: values})
}

func (l *attributeList) replace(name, text string) {
	if a := l.get(name); a != nil {
		a.Vals = []string{text}
		return
	}
	l.add(name, text)
}

// keyOfNew reads the key that the directory gave a new entry. When it cannot be
// read, the creation has still happened: the engine finds the key by looking up.
func (w *writer) keyOfNew(ctx context.Context) string {
	name := keyColumn(w.change.Shape)
	if strings.EqualFold(name, columnDN) {
		return w.dn
	}
	result, err := w.conn.Search(ctx, baseSearch(w.dn, "(objectClass=*)", name))
	if err != nil || len(result.Entries) != 1 {
		return w.change.Key
	}
	object, err := (&decoder{s: w.s, shape: connector.Shape{Key: w.change.Shape.Key, Properties: keyOnly(w.change.Shape)}}).object(result.Entries[0])
	if err != nil {
		return w.change.Key
	}
	return object.Key
}

func keyOnly(shape connector.Shape) []connector.Property {
	p, ok := shape.Property(shape.Key)
	if !ok {
		return nil
	}
	return []connector.Property{p}
}

// delete takes the entry out of the groups that items name, then away.
func (w *writer) delete(ctx context.Context) {
	own := [][]connector.Item{w.object, w.name, w.scalars, w.links}
	err := w.locate(ctx)
	if fault.KindOf(err) == fault.NotFound {
		w.setAll(connector.ItemOutcome{Effect: connector.Done}, own...)
		if w.dn == "" {
			w.setAll(permanent("the entry is gone and its name is not known"), w.far)
			return
		}
		w.writeFar(ctx)
		w.unlink(ctx)
		return
	}
	if err != nil {
		w.setAll(w.unresolved(err), append(own, w.far)...)
		return
	}
	w.writeFar(ctx)
	if what := w.unlink(ctx); what.Effect != connector.Done {
		w.setAll(what, own...)
		return
	}
	what, err := w.send(ctx, func(c *ldap.Conn) error { return c.Del(ldap.NewDelRequest(w.dn, w.guard)) })
	if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		what = w.missing(ctx)
		if what.Permanent { // the directory holds it nowhere, which is what was asked for
			what = connector.ItemOutcome{Effect: connector.Done}
		}
	}
	w.setAll(what, own...)
}

// locate finds out where the entry is. Where the server can refuse a request
// unless the entry there has our key, the name seen last is good enough;
// otherwise the key is looked up first, so that another entry that took the name
// is never changed in its stead.
func (w *writer) locate(ctx context.Context) error {
	shape := w.change.Shape
	key := keyColumn(shape)
	if strings.EqualFold(key, columnDN) {
		dn, err := directory.DN(w.change.Key)
		w.dn = dn.Text()
		return err
	}
	if w.change.Key == "" {
		return fault.New(fault.Invalid, "", "the change names no entry: its key is missing")
	}
	root, err := w.s.about(ctx, w.conn)
	if err != nil {
		return err
	}
	for _, p := range shape.Properties {
		if isDN(p) {
			w.dn = w.change.Current.Values[p.Name].Text()
		}
	}
	if w.dn == "" || !slices.Contains(root.controls, controlAssertion) {
		entry, err := w.s.find(ctx, w.conn, connector.LookupRequest{Shape: shape, Key: w.change.Key}, "1.1")
		if err != nil {
			return err
		}
		if w.dn, err = nameOf(entry.DN); err != nil {
			return err
		}
	}
	if slices.Contains(root.controls, controlAssertion) {
		p, _ := shape.Property(shape.Key)
		text, err := spellKey(p, w.change.Key)
		if err != nil {
			return err
		}
		filter, err := ldap.CompileFilter(directory.Equals(key, text))
		if err != nil {
			return err
		}
		w.guard = []ldap.Control{ldap.NewControlString(controlAssertion, true, string(filter.Bytes()))}
	}
	return nil
}

// missing says what is known when the entry is not where it was seen last.
func (w *writer) missing(ctx context.Context) connector.ItemOutcome {
	entry, err := w.s.find(ctx, w.conn, connector.LookupRequest{Shape: w.change.Shape, Key: w.change.Key}, "1.1")
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return permanent("No Such Object (32): the directory holds no entry with the key %s", w.change.Key)
	case err != nil:
		return notYet("No Such Object (32): %s is not there, and its key cannot be looked up: %s", w.dn, w.s.config.Mask(directory.Words(err)))
	}
	return notYet("No Such Object (32): the entry moved from %s to %s", w.dn, entry.DN)
}

// unresolved says why an entry that a change names could not be found: nothing
// was sent.
func (w *writer) unresolved(err error) connector.ItemOutcome {
	kind := fault.KindOf(directory.Fault(w.s.config, "", err))
	return connector.ItemOutcome{
		Effect:    connector.None,
		Err:       w.s.config.Mask(directory.Words(err)),
		Permanent: kind != fault.Unavailable,
	}
}
