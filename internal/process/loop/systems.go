package loop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/secret"
)

// systems opens the managed systems of a model, each connection once. Secrets
// are resolved here, where the connection runs, and go nowhere else.
type systems struct {
	model    *roles.Model
	packages map[string]connector.Package
	dir      string
	stored   storedSecret
	lock     sync.Mutex
	open     map[string]connector.System
}

// storedSecret reads a secret of the store.
type storedSecret func(ctx context.Context, name string) (secret.Text, error)

// systems are those that a model declares, none open yet.
func (e *Engine) systems(model *roles.Model) *systems {
	s := &systems{model: model, packages: map[string]connector.Package{}, dir: e.Dir, stored: e.storedSecret, open: map[string]connector.System{}}
	for _, p := range e.Packages {
		s.packages[p.Name] = p
	}
	return s
}

// System returns an open system, opening it when it is first asked for.
func (s *systems) System(ctx context.Context, c schema.ConnectorID, id schema.ConnectionID) (connector.System, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	name := string(c) + "/" + string(id)
	if system, ok := s.open[name]; ok {
		return system, nil
	}
	connection, ok := s.model.Connectors[c].Connections[id]
	if !ok {
		return nil, fault.New(fault.NotFound, "open "+name, "the connection is not declared")
	}
	p, ok := s.packages[connection.Package]
	if !ok {
		return nil, fault.New(fault.NotFound, "open "+name, "this program has no connector package %q", connection.Package)
	}
	settings, err := s.settings(ctx, p, connection)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "open "+name, err)
	}
	system, err := p.Open(ctx, settings)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	s.open[name] = system
	return system, nil
}

// settings fills ${NAME} from the environment and secrets from where they are kept.
func (s *systems) settings(ctx context.Context, p connector.Package, c schema.Connection) (connector.Settings, error) {
	out := connector.Settings{Values: map[string]string{}, Secrets: map[string]secret.Text{}, Dir: s.dir}
	isSecret := map[string]bool{}
	for _, setting := range p.Settings {
		isSecret[setting.Name] = setting.Secret
	}
	from := secret.Places{Dir: s.dir, Store: func(name string) (secret.Text, error) { return s.stored(ctx, name) }}
	var findings fault.Findings
	for name, text := range c.Settings {
		if isSecret[name] {
			resolved, err := secret.Reference(text).Resolve(from)
			if err != nil {
				findings = append(findings, fault.Finding{Object: name, What: err.Error(), Do: remedyOf(err)})
				continue
			}
			out.Secrets[name] = resolved
			continue
		}
		out.Values[name] = os.Expand(text, func(variable string) string {
			value, ok := os.LookupEnv(variable)
			if !ok {
				findings = append(findings, fault.Finding{Object: name, What: "the environment variable " + variable + " is not set", Do: "set it, or write the value into the configuration"})
			}
			return value
		})
	}
	if p.Check != nil && len(findings) == 0 {
		findings = p.Check(out)
	}
	return out, findings.Err()
}

// remedyOf is what an unresolved secret says to do.
func remedyOf(err error) string {
	var known *fault.Error
	if errors.As(err, &known) && known.Do != "" {
		return known.Do
	}
	return "set the secret for the process that runs the connection"
}

// Close gives every system up.
func (s *systems) Close() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for name, system := range s.open {
		_ = system.Close() // nothing is lost: what was sent was answered or is looked up
		delete(s.open, name)
	}
}
