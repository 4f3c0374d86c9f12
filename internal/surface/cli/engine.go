package cli

import (
	"context"
	"io"
	"log/slog"
	"time"

	"provisor.dev/provisor/internal/domain/assignments"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/roles"
	"provisor.dev/provisor/internal/domain/runs"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/explain"
	"provisor.dev/provisor/internal/plan"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/internal/stage/declare"
	"provisor.dev/provisor/internal/stage/evaluate"
	"provisor.dev/provisor/internal/stage/fulfil"
	"provisor.dev/provisor/internal/stage/generate"
	"provisor.dev/provisor/internal/stage/review"
	"provisor.dev/provisor/internal/stage/synchronize"
	"provisor.dev/provisor/internal/stage/verify"
	"provisor.dev/provisor/internal/surface/act"
	"provisor.dev/provisor/internal/surface/notify"
	"provisor.dev/provisor/internal/view"
	"provisor.dev/provisor/secret"
)

// Options open a folder.
type Options struct {
	Dir       string
	Store     string // a PostgreSQL address; "": provisor.db in Dir
	KeyFile   string // the key of the stored secrets; "": provisor.key in Dir
	As        string // the person who acts; "": the operating system's user
	Day       time.Time
	MustExist bool
}

// An Opener opens a folder.
type Opener func(context.Context, Options) (Engine, error)

// Questions is what the store answers.
type Questions = view.Questions

// An Engine is an open folder: what the commands need of it.
type Engine interface {
	Close() error
	Day() time.Time
	Today() time.Time
	Follow(Progress)

	Files() (*declare.Configuration, error)
	Check(declare.Files) (*declare.Configuration, error)
	Deployed(context.Context) (*declare.Configuration, error)
	Deploy(ctx context.Context, c *declare.Configuration, why string) error
	Differs(context.Context) string
	Plan(ctx context.Context, c *declare.Configuration, o plan.Options) (*plan.Plan, []synchronize.Outcome, error)
	PlanBack(ctx context.Context, ids []orders.OrderID) (*plan.Plan, error)
	RollBack(ctx context.Context, p *plan.Plan, why string) (review.Outcome, error)

	Shadow(ctx context.Context, types []roles.ResourceTypeID) ([]plan.Agreement, error)

	NameRoles(ctx context.Context, dry bool) (evaluate.Named, error)

	Synchronize(context.Context, synchronize.Options) ([]synchronize.Outcome, error)
	Verify(context.Context) (verify.Summary, error)
	Evaluate(context.Context) (evaluate.Summary, error)
	EvaluateAll(context.Context) (evaluate.Summary, error)
	EvaluatePerson(ctx context.Context, owner resources.Ref, save bool) (*plan.Person, error)
	Generate(ctx context.Context, block bool) (generate.Summary, error)
	Fulfil(context.Context, []schema.ConnectorID) (fulfil.Summary, error)
	Round(ctx context.Context, block bool) (Round, error)

	SetSecret(ctx context.Context, name string, value secret.Text, why string) error
	RemoveSecret(ctx context.Context, name, why string, force bool) error
	RewrapSecrets(ctx context.Context, why string) (secrets int, err error)

	Delivery(ctx context.Context, recipient string) (chosen, usual messages.Delivery, err error)
	RecipientNamed(ctx context.Context, who string) (recipient string, err error)
	ChooseDelivery(ctx context.Context, recipient string, d messages.Delivery, why string) error
	SendMessages(ctx context.Context, log *slog.Logger) (notify.Summary, error)
	RetryMessages(ctx context.Context, why string) (messages int64, err error)
	TestMessage(ctx context.Context, to string) error

	Backup(ctx context.Context, path, why string) error

	GoLive(ctx context.Context, connectors []schema.ConnectorID, why string) (review.Live, error)
	Redundant(context.Context) (view.Redundancies, error)
	ApplyRedundant(ctx context.Context, owner resources.Ref, role roles.RoleID, why string) (view.Redundancies, error)

	JobDesk() act.JobDesk
	Schedules(context.Context) ([]runs.Schedule, error)

	AccessDesk() AccessDesk
	Desk() Desk
	RequestDesk(context.Context) (RequestDesk, error)
	WorkflowDesk(context.Context) (WorkflowDesk, error)
	Questions() Questions
	VerifyJournal(context.Context) (int64, error)
	Assigned(context.Context, stage.AssignedFilter) ([]*orders.AssignedResource, error)
	explain.Store
	Decisions(context.Context, stage.DecisionKind) ([]stage.Decision, error)
	LastReadings(context.Context) ([]stage.LastReading, error)
	AssignedRoles(ctx context.Context, owner *resources.Ref) ([]assignments.AssignedRole, error)
	RoleDecisions(ctx context.Context, owner *resources.Ref) ([]assignments.RoleDecision, error)
}

// A Desk is where a person decides.
type Desk = act.Desk

// A RequestDesk is where people ask for roles and decide what others asked for.
type RequestDesk = act.RequestDesk

// A WorkflowDesk is where people change identity data and decide what others started.
type WorkflowDesk = act.WorkflowDesk

// Round is what one way round the path did.
type Round struct {
	Day         string
	Synchronize []synchronize.Outcome
	Verify      verify.Summary
	Requests    review.Processed
	Evaluate    evaluate.Summary
	Generate    generate.Summary
	Fulfil      fulfil.Summary
}

// Progress is told how far long work has come.
type Progress struct {
	Read    func(entity schema.EntityType, objects int)
	Carried func(connection string, orders int)
}

// A Package is a connector package as it is listed.
type Package struct {
	Name     string    `json:"name"`
	About    string    `json:"about"`
	Manual   bool      `json:"manual,omitempty"`
	Settings []Setting `json:"settings"`
	From     []Setting `json:"from"` // keys of entity types and properties
}

// A Setting is one key that a package understands.
type Setting struct {
	Name     string   `json:"name"`
	About    string   `json:"about"`
	Required bool     `json:"required,omitempty"`
	Secret   bool     `json:"secret,omitempty"`
	Default  string   `json:"default,omitempty"`
	OneOf    []string `json:"oneOf,omitempty"`
}

// DemoOptions are what the demo is asked for.
type DemoOptions struct {
	Dir      string
	People   int   // 0: the default, or what the folder holds
	Seed     int64 // likewise
	At       time.Time
	Once     bool      // play the people too, and check the end
	LDAP     bool      // with a directory
	NoServe  bool      // end after the round
	Address  string    // to serve on; "": the default, or a free port when that is taken
	Out      io.Writer // what happens, for people
	Messages io.Writer // what the server has to say
	Progress Progress  // how far the rounds have come
	// Before is handed what --json prints, before serving.
	Before func(value any) error
}

// CompanyOptions are what `demo company` is asked for.
type CompanyOptions struct {
	Dir         string
	People      int
	Seed        int64
	At          time.Time // zero: today
	Provisioned bool      // the systems hold what the rules give
	Without     int       // of the people, how many have nothing all the same
	// Written is told how many rows of a file are written.
	Written func(what string, rows int)
}

// Company is what `demo company` laid down.
type Company struct {
	Value  any // what --json prints
	People int
	Roles  int
	Day    string
}

// DemoResult is how the demo ended.
type DemoResult struct {
	Holds bool // everything that was expected is there; of --once only
}
