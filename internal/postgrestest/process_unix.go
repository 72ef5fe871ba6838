//go:build unix

package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is who runs the server.
type account struct{ uid, gid uint32 }

// unprivileged returns whom to run the server as, nil for who runs the tests, and gives them the directory. A server
// refuses to run as root.
func unprivileged(dir string) (*account, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("postgrestest: user %s: %w", name, err)
		}
		return &account{uint32(uid), uint32(gid)}, os.Chown(dir, int(uid), int(gid))
	}
	return nil, errors.New("postgrestest: running as root, and there is neither a user postgres nor nobody to run the server as")
}

// attributes keep the interrupt of a terminal from the server: it has to outlive the tests by a moment.
func (p *process) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if p.user != nil {
		a.Credential = &syscall.Credential{Uid: p.user.uid, Gid: p.user.gid}
	}
	return a
}
