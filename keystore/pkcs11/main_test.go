package pkcs11_test

import (
	"os"
	"testing"

	"github.com/gosignet/signet/internal/softhsmtest"
)

func TestMain(m *testing.M) { os.Exit(softhsmtest.Run(m)) }
