package postgresql

import (
	"io"
	"os/exec"

	"provisor.dev/provisor/fault"
)

// guardScript waits for its standard input to end, which the kernel arranges
// however the caller dies; then it stops the server whose process the data
// folder names, waits for it, and removes the folder if it is told to.
const guardScript = `
cat >/dev/null
pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
  kill -QUIT "$pid" 2>/dev/null
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries+1)); done
fi
[ -z "$2" ] || rm -rf -- "$2"
`

// guard is the process that cleans up after a caller who cannot.
type guard struct {
	cmd   *exec.Cmd
	alive io.Closer
}

func startGuard(dir, data string, temporary bool) (*guard, error) {
	remove := ""
	if temporary {
		remove = dir
	}
	cmd := exec.Command("/bin/sh", "-c", guardScript, "guard", data, remove)
	cmd.Dir, cmd.SysProcAttr = "/", apart()
	alive, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fault.Wrap(fault.Internal, "start the guard of PostgreSQL", err)
	}
	return &guard{cmd: cmd, alive: alive}, nil
}

// dismiss lets the guard do its work, for which nothing is left, and waits.
func (g *guard) dismiss() {
	_ = g.alive.Close()
	_ = g.cmd.Wait() // a guard that is gone has nothing to report
}
