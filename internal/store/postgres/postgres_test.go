package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"provisor.dev/provisor/connector/connectortest/postgresql"
	"provisor.dev/provisor/internal/store/postgres"
	"provisor.dev/provisor/internal/store/statement"
	"provisor.dev/provisor/internal/store/storetest"
)

var databases atomic.Int64

func open(t testing.TB, server *postgresql.Server) *statement.DB {
	t.Helper()
	ctx := context.Background()
	name := fmt.Sprintf("provisor_%d", databases.Add(1))
	if err := server.CreateDatabase(ctx, name); err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(ctx, server.DSN(name), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStore(t *testing.T) {
	server := postgresql.ForTest(t)
	storetest.Run(t, func(t *testing.T) *statement.DB { return open(t, server) })
}
