package apportion

import (
	"crypto/tls"
	"crypto/x509"
	"sync"
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	connectTimeout = time.Second
	// The library allows no shorter interval. Every call has a deadline of its own.
	probeInterval = 10 * time.Second
	probeTimeout  = 5 * time.Second
)

// node is the connections to one node: one for acquires, which may wait, and one for reports, which never wait behind them.
type node struct {
	acquires, reports *grpc.ClientConn

	mu        sync.Mutex
	inFlight  int
	isRetired bool
}

// dialer makes connections.
type dialer struct {
	transport credentials.TransportCredentials
	timeout   time.Duration
}

func newDialer(config *Config, isHTTPS bool) (*dialer, error) {
	d := &dialer{transport: insecure.NewCredentials(), timeout: connectTimeout}
	if config.ConnectTimeout > 0 {
		d.timeout = config.ConnectTimeout
	}
	if !isHTTPS {
		if config.TLS.isSet() {
			return nil, &ConfigError{Field: "TLS", Problem: "is set, but the addresses are http; use https"}
		}
		return d, nil
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: config.TLS.ServerName}
	if len(config.TLS.Authority) > 0 {
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(config.TLS.Authority) {
			return nil, &ConfigError{Field: "TLS.Authority", Problem: "contains no certificate in PEM"}
		}
	}
	if len(config.TLS.Certificate) > 0 || len(config.TLS.Key) > 0 {
		pair, err := tls.X509KeyPair(config.TLS.Certificate, config.TLS.Key)
		if err != nil {
			return nil, &ConfigError{Field: "TLS.Certificate", Problem: "does not work with TLS.Key: " + err.Error()}
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	d.transport = credentials.NewTLS(settings)
	return d, nil
}

func (d *dialer) node(to address) (*node, error) {
	acquires, err := d.connection(to)
	if err != nil {
		return nil, err
	}
	reports, err := d.connection(to)
	if err != nil {
		_ = acquires.Close()
		return nil, err
	}
	return &node{acquires: acquires, reports: reports}, nil
}

// connection connects at the first call, and again whenever the connection breaks.
func (d *dialer) connection(to address) (*grpc.ClientConn, error) {
	return grpc.NewClient("dns:///"+to.target(),
		grpc.WithTransportCredentials(d.transport),
		grpc.WithUserAgent("apportion-go/"+Version),
		grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: backoffFirst, Multiplier: 2, Jitter: 0.2, MaxDelay: backoffLongest},
			MinConnectTimeout: d.timeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: probeInterval, Timeout: probeTimeout, PermitWithoutStream: true}),
	)
}

func (n *node) enter() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.inFlight++
}

func (n *node) leave() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.inFlight--
	n.closeIfUnused()
}

// retire closes the connections once the calls that wait on them have ended.
func (n *node) retire() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.isRetired = true
	n.closeIfUnused()
}

func (n *node) closeIfUnused() {
	if n.isRetired && n.inFlight == 0 {
		_ = n.acquires.Close()
		_ = n.reports.Close()
	}
}

// waiting is for calls that may wait on the server.
func (n *node) waiting() apportionv1.QuotaServiceClient {
	return apportionv1.NewQuotaServiceClient(n.acquires)
}

// unwaiting is for calls that are answered at once.
func (n *node) unwaiting() apportionv1.QuotaServiceClient {
	return apportionv1.NewQuotaServiceClient(n.reports)
}
