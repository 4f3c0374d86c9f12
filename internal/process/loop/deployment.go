package loop

import (
	"context"
	"path/filepath"
	"strings"
	"sync"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/journal"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/store/statement"
)

// deployments keeps the deployed configuration compiled and its systems open.
// A server works on it for weeks while other processes deploy, and from several
// goroutines: each borrows what is deployed, and systems that were replaced are
// closed when the last borrower gives them back.
type deployments struct {
	store    *statement.DB
	packages []connector.Package
	systems  func(*roles.Model) *systems // of a model, none open yet
	lock     sync.Mutex
	present  *deployment
}

// deployment is one deployed configuration with its systems.
type deployment struct {
	*declare.Configuration
	hash    string // that it is stored under
	systems *systems
	warm    evaluate.Warm // used by whoever goes round, alone
	users   int
	retired bool
}

// borrow returns what is deployed now. The systems stay open until it is given back.
func (d *deployments) borrow(ctx context.Context) (*deployment, func(), error) {
	hash, err := d.store.DeployedHash(ctx)
	if err != nil {
		return nil, nil, err
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.present == nil || d.present.hash != hash {
		if err := d.load(ctx); err != nil {
			return nil, nil, err
		}
	}
	lent := d.present
	lent.users++
	return lent, func() { d.giveBack(lent) }, nil
}

func (d *deployments) giveBack(lent *deployment) {
	d.lock.Lock()
	defer d.lock.Unlock()
	lent.users--
	if lent.retired && lent.users == 0 {
		lent.systems.Close()
	}
}

// load compiles what the store says is deployed.
func (d *deployments) load(ctx context.Context) error {
	stored, err := d.store.Deployed(ctx)
	if fault.KindOf(err) == fault.NotFound {
		return &fault.Error{
			Kind: fault.NotFound, Op: "load the configuration", Msg: "no configuration is deployed yet",
			Do: "check config/ with `provisor validate` and deploy it with `provisor apply`",
		}
	}
	if err != nil {
		return err
	}
	c, err := declare.Load(stored.Files, d.packages)
	if err != nil {
		return fault.Wrap(fault.Invalid, "load the deployed configuration (this program reads it differently than the one that deployed it)", err)
	}
	d.replace(stored.Hash, c)
	return nil
}

// replace makes a configuration the present one. The lock is held.
func (d *deployments) replace(hash string, c *declare.Configuration) {
	d.retire()
	d.present = &deployment{Configuration: c, hash: hash, systems: d.systems(c.Model)}
}

func (d *deployments) retire() {
	if d.present == nil {
		return
	}
	d.present.retired = true
	if d.present.users == 0 {
		d.present.systems.Close()
	}
	d.present = nil
}

// Close gives up the systems.
func (d *deployments) Close() {
	d.lock.Lock()
	defer d.lock.Unlock()
	d.retire()
}

// Deployed is the configuration that the stages use.
func (e *Engine) Deployed(ctx context.Context) (*declare.Configuration, error) {
	d, giveBack, err := e.deployments.borrow(ctx)
	if err != nil {
		return nil, err
	}
	giveBack()
	return d.Configuration, nil
}

// Owners lists the entity types whose resources own accounts: people.
func (e *Engine) Owners(ctx context.Context) ([]string, error) {
	c, err := e.Deployed(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range c.Model.Owners() {
		names = append(names, string(t))
	}
	return names, nil
}

// Deploy makes a checked configuration the one that the stages use. The one
// before is kept.
func (e *Engine) Deploy(ctx context.Context, c *declare.Configuration, why string) error {
	act := journal.Act{Actor: e.Actor, Name: "deploy", Subject: short(c.Hash), Why: why, At: e.Clock()}
	if err := e.DB.Deploy(ctx, act, stage.Deployment{Hash: c.Hash, Files: c.Files}); err != nil {
		return err
	}
	e.deployments.lock.Lock()
	defer e.deployments.lock.Unlock()
	e.deployments.replace(c.Hash, c)
	return nil
}

func short(hash string) string { return hash[:min(12, len(hash))] }

// Files reads and checks the configuration in the folder.
func (e *Engine) Files() (*declare.Configuration, error) {
	files, err := declare.ReadDir(filepath.Join(e.Dir, ConfigFolder))
	if err != nil {
		return nil, err
	}
	return declare.Load(files, e.Packages)
}

// Check reads and checks other files.
func (e *Engine) Check(files declare.Files) (*declare.Configuration, error) {
	return declare.Load(files, e.Packages)
}

// Differs says in one line that the files in the folder are not what is
// deployed, "" when they are the same or there are none.
func (e *Engine) Differs(ctx context.Context) string {
	c, err := e.Deployed(ctx)
	if err != nil {
		return ""
	}
	files, err := declare.ReadDir(filepath.Join(e.Dir, ConfigFolder))
	if err != nil {
		return ""
	}
	if changed := declare.ChangedFiles(c.Files, files); len(changed) > 0 {
		return "the files in config/ differ from what is deployed (" + strings.Join(changed, ", ") + "): see `provisor plan`"
	}
	return ""
}
