package directory

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
	"provisor.dev/provisor/internal/process/loop"
	"provisor.dev/provisor/internal/stage/synchronize"
)

// workers is the concurrency of both sides, as the configurations say it.
const workers = 4

// number reads how large a benchmark is to be; `make bench` says it.
func number(b *testing.B, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("%s=%s is not a number of at least 1", name, text)
	}
	return n
}

// A side writes n people with one membership each into a fresh server and says
// how many it wrote per second.
type side func(b *testing.B, n int) float64

// contest measures Provisor and two clients in turn, forwards and backwards, so
// that whatever else the machine does meets all of them, and reports medians:
// of the rates, and of each round's ratios. same does the operations that
// Provisor does, writes leaves the reading out.
func contest(b *testing.B, product, same, writes side) {
	people, rounds := number(b, "PROVISOR_BENCH_PEOPLE", 1000), number(b, "PROVISOR_BENCH_ROUNDS", 3)
	var rates [3][]float64
	var ratio, toWrites []float64
	for round := range rounds {
		order := []int{0, 1, 2}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		var rate [3]float64
		for _, i := range order {
			rate[i] = []side{product, same, writes}[i](b, people)
			rates[i] = append(rates[i], rate[i])
		}
		ratio, toWrites = append(ratio, rate[0]/rate[1]), append(toWrites, rate[0]/rate[2])
		b.Logf("round %d of %d people: Provisor %.0f/s, the same operations %.0f/s, writes alone %.0f/s, ratio %.2f",
			round+1, people, rate[0], rate[1], rate[2], rate[0]/rate[1])
	}
	b.ReportMetric(0, "ns/op") // it says nothing
	b.ReportMetric(median(rates[0]), "orders/s")
	b.ReportMetric(median(rates[1]), "bare/s")
	b.ReportMetric(median(rates[2]), "writes/s")
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(median(toWrites), "ratio-to-writes")
}

func median(list []float64) float64 {
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// fulfilled takes the folder's people as far as Pending, and measures the orders
// from there to Verified.
func fulfilled(b *testing.B, dir string, n int, packages ...connector.Package) float64 {
	ctx := context.Background()
	e, err := loop.Open(ctx, loop.Options{Dir: dir, Packages: packages})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	configuration, err := e.Files()
	if err == nil {
		err = e.Deploy(ctx, configuration, "")
	}
	if err == nil {
		_, err = e.Synchronize(ctx, synchronize.Options{})
	}
	if err == nil {
		_, err = e.Evaluate(ctx)
	}
	if err == nil {
		_, err = e.Generate(ctx, false)
	}
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	s, err := e.Fulfil(ctx, nil)
	took := time.Since(began)
	if err != nil {
		b.Fatal(err)
	}
	if len(s.Connections) != 1 || s.Connections[0].Collected != n {
		b.Fatalf("not %d orders were carried out: %+v", n, s)
	}
	counts, err := e.Views().StateCounts(ctx, 0)
	if err != nil {
		b.Fatal(err)
	}
	for _, left := range counts.Orders {
		if left.Count > 0 {
			b.Fatalf("%d orders are left, %s", left.Count, left.State)
		}
	}
	return float64(n) / took.Seconds()
}

// together has the workers write n people, each over a connection of its own.
func together(b *testing.B, n int, worker func() (write func(i int) error, end func(), err error)) float64 {
	var next atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, workers)
	began := time.Now()
	for w := range workers {
		wait.Go(func() {
			write, end, err := worker()
			if err != nil {
				errs[w] = err
				return
			}
			defer end()
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				errs[w] = write(i)
			}
		})
	}
	wait.Wait()
	took := time.Since(began)
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	return float64(n) / took.Seconds()
}
