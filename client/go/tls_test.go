package apportion_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	apportion "apportion.dev/client"
	"apportion.dev/client/apportionv1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// granting grants what is requested, to those who know the token.
type granting struct {
	apportionv1.UnimplementedQuotaServiceServer
	token string // empty for everybody
}

func (g *granting) AcquireLease(
	ctx context.Context, request *apportionv1.AcquireLeaseRequest,
) (*apportionv1.AcquireLeaseResponse, error) {
	received, _ := metadata.FromIncomingContext(ctx)
	if given := received.Get("authorization"); g.token != "" && (len(given) != 1 || given[0] != "Bearer "+g.token) {
		return nil, status.Error(codes.Unauthenticated, "who are you?")
	}
	return &apportionv1.AcquireLeaseResponse{Lease: &apportionv1.Lease{
		LeaseId: request.RequestId, Permits: request.GetPermits(), ValidFor: durationpb.New(10 * time.Second),
	}}, nil
}

func (g *granting) BatchSettleLeases(
	_ context.Context, request *apportionv1.BatchSettleLeasesRequest,
) (*apportionv1.BatchSettleLeasesResponse, error) {
	outcomes := make([]*apportionv1.SettleOutcome, len(request.Requests))
	for at := range outcomes {
		outcomes[at] = &apportionv1.SettleOutcome{}
	}
	return &apportionv1.BatchSettleLeasesResponse{Outcomes: outcomes}, nil
}

// serveTLS serves with a certificate for the name, and returns the URL. Clients need a certificate if there is an authority for them.
func serveTLS(t *testing.T, service *granting, by *authority, name string, clients *authority) string {
	t.Helper()
	pair, err := tls.X509KeyPair(by.issue(t, name))
	if err != nil {
		t.Fatal(err)
	}
	settings := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		settings.ClientCAs, settings.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		settings.ClientCAs.AppendCertsFromPEM(clients.pem)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(settings)))
	apportionv1.RegisterQuotaServiceServer(server, service)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return "https://" + listener.Addr().String()
}

// acquire acquires a lease with a client of its own.
func acquire(t *testing.T, config apportion.Config) error {
	t.Helper()
	quota, err := apportion.Connect(config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = quota.Close() }()
	lease, err := quota.Acquire(t.Context(), apportion.Request{MaxWait: time.Second})
	if err == nil {
		lease.Done()
	}
	return err
}

func TestACertificateMustBeOfTheAuthorityAndHaveTheName(t *testing.T) {
	known, unknown := newAuthority(t), newAuthority(t)
	byAddress := serveTLS(t, &granting{}, known, "127.0.0.1", nil)
	byName := serveTLS(t, &granting{}, known, "quota.example", nil)
	cases := []struct {
		url     string
		tls     apportion.TLS
		isValid bool
	}{
		{byAddress, apportion.TLS{Authority: known.pem}, true},
		{byAddress, apportion.TLS{Authority: unknown.pem}, false},
		{byAddress, apportion.TLS{}, false},
		{byName, apportion.TLS{Authority: known.pem}, false},
		{byName, apportion.TLS{Authority: known.pem, ServerName: "other.example"}, false},
		{byName, apportion.TLS{Authority: known.pem, ServerName: "quota.example"}, true},
	}
	for at, c := range cases {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			err := acquire(t, apportion.Config{Addresses: []string{c.url}, TLS: c.tls})
			var unreachable *apportion.UnreachableError
			if c.isValid && err != nil || !c.isValid && !errors.As(err, &unreachable) {
				t.Errorf("case %d: %v", at, err)
			}
		})
	}
}

func TestAClientShowsItsCertificate(t *testing.T) {
	servers, clients := newAuthority(t), newAuthority(t)
	url := serveTLS(t, &granting{}, servers, "127.0.0.1", clients)
	certificate, key := clients.issue(t, "sync")
	with := apportion.TLS{Authority: servers.pem, Certificate: certificate, Key: key}
	if err := acquire(t, apportion.Config{Addresses: []string{url}, TLS: with}); err != nil {
		t.Error(err)
	}
	if err := acquire(t, apportion.Config{Addresses: []string{url}, TLS: apportion.TLS{Authority: servers.pem}}); err == nil {
		t.Error("it needs none")
	}
}

func TestATokenFileIsReadAgainWhenTheServerRefusesTheToken(t *testing.T) {
	servers, service := newAuthority(t), &granting{token: "new"}
	url := serveTLS(t, service, servers, "127.0.0.1", nil)
	path := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	quota, err := apportion.Connect(apportion.Config{
		Addresses: []string{url}, TokenFile: path, TLS: apportion.TLS{Authority: servers.pem},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = quota.Close() }()
	if _, err := quota.Acquire(t.Context(), apportion.Request{}); err == nil {
		t.Fatal("the old token is refused")
	}
	write("new")
	lease, err := quota.Acquire(t.Context(), apportion.Request{})
	if err != nil {
		t.Fatal(err)
	}
	lease.Done()
}
