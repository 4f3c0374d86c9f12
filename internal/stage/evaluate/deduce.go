package evaluate

import (
	"slices"
	"sort"
	"strings"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
)

// backward holds the rules as they are read from what is there to what would
// have given it. It is made once for all owners.
type backward struct {
	lines      map[linkName][]grantLine
	properties map[roles.ResourceTypeID][]schema.PropertyName // that navigation rules give
	parts      map[roles.RoleID][]part                        // of composite roles
}

// linkName is a link of an account to something, whoever's account it is.
type linkName struct {
	kind     roles.ResourceTypeID
	property schema.PropertyName
	to       resources.Key
}

// grantLine is a navigation rule with the way of having its role that it asks for.
type grantLine struct {
	line roles.Line
	at   roleKey // no role: it gives the link to whomever it fits
}

// part is a role that a composite role gives.
type part struct {
	role roles.Role
	line roles.Line
}

func (e *evaluation) readBackward() backward {
	b := backward{
		lines: map[linkName][]grantLine{}, properties: map[roles.ResourceTypeID][]schema.PropertyName{}, parts: map[roles.RoleID][]part{},
	}
	for _, id := range e.types {
		t := e.Model.ResourceTypes[id]
		entity, _ := e.Model.Entity(t.Target)
		for _, r := range t.Links {
			far, there := e.linked(entity.Properties[r.Property], r.To)
			if !there {
				continue
			}
			at := linkName{id, r.Property, far}
			b.lines[at] = append(b.lines[at], grantLine{r.Line, e.askedFor(r.Line)})
			if r.Role != "" && !slices.Contains(b.properties[id], r.Property) {
				b.properties[id] = append(b.properties[id], r.Property)
			}
		}
		slices.Sort(b.properties[id])
	}
	for _, id := range e.roleIDs {
		role := e.Model.Roles[id]
		for i := range role.Assign {
			if l := role.Assign[i].Line; !l.Deny && !proposes(l) && e.Model.Roles[l.Role].Composite {
				b.parts[l.Role] = append(b.parts[l.Role], part{role, l})
			}
		}
	}
	return b
}

// askedFor is the way of having its role that a line asks for: with the values
// that it matches of dimensions which the role takes as parameters.
func (e *evaluation) askedFor(l roles.Line) roleKey {
	with := map[roles.DimensionID]string{}
	for id := range e.Model.Roles[l.Role].Parameters {
		if key, ok := e.dimensionValue(id, l.Match[id]); ok && l.Match[id] != "" {
			with[id] = string(key)
		}
	}
	return roleKey{l.Role, assignments.ParametersOf(with)}
}

// trace is what an owner's accounts show of one way of having a role.
type trace struct {
	alone  bool     // something is there that only this role gives
	from   []string // the links that are there and that it would explain
	lately bool     // something of it was not there before go-live
}

// deduce finds roles that nobody gave in what the owner's accounts hold: single
// roles of which something is there that they alone give, then composite roles
// whose every part the owner has. What was found once stays found as long as
// anything is there that only it explains for this owner.
func (h *holder) deduce() {
	c := h.standing
	if !c.period.Covers(h.Day) {
		return // what somebody has who is not here yet, or not any more, follows the rules
	}
	traces := h.traces()
	keys := make([]roleKey, 0, len(traces))
	for at := range traces {
		keys = append(keys, at)
	}
	sort.Slice(keys, func(i, j int) bool {
		return compareText(keys[i].role, keys[j].role) < 0 || keys[i].role == keys[j].role && keys[i].with < keys[j].with
	})
	for _, at := range keys {
		x := traces[at]
		if !x.alone && !h.prior[at].Workflow.Found() || h.spokenFor(at) {
			continue
		}
		as := assignments.PreExisting
		if x.lately {
			as = assignments.NonConforming
		}
		h.find(at, as, assignments.Reason{Note: "deduced from " + strings.Join(x.from, ", ")})
	}
	h.recompose()
}

