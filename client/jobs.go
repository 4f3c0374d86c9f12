package client

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"time"
)

// Run is one time that a job is done.
type Run struct {
	ID        int64     `json:"id"`
	Job       string    `json:"job"`
	Connector string    `json:"connector"`
	State     string    `json:"state"` // waiting, running, done, failed, aborted
	Attempt   int       `json:"attempt"`
	At        time.Time `json:"at"`
	Began     time.Time `json:"began"`
	Ended     time.Time `json:"ended"`
	By        string    `json:"by"`
	Wrong     string    `json:"wrong"`
	Steps     []RunStep `json:"steps"`
	Log       []struct {
		At   time.Time `json:"at"`
		Text string    `json:"text"`
	} `json:"log"`
}

// Open reports whether the run is still to come to its end.
func (r Run) Open() bool { return r.State == "waiting" || r.State == "running" }

// RunStep is a part of a run.
type RunStep struct {
	Name   string    `json:"name"`
	Began  time.Time `json:"began"`
	Ended  time.Time `json:"ended"`
	Wrong  string    `json:"wrong"`
	Says   string    `json:"says"`
	Done   int       `json:"done"`
	Total  int       `json:"total"` // 0: not known
	Counts []struct {
		Name string `json:"name"`
		N    int    `json:"n"`
	} `json:"counts"`
}

// Runs reads the runs that filters choose, by the names of /openapi.json, the
// newest first.
func (c *Client) Runs(ctx context.Context, filters url.Values) iter.Seq2[Run, error] {
	return Each[Run](ctx, c, "/jobs", filters)
}

// Run shows one run with its steps and its log.
func (c *Client) Run(ctx context.Context, id int64) (r Run, err error) {
	err = c.Get(ctx, fmt.Sprintf("/jobs/%d", id), nil, &r)
	return r, err
}

// StartRun begins a run of a job, about a connector where one is named. began is
// false where one of the same is open already. key is as for Post.
func (c *Client) StartRun(ctx context.Context, job, connector, key, why string) (r Run, began bool, err error) {
	body := map[string]string{"job": job}
	for name, text := range map[string]string{"connector": connector, "why": why} {
		if text != "" {
			body[name] = text
		}
	}
	var started struct {
		Run   Run  `json:"run"`
		Began bool `json:"began"`
	}
	err = c.Post(ctx, "/jobs", key, body, &started)
	return started.Run, started.Began, err
}

// AbortRun lets a run end. key is as for Post.
func (c *Client) AbortRun(ctx context.Context, id int64, key, why string) (r Run, err error) {
	err = c.Post(ctx, fmt.Sprintf("/jobs/%d/abort", id), key, map[string]string{"why": why}, &r)
	return r, err
}

// ResumeRun lets a run go on that failed or was aborted. key is as for Post.
func (c *Client) ResumeRun(ctx context.Context, id int64, key, why string) (r Run, err error) {
	err = c.Post(ctx, fmt.Sprintf("/jobs/%d/resume", id), key, map[string]string{"why": why}, &r)
	return r, err
}
