package pkcs12_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/pem"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs12"
)

// OpenSSL is asked each time. Java is not everywhere: with -keytool, the test reads with keytool what this package
// writes, and makes testdata/keytool.p12 again. testdata/README.md tells where the other files come from.
var useKeytool = flag.Bool("keytool", false, "read files with Java's keytool, and make testdata/keytool.p12 with it")

// fixturePassword is that of the files in testdata.
const fixturePassword = "changeit changeit"

// run runs a program and returns what it printed.
func run(t *testing.T, directory, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = directory
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s %s\n%s%s", name, strings.Join(args, " "), out, stderr.String())
	return string(out)
}

// writeAll makes a file with a key and a chain for each algorithm of signatures, and with a key for each other
// algorithm.
func writeAll(t *testing.T, path, password string) *pkcs12.Vault {
	t.Helper()
	c := config(pkcs12.File(path))
	c.Password = secret(password)
	vault, err := pkcs12.Open(t.Context(), c)
	require.NoError(t, err)
	ca := newAuthority(t, "between", newAuthority(t, "root", nil))
	for _, alg := range signatureAlgorithms {
		key := generate(t, vault, "label "+string(alg), string(alg))
		require.NoError(t, vault.SetCertificates(t.Context(), key.ID, ca.chain(t, key.Public, time.Now())))
	}
	generate(t, vault, "label ECDH-ES", "ECDH-ES")
	generate(t, vault, "label RSA-OAEP-256", "RSA-OAEP-256")
	return vault
}

func TestOpenSSLReadsTheFile(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	vault := writeAll(t, path, password)
	info := run(t, "", "openssl", "pkcs12", "-in", path, "-passin", "pass:"+password, "-noenc")
	assert.Equal(t, 5*3, strings.Count(info, "BEGIN CERTIFICATE"))

	// Each private key is the one that the vault has under that label.
	var found []string
	for _, part := range strings.Split(info, "Bag Attributes")[1:] {
		block, _ := pem.Decode([]byte(part[max(0, strings.Index(part, "-----BEGIN")):]))
		if block == nil || block.Type != "PRIVATE KEY" {
			continue
		}
		private, err := keystore.ParsePrivateKeyPEM(pem.EncodeToMemory(block))
		require.NoError(t, err)
		i := slices.IndexFunc(keys(t, vault), func(k keystore.VaultKey) bool { return strings.Contains(part, "friendlyName: "+k.Label) })
		require.GreaterOrEqual(t, i, 0, part)
		key := keys(t, vault)[i]
		assert.Equal(t, key.Public, private.(crypto.Signer).Public())
		assert.Contains(t, strings.ToLower(strings.ReplaceAll(part, " ", "")), "localkeyid:"+key.ID)
		found = append(found, key.Label)
	}
	assert.Len(t, found, 7)
}

func TestOpenSSLReadsAFileWithoutKeys(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	open(t, pkcs12.File(path))
	run(t, "", "openssl", "pkcs12", "-in", path, "-passin", "pass:"+password, "-noenc")
}

func TestAFileOfOpenSSLIsReadAndChanged(t *testing.T) {
	t.Parallel()
	for alg, args := range map[jose.SignatureAlgorithm][]string{
		jose.ES256: {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
		jose.ES384: {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
		jose.RS256: {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
		jose.EdDSA: {"-algorithm", "ED25519"},
	} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			openssl := func(args ...string) string { return run(t, directory, "openssl", args...) }
			openssl(append([]string{"genpkey", "-out", "key.pem"}, args...)...)
			openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=CA", "-keyout", "ca.key", "-out", "ca.pem")
			openssl("req", "-new", "-key", "key.pem", "-subj", "/CN=signing key", "-out", "request.pem")
			openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "leaf.pem")
			openssl("pkcs12", "-export", "-inkey", "key.pem", "-in", "leaf.pem", "-certfile", "ca.pem",
				"-name", "signing key", "-passout", "pass:"+password, "-out", "keys.p12")

			path := filepath.Join(directory, "keys.p12")
			vault := open(t, pkcs12.File(path))
			key := keys(t, vault)[0]
			assert.Equal(t, "signing key", key.Label)
			require.Len(t, key.Certificates, 2)
			require.NoError(t, keystore.CheckCertificates(key.Public, key.Certificates))
			private, err := vault.Open(t.Context(), key.ID)
			require.NoError(t, err)
			requireSigns(t, alg, private, key.Public)

			generate(t, vault, "another", "ES256")
			assert.Equal(t, key, keys(t, open(t, pkcs12.File(path)))[0])
			assert.Equal(t, 2, strings.Count(openssl("pkcs12", "-in", "keys.p12", "-passin", "pass:"+password, "-noenc"), "BEGIN CERTIFICATE"))
		})
	}
}

