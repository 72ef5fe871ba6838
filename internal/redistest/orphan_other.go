//go:build !linux

package redistest

import "syscall"

// diesWithUs can ask for nothing here: a test binary that is killed leaves its servers behind.
func diesWithUs() *syscall.SysProcAttr { return nil }
