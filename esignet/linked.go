package esignet

// WalletConfig configures wallets: linked logins, and the binding of keys.
type WalletConfig struct{}

// serve mounts the endpoints.
func (c *WalletConfig) serve(*API) error { return nil }
