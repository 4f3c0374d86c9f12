package declare

// The document is the configuration as it is written: one set of structs that
// decoding, the JSON Schema and the export share. Tags say everything that
// holds for a key by itself:
//
//	yaml     the key; ",rest" collects the keys that the struct does not name
//	default  what holds when the key is absent
//	words    the only words allowed
//	min, max the bounds of a number
//	must     "yes": the key may not be absent
//	about    what it means, for editors
//
// What holds between keys is checked where the model is built.
type document struct {
	Connectors     map[string]*connectorDoc `yaml:"connectors" about:"The managed systems."`
	Dimensions     map[string]*dimensionDoc `yaml:"dimensions" about:"The criteria of rules."`
	Contexts       map[string]*contextDoc   `yaml:"contexts" about:"By entity type: where an owner stands, and from when to when."`
	Categories     map[string]*categoryDoc  `yaml:"categories" about:"The tree in which roles and resource types are filed."`
	Owners         map[string][]text        `yaml:"owners" about:"By category: the keys of the people who answer for it."`
	Roles          map[string]*roleDoc      `yaml:"roles" about:"Single roles."`
	CompositeRoles map[string]*compositeDoc `yaml:"compositeRoles" about:"Bundles of single roles."`
	ResourceTypes  map[string]*typeDoc      `yaml:"resourceTypes" about:"What kinds of resource are for."`
	Automation     []automationDoc          `yaml:"automation" about:"Rules that decide for the reviewer when something waited too long."`
	NamingRules    []namingDoc              `yaml:"namingRules" about:"Rules that make roles of the entitlements found."`
	Workflows      map[string]*workflowDoc  `yaml:"workflows" about:"The forms by which people create, change and end identity data inside Provisor."`
	Profiles       map[string]*profileDoc   `yaml:"profiles" about:"Who may do what inside Provisor, and how far."`
	SignIn         map[string]*providerDoc  `yaml:"signIn" about:"The OpenID Connect provider by which people sign in."`
	Jobs           map[string]*scheduleDoc  `yaml:"jobs" about:"When servers begin which jobs."`
	Messages       messagesDoc              `yaml:"messages" about:"What people are told of, how and when."`
}

type connectorDoc struct {
	place
	Name        text                      `yaml:"name" about:"The name that people read; the identifier when absent."`
	Connections map[string]*connectionDoc `yaml:"connections" about:"The ways to reach the system."`
	Thresholds  readingThresholds         `yaml:"thresholds" about:"When a synchronization is parked. 0 switches a limit off."`
	Entities    map[string]*entityDoc     `yaml:"entities" about:"The entity types that the system holds."`
}

type connectionDoc struct {
	place
	Package        text            `yaml:"package" must:"yes" about:"The package that talks to the system."`
	Settings       map[string]text `yaml:"settings" about:"The package's settings; secrets by reference, ${NAME} from the environment."`
	Limits         limitsDoc       `yaml:"limits" about:"What the system bears."`
	Unsynchronized flag            `yaml:"unsynchronized" default:"false" about:"Nothing can be read back: a person's confirmation verifies."`
}

type limitsDoc struct {
	place
	Concurrency number `yaml:"concurrency" default:"0" min:"0" max:"1000" about:"Orders at once; 0: the package's default."`
	PerSecond   number `yaml:"perSecond" default:"0" min:"0" max:"100000" about:"Changes a second; 0: no limit."`
}

type readingThresholds struct {
	place
	Add           number `yaml:"add" default:"0" min:"0" about:"Resources that may appear in one reading."`
	AddPercent    number `yaml:"addPercent" default:"0" min:"0" max:"100" about:"The same, in percent of what is known."`
	Update        number `yaml:"update" default:"0" min:"0" about:"Resources that may change."`
	UpdatePercent number `yaml:"updatePercent" default:"30" min:"0" max:"100" about:"The same, in percent."`
	Delete        number `yaml:"delete" default:"0" min:"0" about:"Resources that may disappear."`
	DeletePercent number `yaml:"deletePercent" default:"30" min:"0" max:"100" about:"The same, in percent."`
	Link          number `yaml:"link" default:"0" min:"0" about:"Links that may be lost."`
	LinkPercent   number `yaml:"linkPercent" default:"30" min:"0" max:"100" about:"The same, in percent."`
}

