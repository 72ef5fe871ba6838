//go:build !unix

package postgrestest

import (
	"errors"
	"syscall"
)

type account struct{}

func unprivileged(string) (*account, error) {
	return nil, errors.New("postgrestest: can start a server on Unix only; name one in " + Environment)
}

func (p *process) attributes() *syscall.SysProcAttr { return nil }
