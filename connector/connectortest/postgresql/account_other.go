//go:build !unix

package postgresql

import (
	"syscall"

	"provisor.dev/provisor/fault"
)

type account struct {
	switched bool
	uid, gid int
}

func unprivileged() (account, error) {
	return account{}, fault.New(fault.Refused, "start postgres", "a private PostgreSQL is started on Unix systems only")
}

func (a account) attributes() *syscall.SysProcAttr { return apart() }

func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