type entityDoc struct {
	place
	From        fromDoc                 `yaml:"from" must:"yes" about:"Where the resources are read."`
	Create      map[string][]text       `yaml:"create" about:"Constant values of new objects."`
	Key         text                    `yaml:"key" must:"yes" about:"The property that names a resource for life."`
	Identifiers []text                  `yaml:"identifiers" about:"Other properties whose values are unique."`
	Display     formula                 `yaml:"display" about:"The name that people read; the key when absent."`
	Properties  map[string]*propertyDoc `yaml:"properties" about:"The properties."`
}

type fromDoc struct {
	place
	Connection text            `yaml:"connection" must:"yes" about:"A connection of this connector."`
	Rest       map[string]text `yaml:",rest" about:"The package's own keys, such as table or objects."`
}

type propertyDoc struct {
	place
	Type       text            `yaml:"type" words:"string|int|float|bool|date|datetime|dn|binary" about:"The type of a scalar; string when absent."`
	Link       text            `yaml:"link" about:"The entity type of the one resource that it leads to."`
	Links      text            `yaml:"links" about:"The entity type of the many resources that it leads to."`
	Inverse    text            `yaml:"inverse" about:"The property of the linked entity type that stores the link."`
	Column     text            `yaml:"column" about:"The system's own name; the property's when absent."`
	Format     text            `yaml:"format" about:"How the system spells values: dd.MM.yyyy, Y/N, hex."`
	AssignedBy text            `yaml:"assignedBy" words:"system" about:"system: the managed system gives the value; it is never written."`
	Allocate   allocateDoc     `yaml:"allocate" about:"Computed once by Provisor instead of being read."`
	Editable   flag            `yaml:"editable" default:"false" about:"What a workflow writes counts, and no synchronization overwrites it."`
	Rest       map[string]text `yaml:",rest" about:"The package's own keys, such as those of a link table."`
}

type allocateDoc struct {
	place
	Unique   []formula `yaml:"unique" about:"Candidates in order; after the last, it is numbered."`
	Affixes  []text    `yaml:"affixes" about:"Prefixes and suffixes that do not make a name free."`
	Sequence text      `yaml:"sequence" about:"The name of a counter."`
	Start    number    `yaml:"start" default:"1" min:"0" about:"The counter's first number."`
}

type dimensionDoc struct {
	place
	Entity    text `yaml:"entity" must:"yes" about:"The entity type whose resources are the values."`
	Hierarchy text `yaml:"hierarchy" about:"The link that leads to the parent."`
}

type contextDoc struct {
	place
	From     formula                `yaml:"from" about:"The first day."`
	To       formula                `yaml:"to" about:"The last day, included."`
	Exclude  formula                `yaml:"exclude" about:"True: the owner leaves the calculation."`
	Records  text                   `yaml:"records" about:"The link to the owner's records: positions, contracts, future changes."`
	Sections map[string]*sectionDoc `yaml:"sections" about:"The parts of a record that have dates of their own."`
	Rest     map[string]formula     `yaml:",rest" about:"By dimension: the path to its value."`
}

type sectionDoc struct {
	place
	Dimensions []text  `yaml:"dimensions" must:"yes" about:"The dimensions whose values the section holds."`
	From       formula `yaml:"from" about:"The section's first day."`
	To         formula `yaml:"to" about:"The section's last day, included."`
	Instance   formula `yaml:"instance" about:"Tells instances apart that overlap."`
	Open       flag    `yaml:"open" default:"false" about:"A missing date is no bound; else the record's bounds stand in."`
	Bounds     flag    `yaml:"bounds" default:"false" about:"Its dates stand in for those that other sections miss."`
	Extend     text    `yaml:"extend" default:"neighbour" words:"neighbour|none" about:"What fills the time without an instance."`
	Sort       formula `yaml:"sort" about:"Of several instances that may fill a gap, the highest does."`
	Above      text    `yaml:"above" about:"Only an instance that sorts higher than this fills a gap."`
}

type categoryDoc struct {
	place
	Name        text        `yaml:"name" about:"The name that people read."`
	Parent      text        `yaml:"parent" about:"The category above."`
	MaxDuration span        `yaml:"maxDuration" about:"The longest time of a request, for roles that do not say; 0d: no limit."`
	GracePeriod span        `yaml:"gracePeriod" about:"How long a role stays after its rule changed or went, for roles that do not say."`
	FourEyes    text        `yaml:"fourEyes" words:"on|off" about:"off: who asked, or whom it is for, may approve too; for roles that do not say."`
	Comments    commentsDoc `yaml:"comments" about:"Which decisions need a reason; for roles and resource types that do not say."`
}

