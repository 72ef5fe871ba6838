package remote

import (
	_ "embed"
	"slices"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI returns the description of the protocol, OpenAPI 3.1 in JSON, for teams that write a server.
func OpenAPI() []byte { return slices.Clone(openAPI) }
