package apportion

import (
	"fmt"
	"log/slog"
	"time"
)

// Version is the version of this client, and of the contract that it speaks.
const Version = "0.1.0"

// addressesMax is the most addresses of a configuration.
const addressesMax = 16

// Config configures a client. Only Addresses is required.
type Config struct {
	// Addresses are the URLs of the nodes, such as http://127.0.0.1:7420: 1 to 16, all http or all https. The first is used until
	// it fails, then the next.
	Addresses []string
	// Workspace is the id of the workspace. Empty means "default".
	Workspace string
	// Team is the id of the team that leases are charged to. Empty means "default".
	Team string
	// Caller is the name of the service or instance. Use a stable one, not one for each request.
	Caller string
	// Token is the bearer token of every call.
	Token string
	// TokenFile is the path of a file that contains the token. It is read again every 10 seconds while calls are made, and when a
	// token is refused, so that a token can be replaced while the client runs.
	TokenFile string
	// TLS says which certificates to use with https.
	TLS TLS
	// Insecure allows a token to be sent unencrypted to addresses that are not loopback, for networks that encrypt by themselves.
	Insecure bool
	// Signals say what the responses of the provider mean. Nil means that the server says it.
	Signals *Signals
	// Fallback says what the client does while the server is unreachable. The zero value is [Deny].
	Fallback Fallback
	// ConnectTimeout is how long connecting may take; 0 means 1 second.
	ConnectTimeout time.Duration
	// CloseTimeout is how long closing may take; 0 means 2 seconds.
	CloseTimeout time.Duration
	// Telemetry is told of waits, permits and calls. Nil means nobody is.
	Telemetry Telemetry
	// Logger receives warnings. Nil means slog.Default().
	Logger *slog.Logger
}

// TLS says which certificates to use. All are PEM.
type TLS struct {
	// Authority is the certificate authority to trust. Empty means those of the system.
	Authority []byte
	// Certificate and Key identify the client to the server.
	Certificate, Key []byte
	// ServerName is the name that the certificate of every server must have. Empty means the host of its address.
	ServerName string
}

func (t *TLS) isSet() bool {
	return len(t.Authority) > 0 || len(t.Certificate) > 0 || len(t.Key) > 0 || t.ServerName != ""
}

// Fallback says what a client does while the server is unreachable: [Deny], [Wait] or [Share].
type Fallback struct {
	waits   bool
	isShare bool
	permits uint32
	window  time.Duration
}

// Deny fails with [UnreachableError]. It is the default.
func Deny() Fallback {
	return Fallback{}
}

// Wait waits for the server, beyond the wait of the request.
func Wait() Fallback {
	return Fallback{waits: true}
}

// Share grants permits locally: at most so many in any span as long as window. The shares of all clients together must fit into
// the provider's window.
func Share(permits uint32, window time.Duration) Fallback {
	return Fallback{isShare: true, permits: permits, window: window}
}

func (c *Config) telemetry() Telemetry {
	if c.Telemetry == nil {
		return silentTelemetry{}
	}
	return c.Telemetry
}

func (c *Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.Default()
	}
	return c.Logger
}

// check checks what does not need a connection.
func (c *Config) check() error {
	switch {
	case c.Fallback.isShare && c.Fallback.window <= 0:
		return &ConfigError{Field: "Fallback", Problem: "the window of a share must be longer than 0"}
	case c.ConnectTimeout < 0:
		return &ConfigError{Field: "ConnectTimeout", Problem: "must not be negative"}
	case c.CloseTimeout < 0:
		return &ConfigError{Field: "CloseTimeout", Problem: "must not be negative"}
	}
	return nil
}

// addresses are the parsed addresses. They are checked together with the token that would be sent to them.
func (c *Config) addresses() ([]address, error) {
	if len(c.Addresses) == 0 || len(c.Addresses) > addressesMax {
		return nil, &ConfigError{Field: "Addresses", Problem: fmt.Sprintf("must have 1 to %d, has %d", addressesMax, len(c.Addresses))}
	}
	var parsed []address
	for at, text := range c.Addresses {
		field := fmt.Sprintf("Addresses[%d]", at)
		next, problem := parseAddress(text)
		switch {
		case problem != "":
			return nil, &ConfigError{Field: field, Problem: fmt.Sprintf("%q: %s", text, problem)}
		case next.isHTTPS != (at == 0 && next.isHTTPS || at > 0 && parsed[0].isHTTPS):
			return nil, &ConfigError{Field: field, Problem: "all addresses must be https, or none"}
		case c.hasToken() && !next.isHTTPS && !next.isLoopback() && !c.Insecure:
			problem = "a token is sent over https or to a loopback address only; use https, or allow it with Insecure"
			return nil, &ConfigError{Field: field, Problem: problem}
		}
		parsed = append(parsed, next)
	}
	return parsed, nil
}

func (c *Config) hasToken() bool {
	return c.Token != "" || c.TokenFile != ""
}

// hintTrust says which addresses may be called that a response named.
func (c *Config) hintTrust(isHTTPS bool) hintTrust {
	isChecked := isHTTPS && (len(c.TLS.Authority) > 0 || c.TLS.ServerName != "")
	switch {
	case isChecked || !isHTTPS && !c.hasToken():
		return trustAll
	case !isHTTPS:
		return trustLoopback
	default:
		return trustConfigured
	}
}