// find gives the owner a role because it was found.
func (h *holder) find(at roleKey, as assignments.Workflow, reason assignments.Reason) {
	period := assignments.Period{From: h.Day.Truncate(schema.Day)}
	if before := h.prior[at]; before.Workflow.Found() {
		as = before.Workflow // what it was first stays with it
		if before.Period.Covers(h.Day) {
			period.From = before.Period.From
		}
	}
	g := granted{parameters: at.with, workflow: as, period: within(period, h.standing.period), reasons: because(reason)}
	h.standing.roles[at.role] = append(h.standing.roles[at.role], g)
	h.has(at.role, as, []granted{g})
}

// spokenFor reports whether the owner has the role in this way already, or
// somebody decided about it.
func (h *holder) spokenFor(at roleKey) bool {
	role := h.Model.Roles[at.role]
	if role.Entity != "" && role.Entity != h.standing.owner.Type || incomplete(&role, at.with) || h.standing.unknown[at.role] != nil {
		return true
	}
	if slices.ContainsFunc(h.standing.roles[at.role], func(g granted) bool { return g.parameters == at.with }) {
		return true
	}
	return slices.ContainsFunc(h.decided, func(d assignments.RoleDecision) bool {
		if d.Role != at.role || d.Parameters != at.with && (d.Workflow != assignments.WorkflowDeclined || d.Parameters != "") {
			return false
		}
		return d.Workflow == assignments.Cancellation || !d.Period.Over(h.Day)
	})
}

// traces reads the rules backward for every link that is there and that nothing
// gives.
func (h *holder) traces() map[roleKey]*trace {
	found := map[roleKey]*trace{}
	for _, id := range h.types {
		t := h.Model.ResourceTypes[id]
		if t.Source != h.standing.owner.Type || len(h.backward.properties[id]) == 0 {
			continue
		}
		for _, m := range h.standing.accounts[id] {
			target, there := h.World.Record(t.Target, m.Target)
			if !there || !m.sure() {
				continue
			}
			for _, property := range h.backward.properties[id] {
				for _, to := range target.Links[property] {
					if lines := h.backward.lines[linkName{id, property, to}]; len(lines) > 0 && !h.explained(lines) {
						h.trace(found, m, linkName{id, property, to}, lines)
					}
				}
			}
		}
	}
	return found
}

// explained reports whether a rule gives the link, by a role that the owner has
// or without one, or denies it; where nobody can say, it is left alone.
func (h *holder) explained(lines []grantLine) bool {
	c := h.standing
	for _, x := range lines {
		if x.at.role != "" && len(c.roles[x.at.role]) == 0 && c.unknown[x.at.role] == nil {
			continue
		}
		if g, ok, err := h.holds(c, x.line); err != nil || ok && g.period.Covers(h.Day) {
			return true
		}
	}
	return false
}

// trace notes which roles would explain a link.
func (h *holder) trace(found map[roleKey]*trace, m match, link linkName, lines []grantLine) {
	as, anew, by := h.met(m.Assigned, link, lines)
	if !anew && len(by) == 0 {
		return
	}
	var possible []roleKey
	for _, x := range lines {
		if x.at.role != "" && !x.line.Deny && !slices.Contains(possible, x.at) && h.wouldGive(x) {
			possible = append(possible, x.at)
		}
	}
	for _, at := range possible {
		if !anew && !slices.Contains(by, at) {
			continue
		}
		x := found[at]
		if x == nil {
			x = &trace{}
			found[at] = x
		}
		x.alone = x.alone || anew && len(possible) == 1
		x.lately = x.lately || as == assignments.NonConforming
		x.from = append(x.from, string(link.kind)+" "+string(m.Target)+" "+string(link.property)+" → "+string(link.to))
	}
}

