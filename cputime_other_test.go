//go:build !unix

package signet_test

import "time"

var benchStart = time.Now()

// cpuTime is the time that has passed, where the processor's is not to be had.
func cpuTime() time.Duration { return time.Since(benchStart) }
