package lower

import (
	"fmt"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/RoaringBitmap/roaring/v2"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/expression"
	"provisor.dev/provisor/value"
)

// A Condition is a checked condition, cut at and, or, not and choices into tests.
type Condition struct {
	program *expression.Program
	node    node
}

// Answer says for which rows a condition holds and for which it fails; for the
// others it is false. Nobody changes the bitmaps: others may share them.
type Answer struct {
	True, Failed *roaring.Bitmap
	First        error // what the first failed row says
}

// New lowers a condition over a source. An error means that it reads something
// else, and that nothing was lowered.
func New(p *expression.Program) (*Condition, error) {
	if p.Source() == "" {
		return nil, fault.New(fault.Invalid, "lower", "the condition %q is not about a source", p.Expression().Text)
	}
	for _, path := range p.Reads() {
		if path.Root == expression.RootTarget {
			return nil, fault.New(fault.Invalid, "lower", "the condition %q reads the target", p.Expression().Text)
		}
	}
	return &Condition{p, lowered(p, p.Tree().Expr())}, nil
}

// ByRow counts the tests that read several columns and so run row by row.
func (c *Condition) ByRow() int { return c.node.byRow() }

// Load builds the columns that a condition reads, before it is asked.
func (t *Table) Load(c *Condition) { c.node.load(t) }

// Eval answers a condition for the rows among, nil for all.
func (t *Table) Eval(c *Condition, among *roaring.Bitmap) Answer {
	if among == nil {
		among = t.all
	}
	a := c.node.eval(t, among)
	out := Answer{True: orEmpty(a.yes), Failed: orEmpty(a.failed)}
	if !out.Failed.IsEmpty() {
		row := out.Failed.Minimum()
		if _, out.First = c.program.EvalTruth(t.bindings(row)); out.First != nil {
			out.First = fmt.Errorf("%s: %w", t.rows[row], out.First)
		}
	}
	return out
}

// answer is what a node comes to inside the rows it was asked for: yes, an
// exception, or no truth value; the others are no. nil is the empty set.
type answer struct{ yes, failed, null *roaring.Bitmap }

// operand is the answer as an operator sees it: it refuses what is no truth value.
func (a answer) operand() answer { return answer{yes: a.yes, failed: or(a.failed, a.null)} }

type node interface {
	// eval answers for the rows of the domain, with subsets of it.
	eval(t *Table, domain *roaring.Bitmap) answer
	byRow() int
	load(t *Table)
}

// lowered cuts a tree into nodes. Tests that run row by row come last in && and
// ||: which side comes first makes no difference to the answer.
func lowered(p *expression.Program, x ast.Expr) node {
	if x.Kind() != ast.CallKind {
		return newTest(p, x)
	}
	args := x.AsCall().Args()
	switch name := x.AsCall().FunctionName(); name {
	case operators.LogicalAnd, operators.LogicalOr:
		terms := []node{}
		for _, arg := range args {
			part := lowered(p, arg)
			if inner, ok := part.(*junction); ok && inner.decides == (name == operators.LogicalOr) {
				terms = append(terms, inner.terms...)
			} else {
				terms = append(terms, part)
			}
		}
		slices.SortStableFunc(terms, func(a, b node) int { return min(a.byRow(), 1) - min(b.byRow(), 1) })
		return &junction{decides: name == operators.LogicalOr, terms: terms}
	case operators.LogicalNot:
		return &negation{lowered(p, args[0])}
	case operators.Conditional:
		if p.Tree().GetType(x.ID()).Kind() == types.BoolKind {
			return &choice{lowered(p, args[0]), lowered(p, args[1]), lowered(p, args[2])}
		}
	}
	return newTest(p, x)
}

// junction is || when true decides and && when false does.
type junction struct {
	decides bool
	terms   []node
}

func (j *junction) byRow() int {
	n := 0
	for _, term := range j.terms {
		n += term.byRow()
	}
	return n
}

func (j *junction) load(t *Table) {
	for _, term := range j.terms {
		term.load(t)
	}
}

func (j *junction) eval(t *Table, domain *roaring.Bitmap) answer {
	if j.decides {
		return j.or(t, domain)
	}
	out := answer{yes: domain}
	live := domain // what no term has made false: out's yes and failed
	for _, term := range j.terms {
		if live.IsEmpty() {
			return answer{}
		}
		a := term.eval(t, live).operand()
		live = orEmpty(or(a.yes, a.failed))
		if out.failed == nil {
			out = a // of rows that were all true so far
			continue
		}
		out.yes = and(out.yes, a.yes)
		out.failed = minus(live, out.yes)
	}
	return out
}

func (j *junction) or(t *Table, domain *roaring.Bitmap) answer {
	var out answer
	live := domain // what no term has made true
	for _, term := range j.terms {
		if live.IsEmpty() {
			break
		}
		a := term.eval(t, live).operand()
		out = answer{yes: or(out.yes, a.yes), failed: minus(or(out.failed, a.failed), a.yes)}
		live = orEmpty(minus(live, a.yes))
	}
	return out
}

type negation struct{ x node }

