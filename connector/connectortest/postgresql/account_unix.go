//go:build unix

package postgresql

import (
	"os"
	"os/user"
	"strconv"
	"syscall"

	"provisor.dev/provisor/fault"
)

// account is who runs the server: PostgreSQL refuses to run as root.
type account struct {
	switched bool
	uid, gid int
}

func unprivileged() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	u, err := user.Lookup(superuser)
	if err != nil {
		e := fault.New(fault.NotFound, "start postgres", "PostgreSQL refuses to run as root, and there is no account %s to run it", superuser)
		e.Do = "install the Debian package postgresql, which makes it, or do not run as root"
		return account{}, e
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return account{}, err
	}
	gid, err := strconv.Atoi(u.Gid)
	return account{switched: true, uid: uid, gid: gid}, err
}

func (a account) attributes() *syscall.SysProcAttr {
	attr := apart()
	if a.switched {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// apart keeps an interrupt typed at the caller's terminal from the process.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
