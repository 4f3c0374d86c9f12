package statement

import (
	"context"
	"database/sql"
	"fmt"

	"provisor.dev/provisor/internal/domain/access"
	"provisor.dev/provisor/internal/domain/resources"
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/internal/view"
)

const (
	// fewMost is how many rows are looked at one by one, and sorted, for one page:
	// an index that finds so few goes before one that has the page's order.
	fewMost = 5_000
	// walkedMost is how many words are looked through for one page, where each of
	// those that are looked for is a beginning of very many.
	walkedMost = 10_000
)

// peopleIn is where resources have what filters ask for.
var peopleIn = columns{kind: access.Person, owner: "r.entity", key: "r.resource_key"}

// A searched is the words of a search, each with how many bear one that begins so.
type searched struct {
	words []string
	least int // place of the word that the fewest bear
	few   bool
}

// search counts, as far as it matters, who bears the words.
func (s *session) search(ctx context.Context, entity, text string) (x searched, err error) {
	x.words = splitWords(text)
	fewest := 4*fewMost + 1
	for i, word := range x.words {
		c := &conditions{}
		c.add("w.entity = %s", entity)
		c.between("w.word", word)
		n, err := s.most(ctx, "resource_word w"+c.where(), c, fewest-1)
		if err != nil {
			return x, err
		}
		if n < fewest {
			x.least, fewest = i, n
		}
	}
	x.few = fewest <= fewMost
	return x, nil
}

// between appends: the text begins like this.
func (c *conditions) between(column, word string) {
	c.add(column+" >= %s", word)
	c.add(column+" < %s", word+beyond)
}

// beyond follows every text that begins alike.
const beyond = "\U0010FFFF"

// People answers who is there, as one types. Where each word is a beginning of
// very many, those come first whose word comes first, and a page may end early.
func (v *Views) People(ctx context.Context, f view.PeopleFilter) (page view.PeoplePage, err error) {
	err = v.db.snapshot(ctx, "search people", func(s *session) error {
		x, err := s.search(ctx, f.Entity, f.Text)
		if err != nil {
			return err
		}
		few, err := v.fewPeople(ctx, s)
		if err != nil {
			return err
		}
		if len(x.words) > 0 && !x.few && !few {
			page, err = v.walk(ctx, s, f, x)
			return err
		}
		page, err = v.sorted(ctx, s, f, x, few || x.few && len(x.words) > 0)
		return err
	})
	return page, err
}

// fewPeople reports whether the filter lets few people through: then it is quickest
// to begin with them.
func (v *Views) fewPeople(ctx context.Context, s *session) (bool, error) {
	if !v.whom() {
		return false, nil
	}
	c := &conditions{}
	c.within(v.within, peopleIn, &v.db.dialect)
	n, err := s.most(ctx, "resource r"+c.where(), c, fewMost)
	return n <= fewMost, err
}

// sorted lists by what is displayed: few by finding and sorting them, many along
// the index.
func (v *Views) sorted(ctx context.Context, s *session, f view.PeopleFilter, x searched, few bool) (page view.PeoplePage, err error) {
	limit := view.Rows(f.Limit)
	c, from := &conditions{}, "resource r"
	switch {
	case few && x.few && len(x.words) > 0:
		c.add("w.entity = %s", f.Entity)
		c.between("w.word", x.words[x.least])
		from = `(SELECT DISTINCT w.entity, w.resource_key FROM resource_word w` + c.take() + `) AS x CROSS JOIN resource r`
	case few:
		c.within(v.within, peopleIn, &v.db.dialect)
		from = `(SELECT DISTINCT r.entity, r.resource_key FROM resource r` + c.take() + `) AS x CROSS JOIN resource r`
	}
	if few {
		c.say("r.entity = x.entity AND r.resource_key = x.resource_key")
	}
	c.add("r.entity = %s", f.Entity)
	for i, word := range x.words {
		if i != x.least || !x.few || !few {
			c.word("SELECT 1 FROM resource_word w WHERE w.entity = r.entity AND w.resource_key = r.resource_key", word)
		}
	}
	c.within(v.within, peopleIn, &v.db.dialect)
	page.People, err = s.owners(ctx, `SELECT r.entity, r.resource_key, r.display FROM `+from+c.where()+c.behind(f)+c.limit(limit+1), c.args)
	if len(page.People) > limit {
		page.People = page.People[:limit]
		last := page.People[limit-1]
		page.After = &view.PeopleCursor{Display: last.Display, Key: last.Key}
	}
	return page, err
}

// behind renders: behind the cursor, in the order that is asked for.
func (c *conditions) behind(f view.PeopleFilter) string {
	byKey := view.PeopleColumns.Is(f.Sort, view.ByKey)
	beyond, way := ">", ""
	if f.Sort.Down {
		beyond, way = "<", " DESC"
	}
	after := &conditions{args: c.args}
	switch {
	case f.After == (view.PeopleCursor{}):
	case byKey:
		after.add("r.resource_key "+beyond+" %s", f.After.Key)
	default:
		after.args = append(after.args, f.After.Display, f.After.Key)
		after.say(fmt.Sprintf("(r.display, r.resource_key) %s ($%d, $%d)", beyond, len(after.args)-1, len(after.args)))
	}
	c.args = after.args
	text := ""
	for _, part := range after.parts {
		text += " AND " + part
	}
	if byKey {
		return text + " ORDER BY r.resource_key" + way
	}
	return text + " ORDER BY r.display" + way + ", r.resource_key" + way
}

