package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"time"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/view"
)

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor with which the list goes on; none at its end."`
}

// Window says which part of a list is asked for.
type Window struct {
	After string `query:"after" doc:"The cursor that the page before named as next." maxLength:"2000"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
}

// pageOf is a page; more is the place of its last one, nil at the end.
func pageOf[T, C any](items []T, more *C) Page[T] {
	p := Page[T]{Items: items}
	if items == nil {
		p.Items = []T{}
	}
	if more != nil {
		text, _ := json.Marshal(more) // texts and numbers cannot fail
		p.Next = base64.RawURLEncoding.EncodeToString(text)
	}
	return p
}

// placeIn reads a cursor; the zero place is the beginning.
func placeIn[C any](cursor string) (place C, err error) {
	if cursor == "" {
		return place, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		err = d.Decode(&place)
	}
	if err != nil || !isText(text) {
		return place, &fault.Error{Kind: fault.Invalid, Msg: "the cursor is none of this list", Do: "use what a page named as next, or leave it out"}
	}
	return place, nil
}

// some is a pointer to a place, nil for the zero one, which ends a list.
func some[C comparable](place C) *C {
	var end C
	if place == end {
		return nil
	}
	return &place
}

// part cuts a list that stands in memory; places are numbers.
func part[T any](all []T, w Window) (Page[T], error) {
	from, err := placeIn[int](w.After)
	if err != nil {
		return Page[T]{}, err
	}
	from = min(max(from, 0), len(all))
	to := min(len(all), from+view.Rows(w.Limit))
	if to == len(all) {
		return pageOf[T, int](all[from:to], nil), nil
	}
	return pageOf(all[from:to], &to), nil
}

// Count is how many there are, as far as they are counted.
type Count struct {
	Count int  `json:"count"`
	More  bool `json:"more,omitempty" doc:"There are more than were counted."`
}

func counted(n int) Count { return Count{min(n, view.CountMost), n > view.CountMost} }

// dayIn reads a day; an empty one is no day.
func dayIn(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, &fault.Error{Kind: fault.Invalid, Msg: "there is no day " + text, Do: "write it as 2026-03-31"}
	}
	return day, nil
}
