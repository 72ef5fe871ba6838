//go:build race

package esignet_test

// waiters are fewer here: the race detector knows 8,128 goroutines at most, and each browser has three.
const waiters = 1_000
