package openldap

import "syscall"

// attributes let the server die with its parent: a test binary that is killed
// runs no clean-up.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
