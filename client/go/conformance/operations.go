package main

import (
	"context"
	"os"
	"runtime"
	"time"

	apportion "apportion.dev/client"
	pb "apportion.dev/client/conformance/driverpb"
)

func hello() *pb.DriverResponse {
	return &pb.DriverResponse{Result: &pb.DriverResponse_Hello{Hello: &pb.HelloResult{
		Version:       1,
		Language:      "go",
		ClientVersion: apportion.Version,
		Capabilities: []string{
			"lease-put-back", "flush", "tls", "client-certificate", "token-file", "addresses", "hints", "observation", "observation-age", "interpret",
			"via:x/time/rate",
		},
		Hooks:     []*pb.Hook{{Name: "RoundTripper", Features: []string{"redirects", "retries", "http2"}}},
		ProcessId: uint32(os.Getpid()),
	}}}
}

func (d *driver) connect(c *pb.Connect) *pb.DriverResponse {
	config := apportion.Config{
		Addresses: c.Addresses,
		Workspace: c.Workspace,
		Team:      c.Team,
		Caller:    c.Caller,
		Token:     c.Token,
		TokenFile: c.TokenFile,
		Insecure:  c.Insecure,
	}
	if len(c.Settings) > 0 {
		return unsupported("unknown settings")
	}
	if c.Tls != nil {
		config.TLS.ServerName = c.Tls.ServerName
		files := []struct {
			path string
			into *[]byte
		}{
			{c.Tls.CertificateAuthorityFile, &config.TLS.Authority},
			{c.Tls.CertificateFile, &config.TLS.Certificate},
			{c.Tls.KeyFile, &config.TLS.Key},
		}
		for _, file := range files {
			if file.path == "" {
				continue
			}
			pem, err := os.ReadFile(file.path)
			if err != nil {
				return failure(&pb.Failure{Kind: pb.Failure_KIND_CONFIG, Message: err.Error()})
			}
			*file.into = pem
		}
	}
	switch fallback := c.Fallback.GetFallback().(type) {
	case *pb.Fallback_Wait:
		config.Fallback = apportion.Wait()
	case *pb.Fallback_Share:
		config.Fallback = apportion.Share(fallback.Share.Permits, ms(fallback.Share.WindowMs))
	}
	if c.ConnectTimeoutMs != nil {
		config.ConnectTimeout = ms(*c.ConnectTimeoutMs)
	}
	if c.CloseTimeoutMs != nil {
		config.CloseTimeout = ms(*c.CloseTimeoutMs)
	}
	quota, err := apportion.Connect(config)
	if err == nil {
		keep(d, func() map[uint32]*apportion.Quota { return d.quotas }, c.Client, quota)
	}
	return outcome(err)
}

// ms is a duration, however long.
func ms(count uint64) time.Duration {
	return time.Duration(min(count, uint64(1<<63-1)/uint64(time.Millisecond))) * time.Millisecond
}

func ask(a *pb.Ask) apportion.Request {
	request := apportion.Request{Permits: a.GetPermits(), MinPermits: a.GetMinPermits()}
	switch a.GetPriority() {
	case "CRITICAL":
		request.Priority = apportion.Critical
	case "DEFAULT":
		request.Priority = apportion.Default
	case "SHEDDABLE":
		request.Priority = apportion.Sheddable
	}
	if a != nil && a.MaxWaitMs != nil {
		if request.MaxWait = ms(*a.MaxWaitMs); request.MaxWait == 0 {
			request.MaxWait = apportion.NoWait
		}
	}
	return request
}

func (d *driver) acquire(ctx context.Context, a *pb.Acquire) *pb.DriverResponse {
	lease, err := find(d, d.quotas, a.Client).Acquire(ctx, ask(a.Ask))
	if err != nil {
		return outcome(err)
	}
	keep(d, func() map[uint32]*apportion.Lease { return d.leases }, a.Lease, lease)
	contended, valid := lease.Contended(), uint64(lease.ValidFor().Milliseconds())
	return granted(&pb.Grant{
		Permits: lease.Permits(), Priority: name(lease.Priority()), ValidForMs: &valid, Contended: &contended, Count: 1,
	})
}

func name(priority apportion.Priority) string {
	return priority.String()[len("PRIORITY_"):]
}

func granted(grant *pb.Grant) *pb.DriverResponse {
	return &pb.DriverResponse{Result: &pb.DriverResponse_Grant{Grant: grant}}
}

func (d *driver) take(t *pb.Take) *pb.DriverResponse {
	lease, taken := find(d, d.leases, t.Lease), uint32(0)
	for range max(t.Times, 1) {
		if lease.Take() {
			taken++
		}
	}
	return &pb.DriverResponse{Result: &pb.DriverResponse_Taken{Taken: &pb.Taken{Taken: taken}}}
}