// commentsDoc says which decisions need a reason.
type commentsDoc struct {
	place
	Approve text `yaml:"approve" words:"required|optional" about:"An approval, of a request or an order."`
	Decline text `yaml:"decline" words:"required|optional" about:"A refusal, of a request, an order or what was found."`
	Keep    text `yaml:"keep" words:"required|optional" about:"Leaving what was found as it is."`
	Correct text `yaml:"correct" words:"required|optional" about:"Writing what the rules say over what was found."`
}

// automationDoc decides for the reviewer.
type automationDoc struct {
	place
	Role         text            `yaml:"role" about:"Only about this single role."`
	Composite    text            `yaml:"composite" about:"Only about this composite role."`
	ResourceType text            `yaml:"resourceType" about:"Only about requests of this resource type."`
	Category     text            `yaml:"category" about:"Only about what is filed in this category or below."`
	Entity       text            `yaml:"entity" about:"Only about owners of this entity type."`
	Workflow     []text          `yaml:"workflow" must:"yes" about:"The workflow states, by name or number: pending-approval, suggested, prolonged."`
	After        span            `yaml:"after" must:"yes" about:"How long it stood in that state; 0s: at once."`
	Decide       text            `yaml:"decide" must:"yes" words:"approve|decline" about:"What is decided."`
	Match        map[string]text `yaml:"match" about:"By dimension: the parameter with which the role is had."`
}

// namingDoc makes roles of entitlements.
type namingDoc struct {
	place
	ResourceType text    `yaml:"resourceType" must:"yes" about:"The resource type whose link leads to the entitlements."`
	Property     text    `yaml:"property" must:"yes" about:"The link."`
	Where        formula `yaml:"where" about:"A condition over the linked resource; all when absent."`
	Role         formula `yaml:"role" must:"yes" about:"The role's identifier, over the linked resource; null: no role."`
	Name         formula `yaml:"name" about:"The role's name; the linked resource's when absent."`
	Category     formula `yaml:"category" about:"A declared category, or an expression that gives its identifier."`
	CategoryName formula `yaml:"categoryName" about:"The name of a category that is created."`
	Parent       text    `yaml:"parent" about:"The category above one that is created."`
	Approval     text    `yaml:"approval" default:"not-requestable" words:"none|one|two|three|not-requestable" about:"The approval of the role."`
	By           text    `yaml:"by" about:"The identifier by which the role names the resource; the first one, else the key, when absent."`
}

// roleKeys stand in single and composite roles alike.
type roleKeys struct {
	Name        text              `yaml:"name" about:"The name that people read."`
	About       text              `yaml:"about" about:"What the role is for."`
	Category    text              `yaml:"category" about:"Where the role is filed."`
	Entity      text              `yaml:"entity" about:"The entity type of those who may have it; may be absent when there is one context."`
	Approval    text              `yaml:"approval" default:"not-requestable" words:"none|one|two|three|not-requestable" about:"The steps that a request passes."`
	Reviewers   map[string][]text `yaml:"reviewers" about:"By step (one, two, three): officer, manager, owner:CATEGORY or person:KEY."`
	Officers    []text            `yaml:"officers" about:"The keys of the people who answer for the role."`
	FourEyes    text              `yaml:"fourEyes" words:"on|off" about:"off: who asked, or whom it is for, may approve too; the category's when absent, else on."`
	Parameters  map[string]text   `yaml:"parameters" about:"By dimension: required or optional. Its value is settled when the role is given."`
	MaxDuration span              `yaml:"maxDuration" about:"The longest time of a request; 0d: no limit; the category's when absent."`
	GracePeriod span              `yaml:"gracePeriod" about:"How long the role stays after its rule changed or went; the category's when absent."`
	Prolong     text              `yaml:"prolongation" default:"with-approval" words:"with-approval|without-approval" about:"Whether moving the end needs the approval steps again."`
	Comments    commentsDoc       `yaml:"comments" about:"Which decisions need a reason; the category's when absent, else none."`
	Implicit    flag              `yaml:"implicitApproval" default:"false" about:"Whoever may approve a step passes it by asking."`
}

type roleDoc struct {
	place
	roleKeys
	Grants []grantDoc    `yaml:"grants" about:"What the role gives."`
	Assign []criteriaDoc `yaml:"assign" about:"Who gets the role."`
}

type compositeDoc struct {
	place
	roleKeys
	Assign []criteriaDoc `yaml:"assign" about:"Who gets the role."`
}

