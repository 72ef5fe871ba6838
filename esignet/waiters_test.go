//go:build !race

package esignet_test

// waiters is how many browsers wait in one instance.
const waiters = 10_000
