package migration_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/esignet/migration"
)

func FuzzConsent(f *testing.F) {
	f.Add(`{"userinfo":{"name":[{"essential":true}],"email":[]},"id_token":{}}`, `{"resident":false}`)
	f.Add(`{"userinfo":{"name":{"essential":false,"verification":null},"email":null}}`, `null`)
	f.Add(`{"userinfo":{"name":[{"verification":{"trust_framework":null}}]}}`, `{}`)
	f.Add(`{"userinfo":{"name":"x"}}`, `[]`)
	f.Add(`{"userinfo":[]}`, `{"":1}`)
	f.Fuzz(func(t *testing.T, claims, scopes string) {
		q, err := migration.Question(claims, scopes, nil)
		if err != nil {
			require.Nil(t, q)
			return
		}
		var asked map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(scopes), &asked))
		require.Len(t, q.Asked.Scopes, len(asked), "nobody is taken to have agreed to more than was asked")
	})
}

func FuzzCertificate(f *testing.F) {
	f.Add("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
	f.Add("none")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := migration.Certificate(text)
		require.Equal(t, err == nil, c != nil)
	})
}
