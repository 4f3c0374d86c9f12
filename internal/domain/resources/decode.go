package resources

import (
	"strings"

	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/value"
)

// Every run reads every resource, and reading JSON of any form takes longer than
// all that is done with it. Nearly all documents have scalars and links alone and
// nothing in them that JSON escapes: these are read here, several times faster,
// and whatever is not exactly so is left to the library.

// plainly reads a document of that form; false leaves the resource as it was.
func (r *Resource) plainly(document string) bool {
	p := plain{rest: document}
	var values map[schema.PropertyName]value.Value
	var links map[schema.PropertyName][]Key
	if !p.take('{') {
		return false
	}
	switch {
	case strings.HasPrefix(p.rest, `"v":{`):
		p.rest = p.rest[len(`"v":{`):]
		values = p.values()
		if p.failed || !p.take(',') {
			break
		}
		fallthrough
	case strings.HasPrefix(p.rest, `"l":{`):
		if !strings.HasPrefix(p.rest, `"l":{`) {
			return false
		}
		p.rest = p.rest[len(`"l":{`):]
		links = p.links()
	}
	if p.failed || p.rest != "}" {
		return false
	}
	r.Values, r.Links, r.Dangling, r.Edited = values, links, nil, nil
	return true
}

// plain reads what is left of a document.
type plain struct {
	rest   string
	failed bool
}

func (p *plain) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *plain) must(c byte) { p.failed = p.failed || !p.take(c) }

// text reads a string without escapes.
func (p *plain) text() string {
	p.must('"')
	end := strings.IndexByte(p.rest, '"')
	if p.failed || end < 0 || strings.IndexByte(p.rest[:end], '\\') >= 0 {
		p.failed = true
		return ""
	}
	s := p.rest[:end]
	p.rest = p.rest[end+1:]
	return s
}

// values reads scalars by property up to the brace that ends them.
func (p *plain) values() map[schema.PropertyName]value.Value {
	values := make(map[schema.PropertyName]value.Value, strings.Count(p.rest, `":`))
	for !p.failed {
		name := schema.PropertyName(p.text())
		p.must(':')
		values[name] = p.value()
		if p.take('}') {
			break
		}
		p.must(',')
	}
	return values
}

func (p *plain) value() value.Value {
	switch {
	case p.failed || p.rest == "":
	case p.rest[0] == '"':
		return value.OfString(p.text())
	case p.take('{'):
		kind := value.Type(p.text())
		p.must(':')
		text := p.text()
		p.must('}')
		v := value.Canonical(kind, text)
		p.failed = p.failed || v.IsNull() // not a type: the library says so
		return v
	case strings.HasPrefix(p.rest, "true"):
		p.rest = p.rest[len("true"):]
		return value.OfBool(true)
	case strings.HasPrefix(p.rest, "false"):
		p.rest = p.rest[len("false"):]
		return value.OfBool(false)
	default:
		return p.whole()
	}
	p.failed = true
	return value.Null
}

// wholeDigits is how many digits surely fit: longer numbers are for the library.
const wholeDigits = 18

func (p *plain) whole() value.Value {
	n := 0
	if p.rest[0] == '-' {
		n = 1
	}
	first := n
	for n < len(p.rest) && p.rest[n] >= '0' && p.rest[n] <= '9' {
		n++
	}
	if n == first || n-first > wholeDigits || p.rest[first] == '0' && n > 1 {
		p.failed = true
		return value.Null
	}
	text := p.rest[:n]
	p.rest = p.rest[n:]
	return value.Canonical(value.Int, text)
}

// links reads far keys by property up to the brace that ends them.
func (p *plain) links() map[schema.PropertyName][]Key {
	links := make(map[schema.PropertyName][]Key, strings.Count(p.rest, `":`))
	for !p.failed {
		name := schema.PropertyName(p.text())
		p.must(':')
		p.must('[')
		var keys []Key
		for !p.failed {
			keys = append(keys, Key(p.text()))
			if p.take(']') {
				break
			}
			p.must(',')
		}
		links[name] = keys
		if p.take('}') {
			break
		}
		p.must(',')
	}
	return links
}
