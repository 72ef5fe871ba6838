package pkcs11_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore/pkcs11"
)

func TestOpenReturnsEverythingThatIsWrongWithTheConfiguration(t *testing.T) {
	t.Parallel()
	_, err := pkcs11.Open(t.Context(), pkcs11.Config{Module: "/does/not/exist.so", MaxSessions: -1, RSABits: 1024})
	for _, want := range []string{"Module", "neither TokenLabel nor TokenSerial", "PIN is nil", "MaxSessions is -1", "RSABits is 1024"} {
		assert.ErrorContains(t, err, want)
	}
	_, err = pkcs11.Open(t.Context(), pkcs11.Config{
		Module: ".", TokenLabel: strings.Repeat("x", 33), TokenSerial: strings.Repeat("1", 17), PIN: pkcs11.PINFile("pin"),
	})
	for _, want := range []string{"Module . is no file", "TokenLabel is longer", "TokenSerial is longer"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestParseURI(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a pin;")
	require.NoError(t, os.WriteFile(file, []byte("from file\r\n"), 0o600))
	escaped := strings.NewReplacer(" ", "%20", ";", "%3B").Replace(file)
	getenv := func(name string) string { return "from " + name }
	tests := []struct {
		uri  string
		want pkcs11.Config
		pin  string
	}{
		{"pkcs11:token=signet;pin-file=" + escaped, pkcs11.Config{TokenLabel: "signet"}, "from file"},
		{"pkcs11:token=my%20token;serial=0123?module-path=/m.so&pin-source=file:" + escaped,
			pkcs11.Config{TokenLabel: "my token", TokenSerial: "0123", Module: "/m.so"}, "from file"},
		{"PKCS11:token=signet;max-sessions=16;module=/m.so?pin-source=file://" + escaped,
			pkcs11.Config{TokenLabel: "signet", MaxSessions: 16, Module: "/m.so"}, "from file"},
		{"pkcs11:token=signet;pin-source=env:HSM_PIN", pkcs11.Config{TokenLabel: "signet"}, "from HSM_PIN"},
		{"pkcs11:token=signet?pin-source=" + escaped, pkcs11.Config{TokenLabel: "signet"}, "from file"},
		{"pkcs11:", pkcs11.Config{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.uri, func(t *testing.T) {
			t.Parallel()
			got, err := pkcs11.ParseURI(tt.uri, getenv)
			require.NoError(t, err)
			if tt.pin != "" {
				pin, err := got.PIN()
				require.NoError(t, err)
				assert.Equal(t, tt.pin, string(pin))
			}
			got.PIN = nil
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestParseURIRefuses(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"":                                          "does not begin",
		"token=signet":                              "does not begin",
		"pkcs12:token=signet":                       "does not begin",
		"pkcs11:token":                              "without a value",
		"pkcs11:token=":                             "empty",
		"pkcs11:token=a;;serial=b":                  "without a value",
		"pkcs11:token=%zz":                          "badly escaped",
		"pkcs11:token=%00":                          "badly escaped",
		"pkcs11:token=a;token=b":                    "twice",
		"pkcs11:token=a;module=b?module-path=c":     "twice",
		"pkcs11:token=a?pin-value=4711":             "for everybody to read",
		"pkcs11:token=a?pin-source=|prog":           "neither",
		"pkcs11:token=a?pin-source=http://a":        "neither",
		"pkcs11:token=a?pin-source=file://host/pin": "neither",
		"pkcs11:token=a?pin-source=env:PIN":         "environment",
		"pkcs11:token=a;object=key":                 "not supported",
		"pkcs11:token=a;max-sessions=many":          "max-sessions",
		"pkcs11:token=a;max-sessions=0":             "max-sessions",
	} {
		_, err := pkcs11.ParseURI(uri, nil)
		require.ErrorContains(t, err, want, uri)
		assert.NotContains(t, err.Error(), "4711")
	}
}

func TestPINFileIsReadAnewEachTime(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pin")
	read := pkcs11.PINFile(file)
	_, err := read()
	require.ErrorIs(t, err, os.ErrNotExist)
	for content, want := range map[string]string{"1234": "1234", "1234\n": "1234", " 12 34 \r\n": " 12 34 ", "1234\n\n": "1234\n"} {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		pin, err := read()
		require.NoError(t, err)
		assert.Equal(t, want, string(pin))
	}
}

func FuzzParseURI(f *testing.F) {
	f.Add("pkcs11:token=signet;pin-file=/run/secrets/pin")
	f.Add("pkcs11:token=a%20b;serial=01?module-path=/m.so&pin-source=env:PIN&max-sessions=3")
	f.Add("pkcs11:?&;=%")
	f.Fuzz(func(t *testing.T, uri string) {
		config, err := pkcs11.ParseURI(uri, os.Getenv)
		if err != nil {
			require.Equal(t, "", config.TokenLabel+config.TokenSerial+config.Module)
			return
		}
		require.NotContains(t, config.TokenLabel, "\x00")
		require.GreaterOrEqual(t, config.MaxSessions, 0)
	})
}

func ExampleParseURI() {
	config, err := pkcs11.ParseURI("pkcs11:token=signet;pin-file=/run/secrets/pin?module-path=/usr/lib/softhsm/libsofthsm2.so", os.Getenv)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(config.TokenLabel, config.Module)
	// Output: signet /usr/lib/softhsm/libsofthsm2.so
}
