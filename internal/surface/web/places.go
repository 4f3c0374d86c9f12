package web

import (
	"context"
	"slices"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/surface/routes"
	"provisor.dev/provisor/internal/view"
)

// A place is pages that are for one thing.
type place struct {
	Name  string
	Pages []placePage
}

// placePage is a page with how much it has, or what it is for.
type placePage struct {
	Name, Address, Says string
	needs               access.Permission
}

// places are the pages that whoever looks may open.
func (s *site) places(ctx context.Context) ([]place, error) {
	types, err := s.entities(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	if may(ctx, access.ConnectorsView) {
		if counts, err = s.Questions.EntityCounts(ctx, types); err != nil {
			return nil, err
		}
	}
	directory := place{Name: "Directory"}
	if me := routes.Who(ctx).Person; me.Key != "" {
		own := string(personAddress(view.Owner{Type: string(me.Type), Key: string(me.Key)}))
		directory.Pages = append(directory.Pages, placePage{"Yourself", own, "what you have, and asking for more", access.DirectoryView})
	}
	for _, t := range types {
		says := "search by name"
		if n, counted := counts[t]; counted {
			says = countText(n, false)
		}
		directory.Pages = append(directory.Pages, placePage{t, entityAddress(t), says, access.DirectoryView})
	}
	directory.Pages = append(directory.Pages, placePage{"Forms", "/workflows", "create, change or end identity data", access.IdentityChange})
	administration, err := s.administration(ctx)
	if err != nil {
		return nil, err
	}
	configuration, err := s.configuration(ctx)
	if err != nil {
		return nil, err
	}
	list := []place{directory, administration, configuration}
	for i := range list {
		list[i].Pages = slices.DeleteFunc(list[i].Pages, func(p placePage) bool { return !may(ctx, p.needs) })
	}
	return slices.DeleteFunc(list, func(p place) bool { return len(p.Pages) == 0 }), nil
}

// administration is what keeps the server going, and who may what.
func (s *site) administration(ctx context.Context) (place, error) {
	jobs := "runs and schedules"
	if may(ctx, access.JobsView) {
		open, err := s.Questions.Runs(ctx, view.RunFilter{Open: true, Limit: countedRows})
		if err != nil {
			return place{}, err
		}
		jobs = count(len(open.Runs), "run") + " under way"
	}
	own := placePage{"My profiles", "/delegations", "what you may do, and what you delegated", access.Delegate}
	if may(ctx, access.ProfilesView) {
		own = placePage{"Profiles", "/profiles", "who may do what", access.ProfilesView}
	}
	pages := []placePage{
		{"Jobs", "/jobs", jobs, access.JobsView},
		own,
		{"Journal", "/journal", "who did what, when and why", access.JournalView},
		{"Messages", "/messages", "who was told what", access.MessagesView},
	}
	if s.Monitoring != "" {
		pages = append(pages, placePage{"Monitoring", s.Monitoring, "numbers for Prometheus", access.MetricsView})
	}
	return place{Name: "Administration", Pages: pages}, nil
}

// configuration is what is declared, and what a change of it would cause.
func (s *site) configuration(ctx context.Context) (place, error) {
	m, err := s.model(ctx)
	if err != nil {
		return place{}, err
	}
	return place{Name: "Configuration", Pages: []placePage{
		{"Connectors", "/connectors", count(len(m.Connectors), "connector"), access.ConnectorsView},
		{"Roles", "/roles", count(len(m.Roles), "role"), access.CatalogView},
		{"Rules", "/rules", count(len(m.Lines()), "rule line"), access.RulesView},
		{"Plans", "/plans", "what a change would cause", access.PlanView},
		{"States", "/states", "what the nine states mean", access.StatesView},
	}}, nil
}
