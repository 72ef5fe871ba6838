package conformance

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// clientHello is what a client offers (RFC 5246 7.4.1.2 and RFC 8446 4.1.2).
type clientHello struct {
	version uint16
	// orOlder offers TLS 1.2 beside TLS 1.3.
	orOlder bool
	suites  []uint16
}

// serverHello is what a server chose.
type serverHello struct{ version, suite uint16 }

// alertError is the alert of a server that refuses.
type alertError byte

func (a alertError) Error() string { return fmt.Sprintf("alert %d", byte(a)) }

const (
	alertHandshakeFailure alertError = 40
	alertProtocolVersion  alertError = 70

	recordAlert, recordHandshake = 21, 22
	typeClientHello              = 1
	typeServerHello              = 2
	helloTimeout                 = 10 * time.Second
)

var (
	suites13 = []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256}
	// suitesCBC are those that old versions have; DHE and Camellia suites have no names in crypto/tls.
	suitesCBC = []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
		tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
		0x0033, 0x0039, 0x0067, 0x006b, 0x0041, 0x0084,
	}
)

// hello sends the offer and returns the server's choice, or why there is none.
func (t *trial) hello(h host, offer clientHello) (*serverHello, error) {
	dialer := net.Dialer{Timeout: helloTimeout}
	conn, err := dialer.DialContext(t.ctx, "tcp", h.address)
	if err != nil {
		t.fatal("connect to %s: %v", h.address, err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		t.fatal("%v", err)
	}
	message, err := offer.record(h.name)
	if err != nil {
		t.fatal("%v", err)
	}
	if _, err := conn.Write(message); err != nil {
		return nil, errClosed
	}
	choice, err := readServerHello(conn)
	if netErr := net.Error(nil); errors.As(err, &netErr) && netErr.Timeout() {
		t.fatal("%s does not answer a ClientHello", h.address)
	}
	return choice, err
}

// record returns the hello as it goes over the wire.
func (c clientHello) record(serverName string) ([]byte, error) {
	legacy := min(c.version, tls.VersionTLS12)
	var body builder
	body.u16(legacy)
	body.random(32)
	body.u8(32)
	body.random(32) // a session id, as middleboxes expect it
	body.list16(func(b *builder) {
		for _, suite := range c.suites {
			b.u16(suite)
		}
	})
	body.list8(func(b *builder) { b.u8(0) }) // no compression
	var failed error
	body.list16(func(b *builder) { failed = c.extensions(b, serverName) })
	if failed != nil {
		return nil, failed
	}
	var record builder
	record.u8(recordHandshake)
	record.u16(tls.VersionTLS10)
	record.list16(func(b *builder) {
		b.u8(typeClientHello)
		b.u8(byte(len(body) >> 16))
		b.u16(uint16(len(body)))
		*b = append(*b, body...)
	})
	return record, nil
}

func (c clientHello) extensions(b *builder, serverName string) error {
	if net.ParseIP(serverName) == nil {
		b.extension(0, func(b *builder) { // server_name
			b.list16(func(b *builder) {
				b.u8(0)
				b.list16(func(b *builder) { *b = append(*b, serverName...) })
			})
		})
	}
	b.extension(10, func(b *builder) { // supported_groups
		b.list16(func(b *builder) {
			b.u16(uint16(tls.X25519))
			b.u16(uint16(tls.CurveP256))
			b.u16(uint16(tls.CurveP384))
			b.u16(256)
		})
	})
	b.extension(11, func(b *builder) { b.list8(func(b *builder) { b.u8(0) }) }) // ec_point_formats
	b.extension(13, func(b *builder) {                                          // signature_algorithms
		b.list16(func(b *builder) {
			for _, s := range []tls.SignatureScheme{
				tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512, tls.Ed25519,
				tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PSSWithSHA512, tls.PKCS1WithSHA256, tls.PKCS1WithSHA384,
				tls.PKCS1WithSHA512, tls.PKCS1WithSHA1, tls.ECDSAWithSHA1,
			} {
				b.u16(uint16(s))
			}
		})
	})
	if c.version < tls.VersionTLS13 {
		return nil
	}
	b.extension(43, func(b *builder) { // supported_versions
		b.list8(func(b *builder) {
			b.u16(tls.VersionTLS13)
			if c.orOlder {
				b.u16(tls.VersionTLS12)
			}
		})
	})
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	b.extension(51, func(b *builder) { // key_share
		b.list16(func(b *builder) {
			b.u16(uint16(tls.X25519))
			b.list16(func(b *builder) { *b = append(*b, key.PublicKey().Bytes()...) })
		})
	})
	return nil
}

// readServerHello reads the first record of the answer.
func readServerHello(r io.Reader) (*serverHello, error) {
	header := make([]byte, 5)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, closed(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(header[3:]))
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, closed(err)
	}
	switch {
	case header[0] == recordAlert && len(body) == 2:
		return nil, alertError(body[1])
	case header[0] != recordHandshake:
		return nil, fmt.Errorf("a record of type %d came back", header[0])
	}
	return parseServerHello(body)
}

// parseServerHello reads the choice out of a ServerHello, or a HelloRetryRequest, which has the same form.
func parseServerHello(b []byte) (*serverHello, error) {
	const fixed = 4 + 2 + 32 + 1
	malformed := errors.New("the ServerHello is malformed")
	if len(b) < fixed || b[0] != typeServerHello {
		return nil, malformed
	}
	hello := &serverHello{version: binary.BigEndian.Uint16(b[4:])}
	rest := b[fixed:]
	sessionID := int(b[fixed-1])
	if len(rest) < sessionID+3 {
		return nil, malformed
	}
	rest = rest[sessionID:]
	hello.suite = binary.BigEndian.Uint16(rest)
	rest = rest[3:]
	if len(rest) < 2 {
		return hello, nil
	}
	for rest = rest[2:]; len(rest) >= 4; {
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if rest = rest[4:]; len(rest) < size {
			return nil, malformed
		}
		if kind == 43 && size == 2 {
			hello.version = binary.BigEndian.Uint16(rest)
		}
		rest = rest[size:]
	}
	return hello, nil
}

func closed(err error) error {
	if netErr := net.Error(nil); errors.As(err, &netErr) && netErr.Timeout() {
		return err
	}
	return errClosed
}

// builder writes the presentation language of TLS.
type builder []byte

func (b *builder) u8(v byte)    { *b = append(*b, v) }
func (b *builder) u16(v uint16) { *b = binary.BigEndian.AppendUint16(*b, v) }
func (b *builder) random(n int) {
	at := len(*b)
	*b = append(*b, make([]byte, n)...)
	rand.Read((*b)[at:])
}

func (b *builder) list8(write func(*builder)) {
	var inner builder
	write(&inner)
	b.u8(byte(len(inner)))
	*b = append(*b, inner...)
}

func (b *builder) list16(write func(*builder)) {
	var inner builder
	write(&inner)
	b.u16(uint16(len(inner)))
	*b = append(*b, inner...)
}

func (b *builder) extension(kind uint16, write func(*builder)) {
	b.u16(kind)
	b.list16(write)
}
