package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"syscall"
)

// Instance is a process of the reference server.
type Instance struct {
	// Address is where it listens, also after a restart.
	Address string

	program string
	args    []string
	log     io.Writer
	command *exec.Cmd
	exited  chan error
}

// NewInstance describes an instance that runs the program with the arguments, beside those that say where it listens. It
// does not start it. What it logs goes to log.
func NewInstance(program string, log io.Writer, args ...string) (*Instance, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return &Instance{Address: address, program: program, log: log, args: append([]string{"-listen", address, "-portal-listen", ""}, args...)}, nil
}

// Start starts the process. It does not wait until it is ready: a Balancer finds that out.
func (i *Instance) Start() error {
	if i.command != nil {
		return errors.New("cluster: the instance runs already")
	}
	command := exec.Command(i.program, i.args...)
	command.Stderr = i.log
	command.SysProcAttr = dieWithParent()
	if err := command.Start(); err != nil {
		return err
	}
	i.command, i.exited = command, make(chan error, 1)
	go func() { i.exited <- command.Wait() }()
	return nil
}

// Kill ends the process with SIGKILL, in the middle of whatever it does.
func (i *Instance) Kill() error {
	if i.command == nil {
		return nil
	}
	err := i.command.Process.Kill()
	<-i.exited
	i.command = nil
	return err
}

// Stop asks the process to end, and waits until it has or the context ends.
func (i *Instance) Stop(ctx context.Context) error {
	if i.command == nil {
		return nil
	}
	if err := i.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-i.exited:
		i.command = nil
		if err != nil {
			return fmt.Errorf("cluster: the instance ended with %w", err)
		}
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), i.Kill())
	}
}

// freeAddress is one that nobody listens on just now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