// met says how a link that is there was met: as what, and whether it speaks for a
// role anew. Rules gave what they gave, and what a person settled is settled; such
// a link speaks only for roles, found before, with which it came. None of the
// lines that would give the link does.
func (h *holder) met(a Assigned, link linkName, lines []grantLine) (as assignments.Workflow, anew bool, by []roleKey) {
	many := false
	if entity, ok := h.Model.Entity(h.Model.ResourceTypes[link.kind].Target); ok {
		many = entity.Properties[link.property].Many
	}
	i := slices.IndexFunc(a.Items, func(it orders.Item) bool {
		return it.Property == link.property && (!many || it.Link == link.to)
	})
	if i < 0 {
		return h.foundAs(link.kind), true, nil
	}
	switch it := a.Items[i]; {
	case it.Decision.Refused, it.Decision.Exception != nil:
		return 0, false, nil
	case it.Policy.Workflow.Found():
		return it.Policy.Workflow, true, nil
	case it.Place.Mark == orders.Found && !wantedBeside(it, lines):
		return assignments.NonConforming, true, nil // somebody put back what rules had given
	default:
		for _, r := range it.Policy.Reasons {
			if at := (roleKey{r.Role, r.With}); h.prior[at].Workflow.Found() {
				by = append(by, at)
			}
		}
		return 0, false, by
	}
}

// wantedBeside reports whether something else than these lines gave a link when
// it was evaluated last.
func wantedBeside(it orders.Item, lines []grantLine) bool {
	return it.Policy.Wanted && slices.ContainsFunc(it.Policy.Reasons, func(r assignments.Reason) bool {
		return !slices.ContainsFunc(lines, func(x grantLine) bool { return x.line.Object == r.Rule })
	})
}

// wouldGive reports whether the line would give its link if the owner had its role.
func (h *holder) wouldGive(x grantLine) bool {
	g, ok, err := h.supposing(x.at, func() (granted, bool, error) { return h.holds(h.standing, x.line) })
	return err != nil || ok && g.period.Covers(h.Day) // what throws may give it
}

// supposing asks something as if the owner had a role.
func (h *holder) supposing(at roleKey, ask func() (granted, bool, error)) (granted, bool, error) {
	c := h.standing
	before, had := c.roles[at.role]
	c.roles[at.role] = []granted{{parameters: at.with, workflow: assignments.Calculated, period: c.period}}
	defer func() {
		if c.roles[at.role] = before; !had {
			delete(c.roles, at.role)
		}
	}()
	return ask()
}

// recompose finds composite roles: the owner has every part, and at least one of
// them was found. One that was found before stays as long as a part of it is
// found, and then gives what is missing of it.
func (h *holder) recompose() {
	if !slices.ContainsFunc(h.rows, func(a assignments.AssignedRole) bool { return a.Workflow.Found() }) {
		return
	}
	for range compositeLevelsMax {
		again := false
		for _, id := range h.roleIDs {
			at := roleKey{role: id}
			if parts := h.backward.parts[id]; len(parts) > 0 && !h.spokenFor(at) {
				again = h.recompound(at, parts) || again
			}
		}
		if !again {
			return
		}
	}
}

// recompound finds one composite role, if the owner has what it consists of.
func (h *holder) recompound(at roleKey, parts []part) bool {
	c := h.standing
	var here []part
	var names []string
	whole, lately := true, false
	for _, p := range parts {
		_, fits, err := h.supposing(at, func() (granted, bool, error) { return h.holds(c, p.line) })
		if err != nil || !fits {
			continue
		}
		here = append(here, p)
		has := c.roles[p.role.ID]
		whole = whole && len(has) > 0
		for _, g := range has {
			if g.workflow.Found() {
				names = append(names, string(p.role.ID))
				lately = lately || g.workflow == assignments.NonConforming
				break
			}
		}
	}
	if len(names) == 0 || !whole && !h.prior[at].Workflow.Found() {
		return false
	}
	as := assignments.PreExisting
	if lately {
		as = assignments.NonConforming
	}
	h.find(at, as, assignments.Reason{Note: "deduced from the roles " + strings.Join(names, ", ")})
	for _, p := range here {
		if len(c.roles[p.role.ID]) == 0 {
			h.settle(&p.role)
			continue
		}
		for i := range h.rows {
			if a := &h.rows[i]; a.Role == p.role.ID && a.Workflow.Found() {
				a.Reasons = append(slices.Clip(a.Reasons), assignments.Reason{Rule: p.line.Object, Role: at.role, Mark: p.line.Mark})
			}
		}
	}
	return true
}
