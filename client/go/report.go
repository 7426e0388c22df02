package apportion

import (
	"slices"
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/protobuf/proto"
)

const (
	// The most observations of one request, as the API allows.
	requestObservationsMax = 64
	// The most observations that wait for one lease. Beyond, those go first that are no throttle.
	waitingObservationsMax = 1024
	// How long after its response a throttle is still reported, and any other observation.
	throttleLife    = 60 * time.Second
	observationLife = 10 * time.Second
)

// How long a report waits for others, to be sent in one call with them.
const (
	urgencyUsual    = 50 * time.Millisecond
	urgencyReturns  = 20 * time.Millisecond
	urgencyThrottle = time.Duration(0)
)

// report tells how one lease was used. The observations are added to the request when it is sent, with their age.
type report struct {
	request      *apportionv1.SettleLeaseRequest
	observations []observed
	// Until when returned permits are of use.
	leaseEnd instant
}

// merge takes in a later report of the same lease, whose counts include those of this one.
func (r *report) merge(later *report) {
	r.request = later.request
	r.observations = append(r.observations, later.observations...)
	excess := len(r.observations) - waitingObservationsMax
	if excess <= 0 {
		return
	}
	r.observations = slices.DeleteFunc(r.observations, func(seen observed) bool {
		isCut := excess > 0 && !seen.message.Throttled
		if isCut {
			excess--
		}
		return isCut
	})
	r.observations = r.observations[:min(len(r.observations), waitingObservationsMax)]
}

// isUseless says whether nothing can be returned to the lease any more, and the observations are old.
func (r *report) isUseless(now instant) bool {
	if now < r.leaseEnd {
		return false
	}
	return !slices.ContainsFunc(r.observations, func(seen observed) bool {
		life := observationLife
		if seen.message.Throttled {
			life = throttleLife
		}
		return now < seen.receivedAt.after(life)
	})
}

// requests are the requests to send now: the last one bears the counts, those before it more observations than fit into it.
func (r *report) requests(now instant) []*apportionv1.SettleLeaseRequest {
	var observations []*apportionv1.Observation
	for _, seen := range r.observations {
		if message := seen.at(now); message != nil {
			observations = append(observations, message)
		}
	}
	var requests []*apportionv1.SettleLeaseRequest
	for len(observations) > requestObservationsMax {
		part := proto.Clone(r.request).(*apportionv1.SettleLeaseRequest)
		part.IsFinal, part.Observations = false, observations[:requestObservationsMax]
		requests, observations = append(requests, part), observations[requestObservationsMax:]
	}
	last := proto.Clone(r.request).(*apportionv1.SettleLeaseRequest)
	last.Observations = observations
	return append(requests, last)
}
