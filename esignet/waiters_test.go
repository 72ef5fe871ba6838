//go:build !race

package esignet_test

const (
	// waiters is how many browsers wait in one instance.
	waiters = 10_000
	// budget is what the instance may have, in bytes.
	budget = 200_000_000
)
