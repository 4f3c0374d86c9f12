package csvfile_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"provisor.dev/provisor/connector"
)

func TestBig(t *testing.T) {
	var b strings.Builder
	b.WriteString(header)
	for n := range 1_000_000 {
		fmt.Fprintf(&b, "E%d,\"Name, %d\",p%d@example.org,2020-01-31,D%d,BER|PAR,extra\n", n, n, n, n%100)
	}
	s := folder(t, b.String())
	b.Reset()
	runtime.GC()
	sys := opened(t, s)
	start := time.Now()
	req := connector.ReadRequest{Shape: person, Limit: 5000}
	rows := 0
	var peak uint64
	for {
		page, err := sys.Read(t.Context(), req)
		if err != nil { t.Fatal(err) }
		rows += len(page.Objects)
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse)
		if req.Cursor == "" { fmt.Println("first page", time.Since(start)) }
		if page.Cursor == "" { fmt.Println(page.Complete, page.Findings); break }
		req.Cursor = page.Cursor
	}
	fmt.Println(rows, time.Since(start), peak>>20, "MiB")
	for name, c := range map[string]string{
		"open quotes": header + strings.Repeat("E1,\"x,,,,,\n", 900) + strings.Repeat("E2,x,,,,,\n", 300000),
		"open + escaped": header + strings.Repeat("E1,\"x\"\",,,,,\n", 900) + strings.Repeat("E2,x,,,,,\n", 300000),
		"escaped pairs": header + strings.Repeat("\"\"\"\n", 2000)+ strings.Repeat("E2,x,,,,,\n", 300000),
		"one line": header + strings.Repeat("x", 50<<20),
		"commas": header + strings.Repeat(",", 50<<20),
		"blank": header + strings.Repeat("\n", 20<<20) + ann,
		"quotes": header + strings.Repeat("\"", 20<<20),
		"opens": header + strings.Repeat("\"\n", 500) + strings.Repeat("a\n", 20<<20),
	} {
		start := time.Now()
		r, err := readBy(t, opened(t, folder(t, c)), person, 5000)
		msg := ""
		if err != nil { msg = err.Error() }
		if len(msg) > 200 { msg = msg[:200] }
		fmt.Println(name, time.Since(start), r.complete, len(r.objects), len(r.findings), msg)
	}
}
