package redis

import "time"

// SetHeartbeat makes a Store that nobody has subscribed to try its connection so often.
func SetHeartbeat(s *Store, d time.Duration) { s.listener.beat = d }
