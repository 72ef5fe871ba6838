package memory

// Topics is how many topics have subscribers.
func (s *Store) Topics() int {
	s.topics.mu.Lock()
	defer s.topics.mu.Unlock()
	return len(s.topics.subscribers)
}
