package cluster

import "syscall"

// dieWithParent has the kernel end the process when this one ends, however it does.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
