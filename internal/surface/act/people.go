package act

import (
	"context"
	"fmt"
	"strings"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

// A Directory finds people.
type Directory interface {
	Resolve(ctx context.Context, entity, text string) ([]view.Owner, error)
	People(ctx context.Context, f view.PeopleFilter) (view.PeoplePage, error)
	Person(ctx context.Context, ref resources.Ref) (view.Person, error)
}

// PeopleNamed finds who of some entity types bears a text as key or identifier, else
// as the beginning of the words of his name, else whoever is gone and had this key.
func PeopleNamed(ctx context.Context, d Directory, types []schema.EntityType, text string) ([]view.Owner, error) {
	var found []view.Owner
	for _, t := range types {
		list, err := d.Resolve(ctx, string(t), text)
		if err != nil {
			return nil, err
		}
		found = append(found, list...)
	}
	if len(found) > 0 {
		return found, nil
	}
	for _, t := range types {
		page, err := d.People(ctx, view.PeopleFilter{Entity: string(t), Text: text})
		if err != nil {
			return nil, err
		}
		found = append(found, page.People...)
	}
	if len(found) > 0 {
		return found, nil
	}
	for _, t := range types {
		p, err := d.Person(ctx, resources.Ref{Type: t, Key: resources.Key(text)})
		if err == nil {
			found = append(found, p.Owner)
		} else if fault.KindOf(err) != fault.NotFound {
			return nil, err
		}
	}
	return found, nil
}

// namedMost is how many people a message names.
const namedMost = 10

// OnePerson is the one person that a text means.
func OnePerson(ctx context.Context, d Directory, types []schema.EntityType, text string) (resources.Ref, error) {
	found, err := PeopleNamed(ctx, d, types, text)
	switch {
	case err != nil:
		return resources.Ref{}, err
	case len(found) == 0:
		return resources.Ref{}, &fault.Error{
			Kind: fault.NotFound, Msg: fmt.Sprintf("nobody is known as %q", text), Do: "look for a part of the name with `provisor person list TEXT`",
		}
	case len(found) > 1:
		names := make([]string, 0, len(found))
		for _, o := range found[:min(len(found), namedMost)] {
			names = append(names, called(o))
		}
		return resources.Ref{}, &fault.Error{
			Kind: fault.NotFound, Msg: fmt.Sprintf("%q may be any of %d: %s", text, len(found), strings.Join(names, ", ")),
			Do: "name one by the key in brackets",
		}
	}
	return resources.Ref{Type: schema.EntityType(found[0].Type), Key: resources.Key(found[0].Key)}, nil
}

// called writes who somebody is.
func called(o view.Owner) string {
	if o.Display == "" {
		return o.Key
	}
	return o.Display + " (" + o.Key + ")"
}
