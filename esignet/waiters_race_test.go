//go:build race

package esignet_test

// The race detector knows 8,128 goroutines at most, of which each browser has two, and takes several times the memory of
// the program.
const (
	waiters = 1_000
	budget  = 1_000_000_000
)
