package esignet

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

var (
	schemeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)
	hostForm   = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	pathForm   = regexp.MustCompile(`^[A-Za-z0-9_:@&?=+,.!/~*'%$;()-]*$`)
)

// validRedirectURI reports whether a redirect URI has the form that the API accepts in requests: a scheme of any name, an
// authority, and a path without tricks. Which one a client may use is for its registration to say. eSignet knows the
// top-level domains by heart; here a new one is not an error.
func validRedirectURI(s string) bool {
	u, err := url.Parse(s)
	if err != nil || strings.ContainsFunc(s, notOfURI) || !schemeForm.MatchString(u.Scheme) || u.Opaque != "" || !validHost(u) {
		return false
	}
	path := u.EscapedPath()
	return pathForm.MatchString(path) && !strings.Contains(path, "//") && !climbs(path)
}

func notOfURI(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }

func validHost(u *url.URL) bool {
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
	}
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		ip, err := netip.ParseAddr(host)
		return err == nil && ip.Is6() && ip.Zone() == ""
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is4() || len(host) <= 253 && hostForm.MatchString(host)
}

// climbs reports whether segments of dots lead above the root of the path.
func climbs(path string) bool {
	depth := 0
	for segment := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		switch segment {
		case "..":
			if depth--; depth < 0 {
				return true
			}
		case ".", "":
		default:
			depth++
		}
	}
	return false
}