// walk lists by the word that is looked for, as far as a page is filled or so
// many words are looked through. Whoever has two words that begin alike stands at
// the first.
func (v *Views) walk(ctx context.Context, s *session, f view.PeopleFilter, x searched) (page view.PeoplePage, err error) {
	limit := view.Rows(f.Limit)
	page.ByWord = true
	c := &conditions{}
	c.add("w.entity = %s", f.Entity)
	c.between("w.word", x.words[x.least])
	if f.After.Word != "" {
		c.args = append(c.args, f.After.Word, f.After.Key)
		c.say(fmt.Sprintf("(w.word, w.resource_key) > ($%d, $%d)", len(c.args)-1, len(c.args)))
	}
	along := "SELECT w.entity, w.word, w.resource_key FROM resource_word w" + c.where() + " ORDER BY w.word, w.resource_key"
	end := view.PeopleCursor{}
	far, err := s.one(ctx, "SELECT x.word, x.resource_key FROM ("+along+fmt.Sprintf(" LIMIT 1 OFFSET %d) AS x", walkedMost-1), c.args, &end.Word, &end.Key)
	if err != nil {
		return page, err
	}
	found := &conditions{args: c.args}
	found.say("NOT EXISTS (SELECT 1 FROM resource_word v WHERE v.entity = x.entity AND v.resource_key = x.resource_key AND v.word >= $2 AND v.word < x.word)")
	for i, word := range x.words {
		if i != x.least {
			found.word("SELECT 1 FROM resource_word w WHERE w.entity = x.entity AND w.resource_key = x.resource_key", word)
		}
	}
	found.within(v.within, peopleIn, &v.db.dialect)
	var words []string
	err = s.each(ctx, `SELECT r.entity, r.resource_key, r.display, x.word FROM (`+along+fmt.Sprintf(" LIMIT %d", walkedMost)+`) AS x
		JOIN resource r ON r.entity = x.entity AND r.resource_key = x.resource_key`+found.where()+` ORDER BY x.word, x.resource_key`+found.limit(limit+1),
		found.args, func(r *sql.Rows) error {
			var o view.Owner
			var word string
			err := r.Scan(&o.Type, &o.Key, &o.Display, &word)
			page.People, words = append(page.People, o), append(words, word)
			return err
		})
	switch {
	case len(page.People) > limit:
		page.People = page.People[:limit]
		page.After = &view.PeopleCursor{Word: words[limit-1], Key: page.People[limit-1].Key}
	case far:
		page.After = &end
	}
	return page, err
}

func (s *session) owners(ctx context.Context, query string, args []any) (list []view.Owner, err error) {
	err = s.each(ctx, query, args, func(r *sql.Rows) error {
		var o view.Owner
		err := r.Scan(&o.Type, &o.Key, &o.Display)
		list = append(list, o)
		return err
	})
	return list, err
}

// Bearers returns the keys of those of an entity type who have all the words of a
// text among theirs. Of a text that very many have the words of, nobody is meant.
func (db *DB) Bearers(ctx context.Context, entity schema.EntityType, text string) (keys []resources.Key, err error) {
	err = db.snapshot(ctx, "find by name", func(s *session) error {
		x, err := s.search(ctx, string(entity), text)
		if err != nil || len(x.words) == 0 || !x.few {
			return err
		}
		list, err := s.bearing(ctx, string(entity), x)
		for _, key := range list {
			keys = append(keys, resources.Key(key))
		}
		return err
	})
	return keys, err
}

// bearing lists who has all the words that are searched, of which one is had by few.
func (s *session) bearing(ctx context.Context, entity string, x searched) (keys []string, err error) {
	c := &conditions{}
	c.add("x.entity = %s", entity)
	c.between("x.word", x.words[x.least])
	for i, word := range x.words {
		if i != x.least {
			c.word("SELECT 1 FROM resource_word w WHERE w.entity = x.entity AND w.resource_key = x.resource_key", word)
		}
	}
	err = s.each(ctx, `SELECT DISTINCT x.resource_key FROM resource_word x`+c.where(), c.args, func(r *sql.Rows) error {
		var key string
		err := r.Scan(&key)
		keys = append(keys, key)
		return err
	})
	return keys, err
}

// bearers finds whoever is meant by a text among all entity types: the bearer of
// the key, and those of whose words each of the text's is a beginning. ok is
// false when they are many.
func (s *session) bearers(ctx context.Context, text string) (list [][2]string, ok bool, err error) {
	known, err := s.entities(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, e := range known {
		list = append(list, [2]string{string(e.entity), text})
		x, err := s.search(ctx, string(e.entity), text)
		if err != nil || len(x.words) > 0 && !x.few {
			return nil, false, err
		}
		if len(x.words) == 0 {
			continue
		}
		keys, err := s.bearing(ctx, string(e.entity), x)
		if err != nil {
			return nil, false, err
		}
		for _, key := range keys {
			list = append(list, [2]string{string(e.entity), key})
		}
	}
	return list, len(list) <= fewMost, nil
}
