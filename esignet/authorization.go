package esignet

// AuthorizationConfig configures logins in a browser, and what relying parties call.
type AuthorizationConfig struct{}

// serve mounts the endpoints.
func (c *AuthorizationConfig) serve(*API) error { return nil }
