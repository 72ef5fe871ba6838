package pkcs11

// UnpadOAEP is for tests to compare with crypto/rsa.
var UnpadOAEP = unpadOAEP
