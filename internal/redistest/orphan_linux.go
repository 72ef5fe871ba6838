package redistest

import "syscall"

// diesWithUs makes the kernel kill a child when we end, however we end.
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
