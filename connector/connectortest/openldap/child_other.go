//go:build !linux

package openldap

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }
