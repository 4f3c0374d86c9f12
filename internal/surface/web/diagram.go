package web

import (
	"fmt"
	"math"
	"slices"

	"provisor.dev/provisor/internal/domain/orders"
	"provisor.dev/provisor/internal/view"
)

// The picture of the provisioning states: where each stands and which moves are
// drawn. The usual moves are always drawn; a path that an item took is drawn
// over them, whatever it was.
const (
	diagramWidth, diagramHeight = 1000, 392
	nodeWidth, nodeHeight       = 172, 68
)

// at is where a state stands: the middle of its box.
var at = map[orders.State]point{
	orders.None:             {90, 196},
	orders.AwaitingApproval: {295, 58},
	orders.Pending:          {295, 196},
	orders.Transmitted:      {500, 196},
	orders.Executed:         {705, 196},
	orders.Verified:         {910, 196},
	orders.Errored:          {500, 334},
	orders.Inactive:         {295, 334},
	orders.Error:            {90, 334},
}

// usual are the moves that most orders make; a test holds them against the table.
var usual = []move{
	{orders.None, orders.Pending}, {orders.None, orders.AwaitingApproval}, {orders.AwaitingApproval, orders.Pending},
	{orders.Pending, orders.Transmitted}, {orders.Transmitted, orders.Executed}, {orders.Executed, orders.Verified},
	{orders.Transmitted, orders.Errored}, {orders.Errored, orders.Pending}, {orders.Pending, orders.Inactive},
	{orders.Verified, orders.AwaitingApproval}, {orders.None, orders.Error},
}

type point struct{ x, y float64 }

type move struct{ from, to orders.State }

// node is a state as it is drawn.
type node struct {
	state  orders.State
	x, y   float64 // the upper left corner
	count  int
	href   string // "": no list behind it
	passed bool   // on the path
	now    bool   // the present place
}

// arrow is a move as it is drawn.
type arrow struct {
	path   string
	passed bool
}

// diagram is one picture.
type diagram struct {
	title  string
	nodes  []node
	arrows []arrow
	path   bool // it shows one item's path, not counts
}

// standingDiagram shows how many orders stand in each state.
func standingDiagram(standing []view.Standing) diagram {
	d := diagram{title: "The provisioning states and how many orders stand in each"}
	for _, s := range orders.States() {
		n := nodeOf(s)
		for _, c := range standing {
			if c.Number == int(s) {
				n.count = c.Orders
			}
		}
		n.href = fmt.Sprintf("/states/%d", s)
		d.nodes = append(d.nodes, n)
	}
	for _, m := range usual {
		d.arrows = append(d.arrows, arrow{path: curve(m)})
	}
	return d
}

// pathDiagram shows the way that an item took and where it is now.
func pathDiagram(now view.State, steps []view.Step) diagram {
	d := diagram{title: "Where it is now, and the path it took", path: true}
	passed := map[orders.State]bool{}
	var taken []move
	for _, s := range steps {
		m := move{orders.State(s.From.No), orders.State(s.To.No)}
		passed[m.from], passed[m.to] = true, true
		if m.from != m.to && !slices.Contains(taken, m) {
			taken = append(taken, m)
		}
	}
	for _, s := range orders.States() {
		n := nodeOf(s)
		n.passed, n.now = passed[s], int(s) == now.No
		d.nodes = append(d.nodes, n)
	}
	for _, m := range usual {
		if !slices.Contains(taken, m) {
			d.arrows = append(d.arrows, arrow{path: curve(m)})
		}
	}
	for _, m := range taken { // last: above the others
		d.arrows = append(d.arrows, arrow{path: curve(m), passed: true})
	}
	return d
}

func nodeOf(s orders.State) node {
	return node{state: s, x: at[s].x - nodeWidth/2, y: at[s].y - nodeHeight/2}
}

// curve draws from the edge of one box to the edge of the other. Long ways bend,
// so that they do not run through a third box; two ways between the same boxes
// bend to different sides.
func curve(m move) string {
	from, to := at[m.from], at[m.to]
	dx, dy := to.x-from.x, to.y-from.y
	length := math.Hypot(dx, dy)
	bend := 0.0
	if length > 260 {
		bend = length / 5
	} else if slices.Contains(usual, move{m.to, m.from}) || !slices.Contains(usual, m) {
		bend = 26
	}
	// From Verified back to review: over the top, not through Executed.
	middle := point{(from.x+to.x)/2 + bend*dy/length, (from.y+to.y)/2 - bend*math.Abs(dx)/length}
	if dx < 0 && math.Abs(dy) < 1 {
		middle.y = from.y + bend // back on the same row: below
	}
	start, end := edge(from, middle), edge(to, middle)
	return fmt.Sprintf("M%.0f %.0fQ%.0f %.0f %.0f %.0f", start.x, start.y, middle.x, middle.y, end.x, end.y)
}

// edge is where the line from the middle of a box towards a point leaves it.
func edge(box, towards point) point {
	const gap = 3
	dx, dy := towards.x-box.x, towards.y-box.y
	scale := math.Inf(1)
	if dx != 0 {
		scale = math.Min(scale, (nodeWidth/2+gap)/math.Abs(dx))
	}
	if dy != 0 {
		scale = math.Min(scale, (nodeHeight/2+gap)/math.Abs(dy))
	}
	return point{box.x + dx*scale, box.y + dy*scale}
}
