package pseudonym_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/internal/pseudonym"
)

func TestNameIsTheMACOfItsInputHoweverManyAreMade(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	maker := pseudonym.New(key)
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			for j := range 64 {
				input := fmt.Appendf(nil, "person %d of %d", i, j)
				mac := hmac.New(sha256.New, key)
				mac.Write(input)
				assert.Equal(t, base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), maker.Name(input))
			}
		})
	}
	group.Wait()
}

func TestNamesUnderAnotherKeyAreOthers(t *testing.T) {
	t.Parallel()
	input := []byte("person")
	assert.NotEqual(t, pseudonym.New([]byte("one")).Name(input), pseudonym.New([]byte("other")).Name(input))
}