func TestAFileOfOpenSSLWithWhatItCallsModern(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"AES-128 and SHA-512": {"-keypbe", "AES-128-CBC", "-certpbe", "AES-192-CBC", "-macalg", "SHA512"},
		"more iterations":     {"-iter", "100000"},
		"SHA-384":             {"-macalg", "SHA384"},
	} {
		vault, err := openssl(t, args...)
		require.NoError(t, err, name)
		require.Len(t, keys(t, vault), 1, name)
	}
}

func TestAFileThatIsProtectedTooWeaklyIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"no MAC":              {[]string{"-nomac"}, "has no MAC"},
		"SHA-1 in the MAC":    {[]string{"-macalg", "SHA1"}, "MAC is SHA-1, which is too weak"},
		"3DES for the key":    {[]string{"-keypbe", "PBE-SHA1-3DES"}, "encryption is 3DES, which is too weak"},
		"3DES in PBES2":       {[]string{"-certpbe", "DES-EDE3-CBC"}, "encryption is 3DES, which is too weak"},
		"the private key":     {[]string{"-keypbe", "NONE"}, "private key of the file is not encrypted"},
		"an unknown cipher":   {[]string{"-certpbe", "CAMELLIA-256-CBC"}, "encryption is of an unknown algorithm (1.2.392.200011.61.1.1.1.4)"},
		"an unknown MAC hash": {[]string{"-macalg", "SHA3-256"}, "MAC is of an unknown algorithm (2.16.840.1.101.3.4.2.8)"},
	} {
		_, err := openssl(t, tc.args...)
		require.ErrorContains(t, err, tc.says, name)
	}
}

// openssl opens a file that OpenSSL made of one key and certificate.
func openssl(t *testing.T, args ...string) (*pkcs12.Vault, error) {
	t.Helper()
	directory := t.TempDir()
	run(t, directory, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
		"-subj", "/CN=x", "-keyout", "key.pem", "-out", "certificate.pem")
	run(t, directory, "openssl", append([]string{"pkcs12", "-export", "-inkey", "key.pem", "-in", "certificate.pem",
		"-passout", "pass:" + password, "-out", "keys.p12"}, args...)...)
	return pkcs12.Open(t.Context(), config(pkcs12.File(filepath.Join(directory, "keys.p12"))))
}

// fixture opens a copy of a file in testdata.
func fixture(t *testing.T, name string) (*shared, *pkcs12.Vault, error) {
	t.Helper()
	blob, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	storage := holding(blob)
	c := config(storage)
	c.Password = secret(fixturePassword)
	vault, err := pkcs12.Open(t.Context(), c)
	return storage, vault, err
}

func TestAFileOfKeytoolIsReadAndChanged(t *testing.T) {
	t.Parallel()
	if *useKeytool {
		makeWithKeytool(t)
	}
	storage, vault, err := fixture(t, "keytool.p12")
	require.NoError(t, err)
	generate(t, vault, "another", "ES256")
	c := config(storage)
	c.Password = secret(fixturePassword)
	again, err := pkcs12.Open(t.Context(), c)
	require.NoError(t, err)
	chains := map[string]int{}
	for _, key := range keys(t, again) {
		chains[key.Label] = len(key.Certificates)
		if key.Label == "another" {
			continue
		}
		require.NoError(t, keystore.CheckCertificates(key.Public, key.Certificates))
		private, err := again.Open(t.Context(), key.ID)
		require.NoError(t, err)
		alg := map[string]jose.SignatureAlgorithm{"ca": jose.ES256, "leaf": jose.ES384, "rsa": jose.PS256, "ed25519": jose.EdDSA}[key.Label]
		requireSigns(t, alg, private, key.Public)
		if _, ok := key.Public.(*rsa.PublicKey); ok {
			requireDecrypts(t, private)
		}
	}
	require.Equal(t, map[string]int{"ca": 1, "leaf": 2, "rsa": 1, "ed25519": 1, "another": 0}, chains)

	if *useKeytool { // the entry that is a certificate without a key is still one for Java
		path := newFile(t)
		require.NoError(t, os.WriteFile(path, storage.blob, 0o600))
		require.Contains(t, run(t, "", "keytool", "-list", "-keystore", path, "-storepass", fixturePassword, "-alias", "trusted"), "trustedCertEntry")
	}
}

