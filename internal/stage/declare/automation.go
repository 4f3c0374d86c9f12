package declare

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/expression/spelling"
)

// requestableAccounts gives each resource type that can be requested a role of
// its own, which gives the resource and nothing else: so one machine serves
// requests of roles and of resources.
func (b *builder) requestableAccounts() {
	for _, id := range namesOf(b.model.ResourceTypes) {
		t := b.model.ResourceTypes[roles.ResourceTypeID(id)]
		if t.Provisioning.Approval == "" || t.Provisioning.Approval == roles.NotRequestable || t.Source == "" {
			continue
		}
		r := roles.Role{
			ID: roles.AccountRole(t.ID), Name: t.Name, About: "the resource " + t.Name + ", on request", Category: t.Category, Entity: t.Source,
			Approval: t.Provisioning.Approval, Account: t.ID, Comments: t.Comments, Position: t.Position,
		}
		b.model.Roles[r.ID] = r
		line := roles.Line{Role: r.ID, Kind: roles.Required, Period: roles.Period{Mode: roles.Default}, Position: t.Position,
			Object: join("resourceTypes", id+".provisioning.approval")}
		line.Mark = mark(line)
		t.Who = append(t.Who, roles.TypeRule{Line: line})
		b.model.ResourceTypes[t.ID] = t
	}
}

// automatable are the workflow states in which something waits for a person.
var automatable = []assignments.Workflow{
	assignments.NonConforming, assignments.PreExisting,
	assignments.PendingApproval1of1, assignments.PendingApproval1of2, assignments.PendingApproval2of2,
	assignments.PendingApproval1of3, assignments.PendingApproval2of3, assignments.PendingApproval3of3,
	assignments.SuggestedExisting, assignments.AutomaticWithValidation, assignments.Prolonged,
}

// anyPending stands for every step of every approval.
const anyPending = "pending-approval"

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// stateWord is a workflow state as the configuration spells it.
func stateWord(w assignments.Workflow) string {
	return strings.Trim(notWord.ReplaceAllString(strings.ToLower(w.String()), "-"), "-")
}

// automation builds the rules that decide for the reviewer.
func (b *builder) automation() {
	for i, doc := range b.doc.Automation {
		object := fmt.Sprintf("automation[%d]", i)
		r := roles.AutomationRule{
			Category: b.category(doc.Category, object), Entity: schema.EntityType(doc.Entity.Value), After: doc.After.Value,
			Approve: doc.Decide.Value == "approve", Position: doc.Position, Object: object, ResourceType: roles.ResourceTypeID(doc.ResourceType.Value),
		}
		if doc.Entity.given {
			b.entity(doc.Entity, join(object, "entity"))
		}
		r.Role = b.automated(doc, object)
		if doc.ResourceType.given {
			if t, ok := b.model.ResourceTypes[r.ResourceType]; !ok {
				b.unknown(doc.ResourceType, join(object, "resourceType"), "resource type", namesOf(b.model.ResourceTypes))
			} else if _, requestable := b.model.Roles[roles.AccountRole(t.ID)]; !requestable {
				b.find(doc.ResourceType.Position, join(object, "resourceType"), string(t.ID)+" cannot be requested, so nothing of it waits",
					"write its approval under provisioning, or leave the rule out")
			}
		}
		about := 0
		for _, t := range []text{doc.Role, doc.Composite, doc.ResourceType, doc.Category} {
			if t.given {
				about++
			}
		}
		if about > 1 {
			b.find(doc.Position, object, "the rule is about more than one thing", "keep one of role, composite, resourceType and category")
		}
		for _, t := range doc.Workflow {
			r.States = append(r.States, b.states(t, join(object, "workflow"))...)
		}
		for name, t := range sorted(doc.Match) {
			inside := join(object, "match."+name)
			d, ok := b.model.Dimensions[roles.DimensionID(name)]
			if !ok {
				b.unknown(text{place: t.place, Value: name}, inside, "dimension", namesOf(b.model.Dimensions))
				continue
			}
			if r.Match == nil {
				r.Match = map[roles.DimensionID]string{}
			}
			r.Match[d.ID] = t.Value
		}
		r.Mark = automationMark(r)
		b.model.Automation = append(b.model.Automation, r)
	}
}

// automated finds the role that a rule is about.
func (b *builder) automated(doc automationDoc, object string) roles.RoleID {
	named, key, composite := doc.Role, "role", false
	if doc.Composite.given {
		named, key, composite = doc.Composite, "composite", true
	}
	if !named.given {
		return ""
	}
	r, ok := b.model.Roles[roles.RoleID(named.Value)]
	switch {
	case !ok:
		b.unknown(named, join(object, key), "role", namesOf(b.model.Roles))
	case r.Composite != composite:
		b.find(named.Position, join(object, key), fmt.Sprintf("%s is not a %s role", r.ID, map[bool]string{true: "composite", false: "single"}[composite]),
			"write role: for a single role, composite: for a composite one")
	}
	return r.ID
}

// states reads a workflow state by name or number.
func (b *builder) states(t text, object string) (numbers []int) {
	words := []string{anyPending}
	for _, w := range automatable {
		pending := isStep(w)
		if t.Value == stateWord(w) || t.Value == strconv.Itoa(int(w)) || pending && t.Value == anyPending ||
			w == assignments.AutomaticWithValidation && t.Value == string(roles.WithValidation) {
			numbers = append(numbers, int(w))
		}
		words = append(words, stateWord(w))
	}
	if len(numbers) == 0 {
		do := spelling.Suggest(t.Value, words)
		if do == "" {
			slices.Sort(words)
			do = "write one of " + strings.Join(words, ", ") + ", or a number"
		}
		b.find(t.Position, object, fmt.Sprintf("nothing waits for a decision in a state %q", t.Value), do)
	}
	return numbers
}

// isStep reports whether a state is a step of an approval.
func isStep(w assignments.Workflow) bool {
	return w >= assignments.PendingApproval1of1 && w <= assignments.PendingApproval3of3
}

// automationMark is the fingerprint of what a rule says, not of where it stands.
func automationMark(r roles.AutomationRule) string {
	r.Position, r.Object = schema.Position{}, ""
	content, _ := json.Marshal(r) // texts, numbers and maps of them marshal
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}