// criteria stand in every rule line.
type criteria struct {
	Match     map[string]text `yaml:"match" about:"By dimension: the value that the owner must have."`
	Inherit   []text          `yaml:"inherit" about:"The dimensions whose descendants count too."`
	When      formula         `yaml:"when" about:"A condition over the source."`
	Role      text            `yaml:"role" about:"The owner has this single role."`
	Composite text            `yaml:"composite" about:"The owner has this composite role."`
	Deny      flag            `yaml:"deny" default:"false" about:"Forbids instead of giving."`
	Kind      text            `yaml:"kind" default:"required" words:"required|automatic-with-validation|suggested" about:"How strongly it gives."`
	With      map[string]text `yaml:"parameters" about:"By dimension: the parameter with which a role rule gives its role."`
	Priority  number          `yaml:"priority" default:"0" min:"-1000000" max:"1000000" about:"The smaller, the stronger."`
	Period    periodDoc       `yaml:"period" about:"When, measured from the owner's period."`
}

type criteriaDoc struct {
	place
	criteria
}

type periodDoc struct {
	place
	Mode text `yaml:"mode" default:"default" words:"default|around|before|after" about:"What the period is measured from."`
	From span `yaml:"from" default:"0s" words:"signed" about:"The first moment, after (or, with a minus, before) what it is measured from."`
	To   span `yaml:"to" default:"0s" words:"signed" about:"The last moment."`
}

// scalarKeys say how a scalar is computed.
type scalarKeys struct {
	Expression formula     `yaml:"expression" about:"Computes the value; null clears the property."`
	Value      constant    `yaml:"value" about:"A constant."`
	Allocate   allocateDoc `yaml:"allocate" about:"Found once and kept."`
	Once       flag        `yaml:"once" default:"false" about:"Written when the resource is created, never changed."`
	Compare    text        `yaml:"compare" default:"exact" words:"exact|ignore-case|ignore-diacritics|simplified|phonetic" about:"Which differences do not count."`
}

type scalarDoc struct {
	place
	scalarKeys
	criteria
}

type linkDoc struct {
	place
	Property text                `yaml:"property" must:"yes" about:"The link."`
	To       map[string]constant `yaml:"to" must:"yes" about:"One identifier of the linked resource and its value."`
	criteria
}

type findDoc struct {
	place
	Property   text    `yaml:"property" must:"yes" about:"The link."`
	Source     formula `yaml:"source" must:"yes" about:"A value of the owner."`
	Target     formula `yaml:"target" must:"yes" about:"The equal value of the resource to find."`
	Confidence number  `yaml:"confidence" default:"100" min:"0" max:"150" about:"Below 100 a person reviews."`
	criteria
}

// grantDoc is a line of a resource type, written beside the role that gives it.
type grantDoc struct {
	place
	ResourceType text                `yaml:"resourceType" must:"yes" about:"The resource type; alone, the role gives the resource."`
	Property     text                `yaml:"property" about:"The link or scalar that the role gives."`
	To           map[string]constant `yaml:"to" about:"One identifier of the linked resource and its value."`
	scalarKeys
	criteria
}

type typeDoc struct {
	place
	Name         text                   `yaml:"name" about:"The name that people read."`
	Source       text                   `yaml:"source" must:"yes" about:"The entity type of the owners."`
	Target       text                   `yaml:"target" must:"yes" about:"The entity type of the resources."`
	Category     text                   `yaml:"category" about:"Where the resource type is filed."`
	Comments     commentsDoc            `yaml:"comments" about:"Which decisions need a reason; the category's when absent, else none."`
	Provisioning provisioningDoc        `yaml:"provisioning" must:"yes" about:"How orders are handled."`
	Classify     []formula              `yaml:"classify" about:"Conditions over the target; one that holds is enough."`
	Correlate    []correlateDoc         `yaml:"correlate" about:"How owners are found."`
	Multiple     flag                   `yaml:"multiple" default:"false" about:"An owner may have several resources of the type."`
	SuggestAll   flag                   `yaml:"suggestAll" default:"false" about:"Every match is proposed to a person, not the best alone."`
	Who          []criteriaDoc          `yaml:"who" about:"Who gets the resource."`
	Values       map[string][]scalarDoc `yaml:"values" about:"By property: how its value is computed."`
	Links        []linkDoc              `yaml:"links" about:"The links that are given."`
	Find         []findDoc              `yaml:"find" about:"The links that are found by matching."`
}

