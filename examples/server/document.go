package main

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/keystore"
)

// document is a JSON object of a configuration file. Its methods read members, and gather what is wrong with them; finish
// returns that, and refuses members that nobody asked for. What is wrong names the place and never the value, which may be
// a secret that somebody put there.
type document struct {
	place   string // within the file, as "systems[1].config."
	dir     string // where relative names of files begin
	members map[string]json.RawMessage
	read    map[string]bool
	inner   []*document
	errs    []error
}

// readDocument reads a file that holds one object.
func readDocument(file string) (*document, error) {
	data, err := readBounded(file)
	if err != nil {
		return nil, err
	}
	d, err := newDocument(data, "", filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

// newDocument is strict about names that are there twice, which readers of JSON understand differently.
func newDocument(data []byte, place, dir string) (*document, error) {
	d := &document{place: place, dir: dir, members: make(map[string]json.RawMessage), read: make(map[string]bool)}
	decoder := json.NewDecoder(bytes.NewReader(data))
	errNone := errors.New(strings.TrimSuffix(place, ".") + " is not a JSON object")
	if place == "" {
		errNone = errors.New("not a JSON object")
	}
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errNone
	}
	for decoder.More() {
		name, err := decoder.Token()
		var value json.RawMessage
		if err == nil {
			err = decoder.Decode(&value)
		}
		if err != nil {
			return nil, errNone
		}
		if _, twice := d.members[name.(string)]; twice {
			d.problem(name.(string), "is there twice")
		}
		d.members[name.(string)] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errNone
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNone
	}
	return d, nil
}

func (d *document) problem(name, format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("%s%s: "+format, append([]any{d.place, name}, args...)...))
}

// finish returns all that is wrong with the object, and with those in it.
func (d *document) finish() error {
	for _, name := range slices.Sorted(maps.Keys(d.members)) {
		if !d.read[name] {
			d.problem(name, "is not known")
			d.read[name] = true // and said
		}
	}
	errs := slices.Clone(d.errs)
	for _, inner := range d.inner {
		errs = append(errs, inner.finish())
	}
	return errors.Join(errs...)
}

// ignore takes all members for read.
func (d *document) ignore() {
	for name := range d.members {
		d.read[name] = true
	}
}

func (d *document) has(name string) bool { return d.members[name] != nil }

// member reads a value of the type, if it is there.
func member[T any](d *document, name string) (value T) {
	d.read[name] = true
	raw, ok := d.members[name]
	if !ok {
		return value
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil || string(raw) == "null" {
		if unknown, found := strings.CutPrefix(fmt.Sprint(err), "json: unknown field "); found {
			d.problem(name, "%s in it is not known", unknown)
		} else {
			d.problem(name, "is not %s", kindOf(value))
		}
		var zero T
		return zero
	}
	return value
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int, int64, float64:
		return "a number of the right kind"
	case []string:
		return "an array of texts"
	case map[string]string:
		return "an object of texts"
	case []json.RawMessage:
		return "an array"
	case map[string]json.RawMessage:
		return "an object"
	}
	return "what it should be"
}

func (d *document) text(name string) string    { return member[string](d, name) }
func (d *document) texts(name string) []string { return member[[]string](d, name) }
func (d *document) boolean(name string) bool   { return member[bool](d, name) }
func (d *document) number(name string) int     { return member[int](d, name) }

// duration reads a text like "3s".
func (d *document) duration(name string) time.Duration {
	text := d.text(name)
	if text == "" {
		return 0
	}
	value, err := time.ParseDuration(text)
	if err != nil {
		d.problem(name, "is not a duration like 3s")
	}
	return value
}

// object reads an object in this one. It is nil if there is none.
func (d *document) object(name string) *document {
	d.read[name] = true
	raw, ok := d.members[name]
	if !ok {
		return nil
	}
	return d.within(name, raw)
}

// objects reads an array of objects.
func (d *document) objects(name string) []*document {
	var all []*document
	for i, raw := range member[[]json.RawMessage](d, name) {
		if inner := d.within(fmt.Sprintf("%s[%d]", name, i), raw); inner != nil {
			all = append(all, inner)
		}
	}
	return all
}

