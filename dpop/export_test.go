package dpop

// What strangers send and only this package reads, for tests and fuzzing.
var (
	Normalise      = normalise
	Challenge      = challenge
	ChallengeError = challengeError
)

// MaxOrigins is how many servers' nonces a Transport remembers.
const MaxOrigins = maxOrigins

// Origins returns how many servers' nonces the Transport remembers now.
func (t *Transport) Origins() int {
	t.nonces.mu.Lock()
	defer t.nonces.mu.Unlock()
	return len(t.nonces.nonces)
}