type provisioningDoc struct {
	place
	Connection          text               `yaml:"connection" must:"yes" about:"A connection of the target's connector."`
	Enabled             flag               `yaml:"enabled" default:"false" about:"Nothing is written until somebody says so."`
	Shadow              flag               `yaml:"shadow" default:"false" about:"Orders are generated and compared, never collected."`
	Review              flag               `yaml:"review" default:"true" about:"Every order needs a person's decision."`
	Approval            text               `yaml:"approval" default:"not-requestable" words:"none|one|two|three|not-requestable" about:"The steps that a request of the resource passes."`
	Add                 flag               `yaml:"add" default:"true" about:"Resources may be created."`
	Remove              flag               `yaml:"remove" default:"true" about:"Resources may be deleted."`
	RemoveOrphans       flag               `yaml:"removeOrphans" default:"false" about:"Resources without an owner are deleted."`
	DiscardManual       flag               `yaml:"discardManual" default:"false" about:"Rules win over values that people decided."`
	DependsOn           []text             `yaml:"dependsOn" about:"Resource types whose resource must be Verified first."`
	OwnerProperty       text               `yaml:"ownerProperty" about:"A property of the owner that must be filled first."`
	LeadTime            span               `yaml:"leadTime" default:"0s" about:"Creations are sent this much early."`
	Verify              text               `yaml:"verify" words:"immediately|synchronization" about:"When a change is read back; immediately on automatic connections when absent."`
	Settle              span               `yaml:"settle" default:"0s" about:"How long the system takes to show a change."`
	Attempts            number             `yaml:"attempts" default:"5" min:"1" max:"100" about:"How often an order is tried."`
	TransmittedValidity span               `yaml:"transmittedValidity" words:"off" about:"How long an order may stay unverified; 72h automatic, 15d manual when absent."`
	RemindAfter         span               `yaml:"remindAfter" default:"7d" about:"When the person who should carry it out is reminded."`
	Thresholds          orderThresholds    `yaml:"thresholds" about:"When orders are parked. 0 switches a limit off."`
	Arguments           map[string]formula `yaml:"arguments" about:"Computed over the source and handed to the package."`
}

type orderThresholds struct {
	place
	Add           number `yaml:"add" default:"0" min:"0" about:"Creations in one run."`
	AddPercent    number `yaml:"addPercent" default:"0" min:"0" max:"100" about:"The same, in percent of the resources held before."`
	Update        number `yaml:"update" default:"0" min:"0" about:"Updates in one run."`
	UpdatePercent number `yaml:"updatePercent" default:"30" min:"0" max:"100" about:"The same, in percent."`
	Delete        number `yaml:"delete" default:"0" min:"0" about:"Deletions in one run."`
	DeletePercent number `yaml:"deletePercent" default:"30" min:"0" max:"100" about:"The same, in percent."`
}

type correlateDoc struct {
	place
	Source     formula `yaml:"source" must:"yes" about:"A value of the owner."`
	Target     formula `yaml:"target" must:"yes" about:"The equal value of the resource."`
	Confidence number  `yaml:"confidence" default:"100" min:"0" max:"150" about:"Below 100 a person reviews."`
}

type workflowDoc struct {
	place
	Name      text              `yaml:"name" about:"The name that people read; the identifier when absent."`
	Entity    text              `yaml:"entity" must:"yes" about:"The entity type of the resources that it is about."`
	Action    text              `yaml:"action" must:"yes" words:"create|change|end" about:"What it does to a resource; end sets its last day."`
	Fields    []fieldDoc        `yaml:"fields" about:"What the form asks for."`
	Approval  text              `yaml:"approval" must:"yes" words:"none|one|two|three" about:"The steps that it passes before it is applied."`
	Reviewers map[string][]text `yaml:"reviewers" about:"By step (one, two, three): manager, owner:CATEGORY or person:KEY."`
	Who       []text            `yaml:"who" must:"yes" about:"Who may start it: anybody, self, manager, reviewer, owner:CATEGORY or person:KEY."`
}

type fieldDoc struct {
	place
	Property text    `yaml:"property" must:"yes" about:"A property of the entity type."`
	Label    text    `yaml:"label" about:"The word beside the field; the property when absent."`
	Required flag    `yaml:"required" default:"false" about:"The property may not stay empty."`
	Default  formula `yaml:"default" about:"Computed over the resource; what an empty property gets when nothing is written."`
	Check    formula `yaml:"check" about:"A condition over the resource as it would be."`
	Message  text    `yaml:"message" about:"What to say when the check does not hold."`
}
