// Package esignet is the HTTP API of eSignet 1.8, for the pages, wallets, partner tools and scripts that speak it: a
// country keeps them and changes only the server.
//
// It is a second face of what the other packages do: logins are those of login.Flow, consents those of package consent,
// wallets those of package wallet, clients those of the registry. It translates and decides nothing, so that a login
// that begins here obeys every rule that others obey. Where eSignet deviates from a standard in a way that its clients
// notice, this package does too, and nothing else in this module; where eSignet was insecure, it is not.
//
//	api, err := esignet.New(esignet.Config{Prefix: esignet.DefaultPrefix, …})
//	mux.Handle(esignet.DefaultPrefix+"/", api)
package esignet
