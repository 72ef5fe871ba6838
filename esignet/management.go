package esignet

// ManagementConfig configures the registration of clients.
type ManagementConfig struct{}

// serve mounts the endpoints.
func (c *ManagementConfig) serve(*API) error { return nil }
