package web

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/view"
)

// A diagram is the machine as a picture: nine nodes, and the moves between them
// that people meet. It is drawn wide for a page and tall for a narrow one.
type diagram struct {
	Tall          bool
	Width, Height float64
	Label         string // the picture in words
	Nodes         []node
	Arrows        []arrow
}

// A node is a state.
type node struct {
	State      orders.State
	X, Y, W, H float64
	tally           // what stands here; its unit is "" for no count
	Lit        bool // something stands here
	Passed     bool // it was here
}

func (n node) count() string { return countText(n.Count, n.More) }

// An arrow is a move between two states.
type arrow struct {
	From, To orders.State
	Events   []string // that the table has for it
	Line     string   // of the path
	Head     string   // of the point
	Label    string
	LX, LY   float64
	Anchor   string
	Main     bool // on the way that most orders go
	Taken    bool
}

// side is where an arrow leaves or enters a node.
type side int

const (
	left side = iota
	right
	top
	bottom
)

// flipped is the side in the tall picture, where columns are rows.
func (s side) flipped() side { return [...]side{left: top, right: bottom, top: left, bottom: right}[s] }

func (s side) level() bool { return s == left || s == right }

// spots are where the states stand in the wide picture: column and row.
var spots = [...][2]float64{
	orders.Inactive: {0, 0}, orders.AwaitingApproval: {1, 0},
	orders.None: {0, 1}, orders.Pending: {1, 1}, orders.Transmitted: {2, 1}, orders.Executed: {3, 1}, orders.Verified: {4, 1},
	orders.Error: {0, 2}, orders.Errored: {2, 2},
}

// A route is a move that the picture shows, by the event that it is labelled
// with. Whether there is such a move says the table, not the route.
type route struct {
	from, to     orders.State
	on           orders.Event
	leave, enter side
	out, in      float64 // how far from the middle of the side
	main         bool
}

var strokes = []route{
	{orders.None, orders.Pending, orders.Expect, right, left, 0, 0, true},
	{orders.Pending, orders.Transmitted, orders.Collect, right, left, 0, 0, true},
	{orders.Transmitted, orders.Executed, orders.Done, right, left, 0, 0, true},
	{orders.Executed, orders.Verified, orders.Verify, right, left, 0, 0, true},
	{orders.None, orders.AwaitingApproval, orders.Expect, right, left, -18, 14, true},
	{orders.AwaitingApproval, orders.Pending, orders.Approve, bottom, top, -22, -22, true},
	{orders.Pending, orders.AwaitingApproval, orders.Hold, top, bottom, 22, 22, false},
	{orders.AwaitingApproval, orders.Inactive, orders.Decline, left, right, -8, -8, false},
	{orders.None, orders.Inactive, orders.Lapse, top, bottom, 0, 0, false},
	{orders.Verified, orders.AwaitingApproval, orders.Drift, top, right, 16, -14, false},
	{orders.AwaitingApproval, orders.Verified, orders.Keep, right, top, 12, -16, false},
	{orders.Transmitted, orders.Errored, orders.Refuse, bottom, top, 0, 0, false},
	{orders.Errored, orders.Pending, orders.Retry, left, bottom, 0, 20, false},
	{orders.Executed, orders.Errored, orders.Expire, bottom, right, 0, 0, false},
	{orders.Verified, orders.Pending, orders.Expect, bottom, bottom, 0, -20, false},
	{orders.None, orders.Error, orders.Fail, bottom, top, -18, -18, false},
	{orders.Error, orders.None, orders.Expect, top, bottom, 18, 18, false},
}

// measures of the two pictures, in the picture's own units.
type measures struct{ width, height, across, down, nodeW, nodeH, gapX, gapY, edge, lane float64 }

func measure(tall bool) measures {
	m := measures{across: 5, down: 3, nodeW: 192, nodeH: 68, gapX: 70, gapY: 58, edge: 6, lane: 26}
	if tall {
		m = measures{across: 3, down: 5, nodeW: 106, nodeH: 66, gapX: 16, gapY: 38, edge: 4, lane: 14}
	}
	m.width = 2*m.edge + m.across*m.nodeW + (m.across-1)*m.gapX
	m.height = 2*m.edge + m.down*m.nodeH + (m.down-1)*m.gapY
	if tall {
		m.width += m.lane
	} else {
		m.height += m.lane
	}
	return m
}

