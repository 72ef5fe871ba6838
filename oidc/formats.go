package oidc

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/gosignet/signet/oidc/internal/document"
)

// maxURL bounds addresses that are released.
const maxURL = 2048

// isPicture says whether a value of the claim picture is one that a client can show without harm: the image itself as a
// data URI (RFC 2397), or an https address.
func (p *Provider) isPicture(value []byte) bool {
	var s string
	if len(value) > p.config.MaxPicture+2 || json.Unmarshal(value, &s) != nil {
		return false
	}
	data, embedded := strings.CutPrefix(s, "data:")
	if !embedded {
		return isAddress(s)
	}
	kind, content, ok := strings.Cut(data, ";base64,")
	if !ok || !slices.Contains(p.config.PictureTypes, kind) {
		return false
	}
	image, err := base64.StdEncoding.Strict().DecodeString(content)
	return err == nil && len(image) > 0
}

// isAddress wants an https address that holds no password.
func isAddress(s string) bool {
	if len(s) > maxURL {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}

// address returns the claim address as the object that it has to be (OpenID Connect Core section 5.1.1), without members
// that say nothing; an address that is one text becomes its formatted member. What is no address is nil.
func address(value []byte) []byte {
	v, err := document.Parse(value, maxReleasedDepth)
	if err != nil {
		return nil
	}
	object := document.Value{Kind: document.Object}
	switch v.Kind {
	case document.String:
		object.Members = []document.Member{{Name: "formatted", Value: *v}}
	case document.Object:
		for _, m := range v.Members {
			if isEmpty(m.Value.Append(nil)) {
				continue
			}
			if isAddressMember(m.Name) && m.Value.Kind != document.String {
				return nil
			}
			object.Members = append(object.Members, m)
		}
	}
	if len(object.Members) == 0 {
		return nil
	}
	return object.Append(nil)
}

func isAddressMember(name string) bool {
	switch name {
	case "formatted", "street_address", "locality", "region", "postal_code", "country", "country_code":
		return true
	}
	return false
}