func (d *driver) prefetch(p *pb.Prefetch) *pb.DriverResponse {
	var options apportion.PrefetchOptions
	if p.HorizonMs != nil {
		if options.Horizon = ms(*p.HorizonMs); options.Horizon == 0 {
			options.Horizon = -1
		}
	}
	if p.IdleTimeoutMs != nil {
		options.IdleTimeout = ms(*p.IdleTimeoutMs)
	}
	options.MaxPermits = p.GetMaxPermits()
	prefetch := find(d, d.quotas, p.Client).Prefetch(ask(p.Ask), options)
	keep(d, func() map[uint32]*apportion.Prefetch { return d.prefetches }, p.Prefetch, prefetch)
	return done()
}

func (d *driver) source(s *pb.Source) apportion.Source {
	if s.Prefetch != 0 {
		return find(d, d.prefetches, s.Prefetch)
	}
	return find(d, d.quotas, s.Client).Source(ask(s.Ask))
}

func (d *driver) permit(ctx context.Context, p *pb.Permit) *pb.DriverResponse {
	if p.Via != "" && (p.Via != "x/time/rate" || p.Source.Prefetch == 0 || p.Then != pb.Permit_THEN_LEAVE) {
		return unsupported("the Go client has no such way")
	}
	var last *apportion.Permit
	count := uint32(0)
	for range max(p.Repeat, 1) {
		permit, err := d.one(ctx, p)
		if err != nil {
			return outcome(err)
		}
		if permit == nil && p.Via == "" {
			return granted(&pb.Grant{Count: count})
		}
		count++
		last = permit
		switch {
		case permit == nil:
		case p.Then == pb.Permit_THEN_LEAVE:
			permit.Done()
		case p.Then == pb.Permit_THEN_PUT_BACK:
			permit.PutBack()
		default:
			keep(d, func() map[uint32]*apportion.Permit { return d.permits }, p.Permit, permit)
		}
	}
	grant := &pb.Grant{Permits: 1, Count: count}
	if last != nil {
		valid := uint64(last.ValidFor().Milliseconds())
		grant.Priority, grant.ValidForMs = name(last.Priority()), &valid
	}
	return granted(grant)
}

// one takes one permit; nil if none is ready, or if the way leaves its scope by itself.
func (d *driver) one(ctx context.Context, p *pb.Permit) (*apportion.Permit, error) {
	switch {
	case p.Via != "":
		return nil, apportion.NewLimiter(find(d, d.prefetches, p.Source.Prefetch)).Wait(ctx)
	case p.OnlyIfReady && p.Source.Prefetch != 0:
		permit, _ := find(d, d.prefetches, p.Source.Prefetch).TryPermit()
		return permit, nil
	default:
		return d.source(p.Source).Permit(ctx)
	}
}

func (d *driver) putBack(p *pb.PutBack) *pb.DriverResponse {
	if p.Permit != 0 {
		forget(d, d.permits, p.Permit).PutBack()
	} else {
		find(d, d.leases, p.Lease).PutBack()
	}
	return done()
}

func (d *driver) leave(l *pb.Leave) *pb.DriverResponse {
	if l.Permit != 0 {
		forget(d, d.permits, l.Permit).Done()
	} else {
		forget(d, d.leases, l.Lease).Done()
	}
	return done()
}

func (d *driver) inspect(i *pb.Inspect) *pb.DriverResponse {
	inspection := &pb.Inspection{}
	var valid uint64
	if i.Permit != 0 {
		valid = uint64(find(d, d.permits, i.Permit).ValidFor().Milliseconds())
	} else {
		lease := find(d, d.leases, i.Lease)
		left := lease.Left()
		inspection.Left, valid = &left, uint64(lease.ValidFor().Milliseconds())
	}
	inspection.ValidForMs = &valid
	return &pb.DriverResponse{Result: &pb.DriverResponse_Inspection{Inspection: inspection}}
}

func (d *driver) state(s *pb.State) *pb.DriverResponse {
	tasks := uint32(runtime.NumGoroutine())
	state := &pb.StateResult{Tasks: &tasks}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		open := uint32(len(files))
		state.OpenFiles = &open
	}
	if s.Client != 0 {
		stats := find(d, d.quotas, s.Client).Stats()
		set := func(count int) *uint32 { n := uint32(count); return &n }
		state.Held, state.Waiting = set(stats.Held), set(stats.Waiting)
		state.OpenLeases, state.PendingReports = set(stats.OpenLeases), set(stats.PendingReports)
	}
	return &pb.DriverResponse{Result: &pb.DriverResponse_State{State: state}}
}
