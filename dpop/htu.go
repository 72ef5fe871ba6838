package dpop

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// maxURL is the length of the longest URL that is compared, in bytes.
const maxURL = 4 << 10

// normalise brings a URL into the one form of all that RFC 3986 sections 6.2.2 and 6.2.3 take for equal: case, percent
// encoding, dot segments, default port, empty path. Query and fragment are left out, as RFC 9449 section 4.3 has it.
func normalise(raw string) (string, error) {
	if err := checkCharacters(raw); err != nil {
		return "", err
	}
	raw, _, _ = strings.Cut(raw, "#")
	raw, _, _ = strings.Cut(raw, "?")
	u, err := url.Parse(raw)
	if err != nil {
		return "", errors.New("not a URL") // the error of net/url quotes what a stranger sent
	}
	port := ":443"
	if u.Scheme == "http" { // url.Parse has made it lower case
		port = ":80"
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("neither http nor https")
	case u.Hostname() == "" || strings.Contains(u.Host, "%") || checkCharacters(u.Host) != nil || u.User != nil:
		return "", errors.New("no host, a host that needs encoding, or a user before it")
	}
	host := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(u.Host), ":"), port)
	return u.Scheme + "://" + host + withoutDots(decodeUnreserved(u.EscapedPath())), nil
}

// checkCharacters refuses what is no URI, and what readers of URIs understand differently: a backslash, for one.
func checkCharacters(raw string) error {
	if len(raw) > maxURL {
		return fmt.Errorf("URL of more than %d bytes", maxURL)
	}
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c > '~' || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return fmt.Errorf("byte %d of the URL is not allowed in URLs", i)
		}
	}
	return nil
}

// decodeUnreserved decodes the characters that need no percent encoding and writes the other codes in upper case. The
// path has only complete codes.
func decodeUnreserved(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var out strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			out.WriteByte(path[i])
			continue
		}
		c := unhex(path[i+1])<<4 | unhex(path[i+2])
		if unreserved(c) {
			out.WriteByte(c)
		} else {
			out.WriteString(strings.ToUpper(path[i : i+3]))
		}
		i += 2
	}
	return out.String()
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// withoutDots is RFC 3986 section 5.2.4 for the path of a URL with a host, which is empty or begins with a slash.
func withoutDots(path string) string {
	if !strings.Contains(path, "/.") {
		if path == "" {
			return "/"
		}
		return path
	}
	segments := strings.Split(path[1:], "/")
	kept := segments[:0]
	for i, segment := range segments {
		if segment != "." && segment != ".." {
			kept = append(kept, segment)
			continue
		}
		if segment == ".." && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
		if i == len(segments)-1 {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}
