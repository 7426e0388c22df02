package apportion

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// address is where a node is: a scheme, a host and a port. It is comparable.
type address struct {
	isHTTPS bool
	host    string
	port    uint16
}

// parseAddress reads a URL of scheme, host and port. The problem is empty if it is one.
func parseAddress(text string) (parsed address, problem string) {
	u, err := url.Parse(text)
	if err != nil {
		return address{}, "it is not a URL: " + err.Error()
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return address{}, "its scheme is neither http nor https"
	}
	if u.User != nil || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return address{}, "it may have a scheme, a host and a port only"
	}
	isHTTPS, port := u.Scheme == "https", uint64(80)
	if isHTTPS {
		port = 443
	}
	if text := u.Port(); text != "" {
		port, err = strconv.ParseUint(text, 10, 16)
	}
	host := strings.ToLower(u.Hostname())
	if host == "" || err != nil || port == 0 {
		return address{}, "it has no host, or its port is not from 1 to 65535"
	}
	return address{isHTTPS: isHTTPS, host: host, port: uint16(port)}, ""
}

// target is the host and port.
func (a address) target() string {
	return net.JoinHostPort(a.host, strconv.Itoa(int(a.port)))
}

func (a address) isLoopback() bool {
	ip, err := netip.ParseAddr(a.host)
	return a.host == "localhost" || err == nil && ip.IsLoopback()
}

func (a address) String() string {
	if a.isHTTPS {
		return "https://" + a.target()
	}
	return "http://" + a.target()
}