func (n *negation) byRow() int    { return n.x.byRow() }
func (n *negation) load(t *Table) { n.x.load(t) }
func (n *negation) eval(t *Table, domain *roaring.Bitmap) answer {
	a := n.x.eval(t, domain).operand()
	return answer{yes: minus(minus(domain, a.yes), a.failed), failed: a.failed}
}

type choice struct{ when, yes, no node }

func (c *choice) byRow() int { return c.when.byRow() + c.yes.byRow() + c.no.byRow() }
func (c *choice) load(t *Table) {
	for _, n := range []node{c.when, c.yes, c.no} {
		n.load(t)
	}
}
func (c *choice) eval(t *Table, domain *roaring.Bitmap) answer {
	when := c.when.eval(t, domain).operand()
	a := c.yes.eval(t, orEmpty(when.yes))
	b := c.no.eval(t, orEmpty(minus(minus(domain, when.yes), when.failed)))
	return answer{yes: or(a.yes, b.yes), failed: or(when.failed, or(a.failed, b.failed)), null: or(a.null, b.null)}
}

// test is a condition that is not cut any further.
type test struct {
	part    *expression.Program
	name    string            // the same for tests that ask the same
	paths   []expression.Path // what it reads of the row
	whole   bool              // it looks at the row as such
	exactly []value.Value     // paths[0] has one of these values; or compares as nothing
	empty   bool              // ... nothing counts
	negated bool
	direct  bool // exactly, empty and negated say it all
}

func newTest(p *expression.Program, x ast.Expr) node {
	r := reading{program: p, shadowed: map[string]int{}}
	r.visit(x)
	t := &test{part: p.Part(x), name: spelled(x), paths: r.paths, whole: r.whole}
	t.recognise(p, x)
	return t
}

func (t *test) byRow() int {
	if t.whole || len(t.paths) > 1 {
		return 1
	}
	return 0
}

func (t *test) load(table *Table) {
	if t.byRow() == 0 && len(t.paths) == 1 {
		table.column(t.part, t.paths[0])
	}
}

func (t *test) eval(table *Table, domain *roaring.Bitmap) answer {
	if t.byRow() > 0 {
		return t.eachRow(table, domain)
	}
	a, known := table.answers[t.name]
	if !known {
		a = t.everyValue(table)
		if len(table.answers) < keptAnswers {
			table.answers[t.name] = a
		}
	}
	if domain == table.all {
		return a
	}
	return answer{and(domain, a.yes), and(domain, a.failed), and(domain, a.null)}
}

// eachRow evaluates the rows that are left.
func (t *test) eachRow(table *Table, domain *roaring.Bitmap) answer {
	var found sorted
	for rows := domain.Iterator(); rows.HasNext(); {
		row := rows.Next()
		found.add(t.part.Outcome(table.bindings(row)), row)
	}
	return answer{bitmapOf(found.yes), bitmapOf(found.failed), bitmapOf(found.null)}
}

// everyValue evaluates each distinct value of the column, on a row that has it.
func (t *test) everyValue(table *Table) answer {
	if len(t.paths) == 0 {
		switch t.part.Outcome(expression.Bindings{Records: table.records}) {
		case expression.True:
			return answer{yes: table.all}
		case expression.Failed:
			return answer{failed: table.all}
		case expression.Null:
			return answer{null: table.all}
		}
		return answer{}
	}
	c := table.column(t.part, t.paths[0])
	if t.direct {
		yes := c.rowsOf(t.codes(c))
		if t.negated {
			yes = minus(table.all, yes)
		}
		return answer{yes: yes}
	}
	var found sorted
	for code, row := range c.first {
		found.add(t.part.Outcome(table.bindings(row)), uint32(code))
	}
	return answer{c.rowsOf(found.yes), c.rowsOf(found.failed), c.rowsOf(found.null)}
}

func (t *test) codes(c *column) []uint32 {
	var codes []uint32
	if t.empty {
		codes = append(codes, c.empty...)
	}
	for _, v := range t.exactly {
		if code, ok := c.index[v]; ok {
			codes = append(codes, code)
		}
	}
	return codes
}

// sorted files rows or codes by outcome; false needs no list.
type sorted struct{ yes, failed, null []uint32 }

func (s *sorted) add(o expression.Outcome, n uint32) {
	switch o {
	case expression.True:
		s.yes = append(s.yes, n)
	case expression.Failed:
		s.failed = append(s.failed, n)
	case expression.Null:
		s.null = append(s.null, n)
	}
}

func bitmapOf(rows []uint32) *roaring.Bitmap {
	if len(rows) == 0 {
		return nil
	}
	b := roaring.New()
	b.AddMany(rows)
	return b
}

func orEmpty(a *roaring.Bitmap) *roaring.Bitmap {
	if a == nil {
		return roaring.New()
	}
	return a
}

func or(a, b *roaring.Bitmap) *roaring.Bitmap {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return roaring.Or(a, b)
}

func and(a, b *roaring.Bitmap) *roaring.Bitmap {
	switch {
	case a == nil || b == nil:
		return nil
	case a == b:
		return a
	}
	return roaring.And(a, b)
}

func minus(a, b *roaring.Bitmap) *roaring.Bitmap {
	switch {
	case a == nil || b == nil:
		return a
	case a == b:
		return nil
	}
	return roaring.AndNot(a, b)
}