type point struct{ x, y float64 }

// draw makes the picture. tallies, when they are given, are what stands where;
// at is where the one that is looked at stands, and taken the way it came.
func draw(tall bool, tallies map[orders.State]tally, at *view.State, taken []view.Step) diagram {
	m := measure(tall)
	d := diagram{Tall: tall, Width: m.width, Height: m.height, Label: "State diagram of the nine provisioning states"}
	nodes := map[orders.State]node{}
	for _, s := range orders.States() {
		spot := spots[s]
		if tall {
			spot[0], spot[1] = spot[1], spot[0]
		}
		n := node{State: s, X: m.edge + spot[0]*(m.nodeW+m.gapX), Y: m.edge + spot[1]*(m.nodeH+m.gapY), W: m.nodeW, H: m.nodeH}
		n.tally = tallies[s]
		n.Lit = at != nil && at.Number == int(s)
		n.Passed = slices.ContainsFunc(taken, func(t view.Step) bool { return t.From.Number == int(s) || t.To.Number == int(s) })
		nodes[s] = n
		d.Nodes = append(d.Nodes, n)
	}
	legal, walked := moves(), walkedMoves(taken)
	for _, r := range strokes {
		pair := [2]orders.State{r.from, r.to}
		if !slices.Contains(legal[pair], string(r.on)) {
			continue
		}
		a := arrow{From: r.from, To: r.to, Events: legal[pair], Label: string(r.on), Main: r.main, Taken: walked[pair] != ""}
		if a.Taken {
			a.Label = walked[pair]
		}
		a.follow(r, nodes[r.from], nodes[r.to], m, tall)
		d.Arrows = append(d.Arrows, a)
		delete(walked, pair)
	}
	for _, from := range orders.States() {
		for _, to := range orders.States() {
			pair := [2]orders.State{from, to}
			if on := walked[pair]; on != "" && from != to {
				a := arrow{From: from, To: to, Events: legal[pair], Label: on, Taken: true}
				a.bow(nodes[from], nodes[to])
				d.Arrows = append(d.Arrows, a)
			}
		}
	}
	return d
}

// moves are the table's: which events lead from one state to another.
func moves() map[[2]orders.State][]string {
	legal := map[[2]orders.State][]string{}
	for _, t := range orders.Triples() {
		pair := [2]orders.State{t.From.State, t.To.State}
		if pair[0] != pair[1] && !slices.Contains(legal[pair], string(t.Event)) {
			legal[pair] = append(legal[pair], string(t.Event))
		}
	}
	return legal
}

// walkedMoves are the moves of a path, each with the event that last made it.
func walkedMoves(taken []view.Step) map[[2]orders.State]string {
	walked := map[[2]orders.State]string{}
	for _, t := range taken {
		if t.From.Number >= 0 && t.To.Number >= 0 && t.From.Number != t.To.Number {
			walked[[2]orders.State{orders.Numbered(t.From.Number), orders.Numbered(t.To.Number)}] = t.Event
		}
	}
	return walked
}

// anchor is a point on a side of a node.
func (n node) anchor(s side, off float64) point {
	switch s {
	case left:
		return point{n.X, n.Y + n.H/2 + off}
	case right:
		return point{n.X + n.W, n.Y + n.H/2 + off}
	case top:
		return point{n.X + n.W/2 + off, n.Y}
	}
	return point{n.X + n.W/2 + off, n.Y + n.H}
}

// follow leads the arrow along its route in straight lines with round corners.
func (a *arrow) follow(r route, from, to node, m measures, tall bool) {
	leave, enter := r.leave, r.enter
	if tall {
		leave, enter = leave.flipped(), enter.flipped()
	}
	p, q := from.anchor(leave, r.out), to.anchor(enter, r.in)
	corners := []point{p}
	switch {
	case leave == enter && leave == bottom: // round the outside
		y := m.height - m.edge
		corners = append(corners, point{p.x, y}, point{q.x, y})
	case leave == enter:
		x := m.width - m.edge
		corners = append(corners, point{x, p.y}, point{x, q.y})
	case leave.level() && enter.level():
		if p.y != q.y {
			x := (p.x + q.x) / 2
			corners = append(corners, point{x, p.y}, point{x, q.y})
		}
	case !leave.level() && !enter.level():
		if p.x != q.x {
			y := (p.y + q.y) / 2
			corners = append(corners, point{p.x, y}, point{q.x, y})
		}
	case leave.level():
		corners = append(corners, point{q.x, p.y})
	default:
		corners = append(corners, point{p.x, q.y})
	}
	a.trace(append(corners, q))
	a.label(append(corners, q), tall)
}