func TestKeytoolReadsTheFile(t *testing.T) {
	t.Parallel()
	if !*useKeytool {
		t.Log("not asked to: go test ./keystore/pkcs12 -run Keytool -keytool")
		return
	}
	path := newFile(t)
	writeAll(t, path, fixturePassword)
	list := run(t, "", "keytool", "-list", "-v", "-keystore", path, "-storepass", fixturePassword)
	for _, alg := range signatureAlgorithms {
		assert.Contains(t, list, "Alias name: label "+strings.ToLower(string(alg)))
	}
	assert.Equal(t, 5, strings.Count(list, "Certificate chain length: 3"), list)
	// Java opens the private keys, too: it writes them into another file.
	copied := newFile(t)
	run(t, "", "keytool", "-importkeystore", "-noprompt", "-srckeystore", path, "-srcstorepass", fixturePassword,
		"-destkeystore", copied, "-deststorepass", fixturePassword, "-deststoretype", "pkcs12", "-srcalias", "label es256")
	require.NoError(t, os.Chmod(copied, 0o600))
	c := config(pkcs12.File(copied))
	c.Password = secret(fixturePassword)
	vault, err := pkcs12.Open(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, "label es256", keys(t, vault)[0].Label)
}

func makeWithKeytool(t *testing.T) {
	t.Helper()
	directory := t.TempDir()
	keytool := func(args ...string) string {
		return run(t, directory, "keytool", append(args, "-keystore", "keytool.p12", "-storetype", "PKCS12", "-storepass", fixturePassword)...)
	}
	generate := func(alias string, args ...string) {
		keytool(append([]string{"-genkeypair", "-alias", alias, "-dname", "CN=" + alias, "-validity", "36500"}, args...)...)
	}
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600))
	}
	generate("ca", "-keyalg", "EC", "-groupname", "secp256r1", "-ext", "bc:c")
	generate("leaf", "-keyalg", "EC", "-groupname", "secp384r1")
	generate("rsa", "-keyalg", "RSA", "-keysize", "2048")
	generate("ed25519", "-keyalg", "ED25519")
	write("request.pem", keytool("-certreq", "-alias", "leaf"))
	ca := keytool("-exportcert", "-rfc", "-alias", "ca")
	write("chain.pem", ca+keytool("-gencert", "-rfc", "-alias", "ca", "-infile", "request.pem", "-validity", "36500"))
	keytool("-importcert", "-noprompt", "-alias", "leaf", "-file", "chain.pem")
	run(t, directory, "keytool", "-genkeypair", "-alias", "x", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=trusted",
		"-validity", "36500", "-keystore", "other.p12", "-storepass", fixturePassword)
	write("trusted.pem", run(t, directory, "keytool", "-exportcert", "-rfc", "-alias", "x", "-keystore", "other.p12", "-storepass", fixturePassword))
	keytool("-importcert", "-noprompt", "-alias", "trusted", "-file", "trusted.pem")
	blob, err := os.ReadFile(filepath.Join(directory, "keytool.p12"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join("testdata", "keytool.p12"), blob, 0o600))
}

func TestAFileThatOldProgramsMadeIsRefused(t *testing.T) {
	t.Parallel()
	storage, _, err := fixture(t, "legacy.p12")
	require.ErrorContains(t, err, "MAC is SHA-1, which is too weak: convert the file")
	require.Zero(t, storage.saves)
}

// pbmac1OID is in files whose MAC is as RFC 9579 has it.
const pbmac1OID = "\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0e"

func TestAFileWithPBMAC1IsReadAndWritten(t *testing.T) {
	t.Parallel()
	storage, vault, err := fixture(t, "pbmac1.p12")
	require.NoError(t, err)
	require.Len(t, keys(t, vault)[0].Certificates, 1)

	require.Contains(t, string(storage.blob), pbmac1OID)
	generate(t, vault, "key", "ES256")
	require.NotContains(t, string(storage.blob), pbmac1OID, "it is not what this vault writes")
	c := config(storage)
	c.Password, c.PBMAC1 = secret(fixturePassword), true
	vault, err = pkcs12.Open(t.Context(), c)
	require.NoError(t, err)
	generate(t, vault, "key", "ES256")
	require.Contains(t, string(storage.blob), pbmac1OID)
	again, err := pkcs12.Open(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, keys(t, vault), keys(t, again))
	c.Password = secret("wrong")
	_, err = pkcs12.Open(t.Context(), c)
	require.ErrorIs(t, err, pkcs12.ErrPassword)
}
