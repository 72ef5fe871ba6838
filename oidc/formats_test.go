package oidc_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/oidc"
)

func TestPicturesAreReleasedWithinLimits(t *testing.T) {
	t.Parallel()
	image := func(kind string, size int) string {
		return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(make([]byte, size))
	}
	for name, tc := range map[string]struct {
		picture  string
		released bool
	}{
		"a PNG":                       {image("image/png", 30), true},
		"a JPEG":                      {image("image/jpeg", 30), true},
		"a WebP":                      {image("image/webp", 30), true},
		"an SVG, which may hold code": {image("image/svg+xml", 30), false},
		"a page":                      {image("text/html", 30), false},
		"an image that is too large":  {image("image/png", 200), false},
		"no image":                    {image("image/png", 0), false},
		"an image that is not base64": {"data:image/png;base64,%%", false},
		"an image as text":            {"data:image/png,xyz", false},
		"parameters":                  {"data:image/png;charset=x;base64,AAAA", false},
		"an address":                  {"https://photos.example/p.png", true},
		"an address in clear":         {"http://photos.example/p.png", false},
		"an address with a password":  {"https://me:secret@photos.example/p.png", false},
		"an address without a host":   {"https:///p.png", false},
		"a long address":              {"https://photos.example/" + strings.Repeat("a", 2048), false},
		"a script":                    {"javascript:alert(1)", false},
		"a file":                      {"file:///etc/passwd", false},
		"a path":                      {"/p.png", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			f := newFixture(t, func(c *oidc.Config) {
				c.MaxPicture, c.Logger = 200, slog.New(slog.NewTextHandler(&log, nil))
			})
			value, _ := json.Marshal(tc.picture)
			f.people.values = map[string]string{"picture": string(value), "name": `"N"`}
			x := f.extended(t, "health", "openid", "claims", `{"userinfo":{"name":null,"picture":null}}`)
			if tc.released {
				assert.JSONEq(t, `{"name":"N","picture":`+string(value)+`}`, string(x.Data))
				assert.Empty(t, log.String())
				return
			}
			assert.Equal(t, `{"name":"N"}`, string(x.Data))
			assert.Contains(t, log.String(), "claim=picture")
			assert.NotContains(t, log.String(), tc.picture)
		})
	}
}

func TestAnotherTypeOfPictureCanBeAllowed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *oidc.Config) { c.PictureTypes = []string{"image/svg+xml"} })
	f.people.values = map[string]string{"picture": `"data:image/svg+xml;base64,PHN2Zy8+"`}
	x := f.extended(t, "health", "openid", "claims", `{"userinfo":{"picture":null}}`)
	assert.JSONEq(t, `{"picture":"data:image/svg+xml;base64,PHN2Zy8+"}`, string(x.Data))
}

func TestAddressesAreObjects(t *testing.T) {
	t.Parallel()
	for released, want := range map[string]string{
		`{"street_address":"Street 2\nHouse 1","country":"KH"}`: `{"address":{"street_address":"Street 2\nHouse 1","country":"KH"}}`,
		`{"formatted":"Kandal","region":"","locality":null}`:    `{"address":{"formatted":"Kandal"}}`,
		`{"region":"Kandal","village":{"code":7}}`:              `{"address":{"region":"Kandal","village":{"code":7}}}`,
		`"Street 2, Kandal"`:                                    `{"address":{"formatted":"Street 2, Kandal"}}`,
		`{"region":""}`:                                         `{}`,
		`{"region":7}`:                                          `{}`,
		`["Kandal"]`:                                            `{}`,
		`true`:                                                  `{}`,
	} {
		f := newFixture(t)
		f.people.values = map[string]string{"address": released}
		x := f.extended(t, "health", "openid address")
		assert.Equal(t, want, string(x.Data))
	}
}
