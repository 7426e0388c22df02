package apportion

import (
	"sync"
	"time"

	"apportion.dev/client/apportionv1"
)

// observationWait is how long an observation may wait for the next report of its lease.
const observationWait = 500 * time.Millisecond

// Lease is a number of permits that are valid until the lease ends. It is safe for concurrent use.
//
// Call [Lease.Done] when it leaves its scope: permits that were not taken go back then, and those that were count as used.
type Lease struct {
	priority  Priority
	contended bool
	granted   uint32
	end       instant
	reports   *reporter // nil for a lease of the client's own share
	signals   *signalKeeper
	who       *Identity
	id        string
	share     *shareGrant
	counts    *counts

	mu   sync.Mutex
	left uint32
	// Nothing can be taken any more, and what is put back goes to the server.
	isClosed bool
	isDone   bool
	// Cumulative counts of permits that were not used.
	returned, spent uint32
	// The observations since the last report.
	observations []observed
	// How many permits are in use, and whether a prefetch holds the lease: it is done when neither is.
	holders uint32
}

// reportKind says what a report tells of the permits that were taken.
type reportKind int

const (
	// Nothing: they may still be put back, and a permit that was reported as used cannot be returned.
	reportReturned reportKind = iota
	// They are used so far.
	reportUsed
	// They are used, and no report follows.
	reportFinal
)

// Take takes one permit. It returns true if one request may be sent now, and false if no permit is left or the lease has ended.
// Call it as late as possible, once for each attempt on the wire.
func (l *Lease) Take() bool {
	_, ok := l.take(now())
	return ok
}

// take takes one permit, and returns how many are left.
func (l *Lease) take(now instant) (left uint32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isClosed || l.left == 0 || now >= l.end {
		return l.left, false
	}
	l.left--
	return l.left, true
}

// hold takes one permit that is in use from now on: the lease is not done before it is.
func (l *Lease) hold(now instant) (left uint32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isClosed || l.left == 0 || now >= l.end {
		return l.left, false
	}
	l.left--
	l.holders++
	return l.left, true
}

// PutBack puts back a permit that was taken and certainly not used.
func (l *Lease) PutBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.putBack()
}

// putBack is called under the lock.
func (l *Lease) putBack() {
	switch {
	case l.left+l.returned+l.spent >= l.granted || l.isDone:
		return // more than was taken
	case l.isClosed:
		l.reportReturned(1)
	default:
		l.left++
	}
}

// Left is the number of permits that are not taken yet.
func (l *Lease) Left() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left
}

// ValidFor is how long permits can still be taken. 0 if the lease has ended.
func (l *Lease) ValidFor() time.Duration {
	return l.end.since(now())
}

// Permits is the number of permits that were granted.
func (l *Lease) Permits() uint32 {
	return l.granted
}

// Priority is the priority that the request was served at. It may be lower than requested.
func (l *Lease) Priority() Priority {
	return l.priority
}

// Contended says whether other requests were waiting at the server. If so, request only what is needed now.
func (l *Lease) Contended() bool {
	return l.contended
}

// ObserveResponse reports what a response of the provider said, as the signals of the workspace read it.
func (l *Lease) ObserveResponse(response Response) {
	for _, observation := range l.signals.read(response) {
		l.Observe(observation)
	}
}

// Observe reports what a response of the provider said, for readers of other formats.
//
// A throttle is sent at once. Other observations are sent when the lease is done, or with the first observation that comes half a
// second after them. What the API does not accept, such as a status of 999, is left out.
func (l *Lease) Observe(observation Observation) {
	received := now()
	seen, ok := newObserved(observation, received)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.observations = append(l.observations, seen)
	isOld := received >= l.observations[0].receivedAt.after(observationWait)
	switch {
	case seen.message.Throttled:
		l.report(reportUsed, urgencyThrottle)
	case isOld || len(l.observations) >= waitingObservationsMax:
		l.report(reportUsed, urgencyUsual)
	}
}

// Done ends the use of the lease. Permits that were not taken go back to the server. Calling it again does nothing.
func (l *Lease) Done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done()
}

func (l *Lease) done() {
	if l.isDone {
		return
	}
	l.isDone, l.isClosed = true, true
	urgency := urgencyUsual
	if l.left > 0 {
		urgency = urgencyReturns
		if l.share != nil {
			l.share.giveBack(l.left)
		}
	}
	l.returned += l.left
	l.left = 0
	l.report(reportFinal, urgency)
	l.counts.leaseDone(l.returned, l.share != nil)
}

// returnUpTo returns up to most permits that were not taken, and how many it were.
func (l *Lease) returnUpTo(most uint32) uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	returned := min(most, l.left)
	l.left -= returned
	l.reportReturned(returned)
	return returned
}

// release ends the hold of a prefetch: returns what was not taken. Permits that are in use can still be put back.
func (l *Lease) release(isSpent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.left
	l.left, l.isClosed = 0, true
	if isSpent {
		l.spent += left
	} else {
		l.reportReturned(left)
	}
	l.dropHolder()
}

// dropHolder is called under the lock.
func (l *Lease) dropHolder() {
	if l.holders--; l.holders == 0 {
		l.done()
	}
}

func (l *Lease) reportReturned(returned uint32) {
	if returned == 0 {
		return
	}
	l.returned += returned
	if l.share != nil {
		l.share.giveBack(returned)
	}
	l.report(reportReturned, urgencyReturns)
}

// report queues a report. Counts are cumulative, so reports must be queued in the order of counting: under the lock.
func (l *Lease) report(kind reportKind, urgency time.Duration) {
	observations := l.observations
	l.observations = nil
	if l.reports == nil {
		return
	}
	request := &apportionv1.SettleLeaseRequest{
		Workspace:       l.who.Workspace,
		Team:            l.who.Team,
		Caller:          l.who.Caller,
		LeaseId:         l.id,
		ReturnedPermits: l.returned,
		IsFinal:         kind == reportFinal,
	}
	if kind != reportReturned {
		request.UsedPermits = l.granted - l.left - l.returned - l.spent
	}
	l.reports.add(&report{request: request, observations: observations, leaseEnd: l.end}, urgency)
}