// named reads an object of objects, in the order of their names.
func (d *document) named(name string) (names []string, objects map[string]*document) {
	objects = make(map[string]*document)
	values := member[map[string]json.RawMessage](d, name)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if inner := d.within(name+"."+key, values[key]); inner != nil {
			names, objects[key] = append(names, key), inner
		}
	}
	return names, objects
}

func (d *document) within(name string, raw json.RawMessage) *document {
	inner, err := newDocument(raw, d.place+name+".", d.dir)
	if err != nil {
		d.errs = append(d.errs, err)
		return nil
	}
	d.inner = append(d.inner, inner)
	return inner
}

// file reads the file that a member names. It is nil if there is none.
func (d *document) file(name string) []byte {
	path := d.text(name)
	if path == "" {
		return nil
	}
	return d.contents(name, path)
}

func (d *document) contents(name, path string) []byte {
	data, err := readBounded(d.path(path))
	if err != nil {
		d.problem(name, "%w", err)
	}
	return data
}

// path is where a file is that the document names: relative names begin at the document.
func (d *document) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(d.dir, name)
}

// secret reads a secret of one line from a file.
func (d *document) secret(name string) string { return d.line(name, d.file(name)) }

func (d *document) line(name string, data []byte) string {
	line := strings.TrimRight(string(data), "\r\n")
	if data != nil && (line == "" || strings.ContainsAny(line, "\r\n")) {
		d.problem(name, "the file does not hold one line")
	}
	return line
}

// key reads a private key in PEM. It is nil if there is none.
func (d *document) key(name string) crypto.Signer {
	data := d.file(name)
	if data == nil {
		return nil
	}
	private, err := keystore.ParsePrivateKeyPEM(data)
	if err != nil {
		d.problem(name, "%w", err)
		return nil
	}
	key, ok := private.(crypto.Signer)
	if !ok {
		d.problem(name, "the key does not sign")
	}
	return key
}

// certificates reads a chain in PEM, the leaf first.
func (d *document) certificates(name string) []*x509.Certificate {
	data := d.file(name)
	if data == nil {
		return nil
	}
	chain, err := keystore.ParseCertificatesPEM(data)
	if err != nil {
		d.problem(name, "%w", err)
	}
	return chain
}

// certificate reads the first certificate of a file.
func (d *document) certificate(name string) *x509.Certificate {
	if chain := d.certificates(name); len(chain) > 0 {
		return chain[0]
	}
	return nil
}

// authorities reads certificates of authorities. Without a file it is nil, which stands for those of the system.
func (d *document) authorities(name string) *x509.CertPool {
	data := d.file(name)
	if data == nil {
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		d.problem(name, "the file has no certificate in PEM")
	}
	return pool
}

// tls reads the object "tls", with which a call of another service proves who makes it. It is nil if there is none.
func (d *document) tls() *tls.Config {
	t := d.object("tls")
	if t == nil {
		return nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: t.authorities("ca_file")}
	certificate, key := t.file("certificate_file"), t.file("key_file")
	if t.has("certificate_file") != t.has("key_file") {
		t.problem("certificate_file", "needs key_file, and the other way round")
	} else if certificate != nil && key != nil {
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			t.problem("certificate_file", "does not go with key_file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

// transport is for packages that take one in place of a TLS configuration. It is nil without the object "tls".
func (d *document) transport(maxInFlight int) http.RoundTripper {
	config := d.tls()
	if config == nil {
		return nil
	}
	const usual = 64
	if maxInFlight <= 0 {
		maxInFlight = usual
	}
	return &http.Transport{
		TLSClientConfig: config, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		MaxIdleConns: maxInFlight, MaxIdleConnsPerHost: maxInFlight, IdleConnTimeout: 90 * time.Second,
	}
}

// readBounded reads a file of a configuration.
func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	if err == nil && len(data) > maxInput {
		err = fmt.Errorf("%s: more than %d bytes", name, maxInput)
	}
	return data, err
}