const (
	cornerRadius = 12
	headLength   = 8
	headWidth    = 4.2
	labelWidth   = 7 // of one letter, at most
)

// trace writes the line through the points, and its head.
func (a *arrow) trace(points []point) {
	last := len(points) - 1
	var b strings.Builder
	end := toward(points[last], points[last-1], headLength-1)
	fmt.Fprintf(&b, "M%s", points[0])
	for i := 1; i < last; i++ {
		r := min(cornerRadius, apart(points[i-1], points[i])/2, apart(points[i], points[i+1])/2)
		fmt.Fprintf(&b, "L%sQ%s %s", toward(points[i], points[i-1], r), points[i], toward(points[i], points[i+1], r))
	}
	fmt.Fprintf(&b, "L%s", end)
	a.Line, a.Head = b.String(), head(points[last], points[last-1])
}

// label stands beside the longest part of the line. Where two lines run side by
// side in opposite directions, their labels stand on the outside.
func (a *arrow) label(points []point, tall bool) {
	longest := 0
	for i := range len(points) - 1 {
		if apart(points[i], points[i+1]) > apart(points[longest], points[longest+1]) {
			longest = i
		}
	}
	p, q := points[longest], points[longest+1]
	a.LX, a.LY, a.Anchor = (p.x+q.x)/2, (p.y+q.y)/2-6, "middle"
	if p.y == q.y {
		if apart(p, q) < labelWidth*float64(len(a.Label)) {
			a.Label = "" // no room: the words are in the arrow's title
		}
		return
	}
	stepped := longest > 0 && longest < len(points)-2
	a.LX, a.LY, a.Anchor = p.x+6, (p.y+q.y)/2+4, "start"
	if (p.y < q.y) != tall || stepped && !tall {
		a.LX, a.Anchor = p.x-6, "end"
	}
}

// bow is for moves that the picture has no route for: a curve past what stands between.
func (a *arrow) bow(from, to node) {
	p, q := point{from.X + from.W/2, from.Y + from.H/2}, point{to.X + to.W/2, to.Y + to.H/2}
	length := apart(p, q)
	c := point{(p.x+q.x)/2 - (q.y-p.y)/length*50, (p.y+q.y)/2 + (q.x-p.x)/length*50}
	p, q = border(from, c), border(to, c)
	a.Line = fmt.Sprintf("M%sQ%s %s", p, c, toward(q, c, headLength-1))
	a.Head = head(q, c)
	a.LX, a.LY, a.Anchor = (p.x+q.x)/4+c.x/2, (p.y+q.y)/4+c.y/2-5, "middle"
}

// border is where the line from the middle of a node to a point leaves it.
func border(n node, to point) point {
	c := point{n.X + n.W/2, n.Y + n.H/2}
	dx, dy := to.x-c.x, to.y-c.y
	scale := min(n.W/2/max(math.Abs(dx), 0.01), n.H/2/max(math.Abs(dy), 0.01))
	return point{c.x + dx*scale, c.y + dy*scale}
}

func apart(p, q point) float64 { return math.Hypot(q.x-p.x, q.y-p.y) }

// toward is the point that lies so far from p on the way to q.
func toward(p, q point, far float64) point {
	d := max(apart(p, q), 0.01)
	return point{p.x + (q.x-p.x)/d*far, p.y + (q.y-p.y)/d*far}
}

// head is the point of an arrow that arrives at p from q.
func head(p, q point) string {
	base := toward(p, q, headLength)
	d := max(apart(p, q), 0.01)
	nx, ny := (q.y-p.y)/d*headWidth, -(q.x-p.x)/d*headWidth
	return fmt.Sprintf("M%sL%sL%sZ", p, point{base.x + nx, base.y + ny}, point{base.x - nx, base.y - ny})
}

// String writes the point as a path does.
func (p point) String() string { return number(p.x) + " " + number(p.y) }

// number writes a length with a tenth of a unit at most.
func number(f float64) string { return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64) }
