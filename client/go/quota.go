package apportion

import (
	"context"
	"sync"
	"time"
)

// closeTimeout is how long closing may take.
const closeTimeout = 2 * time.Second

// Source is where permits come from: a [Prefetch], or a [Quota] with one call for each permit (see [Quota.Source]).
type Source interface {
	// Permit takes one permit, and waits for it.
	Permit(ctx context.Context) (*Permit, error)
}

// Quota is a client of the quota service. It is safe for concurrent use.
type Quota struct {
	acquirer *acquirer
	timeout  time.Duration
	// Done when the client is closed.
	closing context.Context
	cancel  context.CancelCauseFunc

	mu         sync.RWMutex
	prefetches map[*Prefetch]struct{}
}

// Connect creates a client. It connects at the first call, and again whenever a connection breaks. The error is a [ConfigError].
func Connect(config Config) (*Quota, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	logger := config.logger()
	service, err := newRemote(&config, logger)
	if err != nil {
		return nil, err
	}
	return newQuota(&config, service), nil
}

func newQuota(config *Config, service leaseService) *Quota {
	reports := newReporter(service, config.logger())
	closing, cancel := context.WithCancelCause(context.Background())
	q := &Quota{
		acquirer:   newAcquirer(closing, config, service, reports),
		closing:    closing,
		cancel:     cancel,
		timeout:    config.CloseTimeout,
		prefetches: map[*Prefetch]struct{}{},
	}
	if q.timeout == 0 {
		q.timeout = closeTimeout
	}
	reports.unused, q.acquirer.counts.unused = q.disconnectIfUnused, q.disconnectIfUnused
	return q
}

// disconnectIfUnused closes the connections of a closed client once no lease is open and no report waits.
func (q *Quota) disconnectIfUnused() {
	if q.closing.Err() != nil && q.acquirer.counts.openLeases.Load() == 0 && q.acquirer.reports.isIdle() {
		q.acquirer.service.close()
	}
}

// Acquire requests a lease, and waits for it as long as the request and the context allow.
//
// A failed attempt is repeated under the same request id, so that it cannot be granted twice. If the context is done, the request
// is withdrawn, and a lease that is on its way goes back. The error is a [RefusedError], an [UnreachableError], [ErrTimedOut],
// [ErrClosed], or that of the context.
func (q *Quota) Acquire(ctx context.Context, request Request) (*Lease, error) {
	ended := q.waiting(ctx, "acquire", request)
	lease, err := q.acquire(ctx, request)
	ended(err)
	if lease != nil {
		lease.holders = 1
	}
	return lease, err
}

// waiting tells of a wait. The function that it returns tells of its end.
func (q *Quota) waiting(ctx context.Context, what string, request Request) func(error) {
	wait := Waiting{For: what, Who: *q.acquirer.who, Permits: request.permits(), Priority: request.Priority}
	return q.acquirer.counts.telemetry.Waiting(ctx, wait)
}

func (q *Quota) acquire(ctx context.Context, request Request) (*Lease, error) {
	if err := q.enter(); err != nil {
		return nil, err
	}
	defer q.acquirer.running.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(q.closing, func() { cancel(ErrClosed) })()
	lease, err := q.acquirer.acquire(ctx, request)
	if err != nil {
		return nil, closedInstead(ctx, err)
	}
	return lease, nil
}

// enter counts a request that Close waits for.
func (q *Quota) enter() error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closing.Err() != nil {
		return ErrClosed
	}
	q.acquirer.running.Add(1)
	return nil
}

// Permit requests one permit with a call of its own. A [Prefetch] needs far fewer calls. Errors are those of [Quota.Acquire].
func (q *Quota) Permit(ctx context.Context, request Request) (permit *Permit, err error) {
	request.Permits, request.MinPermits = 1, 0
	ended := q.waiting(ctx, "acquire", request)
	defer func() { ended(err) }()
	start, wait := now(), request.wait()
	for {
		lease, err := q.acquire(ctx, request)
		if err != nil {
			return nil, err
		}
		lease.holders = 1
		if _, ok := lease.take(now()); ok {
			return &Permit{lease: lease}, nil
		}
		lease.Done()
		if request.MaxWait = wait - now().since(start); request.MaxWait <= 0 {
			return nil, ErrTimedOut
		}
	}
}

// Source takes each permit with a call of its own.
func (q *Quota) Source(request Request) Source {
	return callSource{q, request}
}

type callSource struct {
	quota   *Quota
	request Request
}

func (s callSource) Permit(ctx context.Context) (*Permit, error) {
	return s.quota.Permit(ctx, s.request)
}

// Flush sends all queued reports now, and waits until they are sent or the context is done.
func (q *Quota) Flush(ctx context.Context) error {
	return q.acquirer.reports.flush(ctx)
}

// Close closes the client: requests fail with [ErrClosed] from now on, held permits go back, and all reports are sent. It takes at
// most CloseTimeout; the error is that of a deadline if some reports were not sent by then.
//
// Leases and permits in use stay valid, and are reported when they are done.
func (q *Quota) Close() error {
	q.mu.Lock()
	q.cancel(ErrClosed)
	prefetches := q.prefetches
	q.prefetches = nil
	q.mu.Unlock()
	for prefetch := range prefetches {
		prefetch.close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), q.timeout)
	defer cancel()
	defer q.disconnectIfUnused()
	if err := q.acquirer.finished(ctx); err != nil {
		return err
	}
	return q.acquirer.reports.flush(ctx)
}

// Stats counts what a client has open.
type Stats struct {
	// Held is the number of permits that prefetches hold.
	Held int
	// Waiting is the number of requests and callers that wait.
	Waiting int
	// OpenLeases is the number of leases that are not done.
	OpenLeases int
	// PendingReports is the number of leases whose reports wait to be sent.
	PendingReports int
}

// Stats returns what the client has open now.
func (q *Quota) Stats() Stats {
	stats := Stats{
		Waiting:        int(q.acquirer.counts.waiting.Load()),
		OpenLeases:     int(q.acquirer.counts.openLeases.Load()),
		PendingReports: q.acquirer.reports.waiting(),
	}
	q.mu.RLock()
	defer q.mu.RUnlock()
	for prefetch := range q.prefetches {
		held, waiting := prefetch.counts()
		stats.Held += held
		stats.Waiting += waiting
	}
	return stats
}
