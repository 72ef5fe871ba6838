package oidc

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"github.com/gosignet/signet/oidc/internal/document"
)

// maxURL bounds addresses that are released.
const maxURL = 2048

// problemOf says what is wrong with a released value that has to have a form, and gives it that form where that can be
// done.
func (p *Provider) problemOf(name string, v *document.Value) string {
	switch name {
	case "picture":
		if s, ok := v.Text(); !ok || !p.isPicture(s) {
			return "neither an image within the limits nor the https address of one"
		}
	case "address":
		if !makeAddress(v) {
			return "not an address"
		}
	}
	return ""
}

// isPicture says whether clients can show the picture without harm: the image itself as a data URI (RFC 2397), or an
// https address.
func (p *Provider) isPicture(s string) bool {
	data, embedded := strings.CutPrefix(s, "data:")
	if !embedded {
		return isHTTPS(s)
	}
	kind, content, ok := strings.Cut(data, ";base64,")
	if !ok || len(s) > p.config.MaxPicture || !slices.Contains(p.config.PictureTypes, kind) {
		return false
	}
	image, err := base64.StdEncoding.Strict().DecodeString(content)
	return err == nil && len(image) > 0
}

// isHTTPS wants an https address that holds no password.
func isHTTPS(s string) bool {
	if len(s) > maxURL {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}

// makeAddress makes the value the object that an address has to be (OpenID Connect Core section 5.1.1), without members
// that say nothing. An address that is one text becomes its formatted member.
func makeAddress(v *document.Value) bool {
	object := document.Value{Kind: document.Object}
	switch v.Kind {
	case document.String:
		text := *v
		text.Name = "formatted"
		object.Children = []document.Value{text}
	case document.Object:
		for i := range v.Children {
			m := &v.Children[i]
			if isEmpty(m) {
				continue
			}
			if isAddressMember(m.Name) && m.Kind != document.String {
				return false
			}
			object.Children = append(object.Children, *m)
		}
	}
	*v = object
	return len(object.Children) > 0
}

func isAddressMember(name string) bool {
	switch name {
	case "formatted", "street_address", "locality", "region", "postal_code", "country", "country_code":
		return true
	}
	return false
}
