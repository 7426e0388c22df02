package apportion

import (
	"container/list"
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/protobuf/proto"
)

const (
	// The most leases whose reports wait. Further ones are dropped, and the permits that they return are spent.
	waitingReportsMax = 100_000
	// The most requests of one call, as the API allows.
	batchRequestsMax = 1000
	// The largest call, well below the 1 MiB that a server accepts unless it is configured otherwise.
	batchBytesMax = 512 << 10
)

// batch is the reports of one call, with the number of requests of each.
type batch struct {
	reports  []*report
	sizes    []int
	requests []*apportionv1.SettleLeaseRequest
}

// pendingReports are the reports that wait to be sent, oldest first: merged by lease, until one of them is due. A function of now.
type pendingReports struct {
	queue   list.List
	byLease map[string]*list.Element
	// When the first of them is due, where isDue.
	dueAt instant
	isDue bool
	// Not before then, because the last call failed.
	pausedUntil instant
	backoff     retryDelay
	// The most requests of the next call: fewer after a call was refused as a whole.
	requestsMax int
}

func newPendingReports() *pendingReports {
	return &pendingReports{byLease: map[string]*list.Element{}, requestsMax: batchRequestsMax}
}

func (p *pendingReports) len() int {
	return p.queue.Len()
}

// add adds a report that is due after the linger. It returns false if there are too many.
func (p *pendingReports) add(now instant, r *report, linger time.Duration) bool {
	if waiting, ok := p.byLease[r.request.LeaseId]; ok {
		waiting.Value.(*report).merge(r)
	} else if p.len() >= waitingReportsMax {
		return false
	} else {
		p.insert(r)
	}
	p.dueBy(now.after(linger))
	return true
}

func (p *pendingReports) insert(r *report) {
	p.byLease[r.request.LeaseId] = p.queue.PushBack(r)
}

func (p *pendingReports) dueBy(at instant) {
	if !p.isDue || at < p.dueAt {
		p.dueAt, p.isDue = at, true
	}
}

// flush makes all reports due at once.
func (p *pendingReports) flush(now instant) {
	if p.len() > 0 {
		p.dueAt, p.isDue, p.pausedUntil = now, true, now
	}
}

// due is when the next call is due; false if nothing waits.
func (p *pendingReports) due() (instant, bool) {
	return max(p.dueAt, p.pausedUntil), p.isDue
}

// take takes the reports of the next call, if it is due. The rest stays due.
func (p *pendingReports) take(now instant) *batch {
	if at, ok := p.due(); !ok || now < at {
		return nil
	}
	taken, bytes := &batch{}, 0
	for front := p.queue.Front(); front != nil; front = p.queue.Front() {
		r := front.Value.(*report)
		requests := r.requests(now)
		for _, request := range requests {
			bytes += proto.Size(request) + 8
		}
		isFull := len(taken.requests)+len(requests) > max(p.requestsMax, 1) || bytes > batchBytesMax
		if isFull && len(taken.requests) > 0 {
			break
		}
		p.remove(front)
		taken.reports = append(taken.reports, r)
		taken.sizes = append(taken.sizes, len(requests))
		taken.requests = append(taken.requests, requests...)
	}
	p.isDue = p.len() > 0
	return taken
}

func (p *pendingReports) remove(element *list.Element) {
	delete(p.byLease, element.Value.(*report).request.LeaseId)
	p.queue.Remove(element)
}

// answered notes that a call was answered.
func (p *pendingReports) answered() {
	p.backoff, p.requestsMax = retryDelay{}, batchRequestsMax
}

// refused notes that a call was refused as a whole. It returns whether fewer requests at once may help.
func (p *pendingReports) refused(requests int) bool {
	p.requestsMax = max(requests/2, 1)
	return requests > 1
}

// pause pauses after a failed call, for at least least.
func (p *pendingReports) pause(now instant, least time.Duration) {
	p.pausedUntil = now.after(p.backoff.next(least))
}

// putBack puts back reports that were not accepted, unless they are useless by now. Later reports of the same leases win. It
// returns how many are given up.
func (p *pendingReports) putBack(now instant, reports []*report) (givenUp int) {
	for _, r := range reports {
		if r.isUseless(now) {
			givenUp++
			continue
		}
		if later, ok := p.byLease[r.request.LeaseId]; ok {
			r.merge(later.Value.(*report))
			p.remove(later)
		} else if p.len() >= waitingReportsMax {
			givenUp++
			continue
		}
		p.insert(r)
		p.dueBy(now)
	}
	return givenUp
}
