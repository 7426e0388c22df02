package apportion

import (
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Priority says when a request is served.
type Priority = apportionv1.Priority

// The priorities. The zero value is the priority of the team.
const (
	Critical  = apportionv1.Priority_PRIORITY_CRITICAL
	Default   = apportionv1.Priority_PRIORITY_DEFAULT
	Sheddable = apportionv1.Priority_PRIORITY_SHEDDABLE
)

// NoWait as [Request.MaxWait]: the request is granted or refused at once.
const NoWait time.Duration = -1

const (
	maxWaitDefault = 10 * time.Second
	maxWaitLongest = time.Hour
)

// Request says what to request. The zero value is one permit at the priority of the team, within 10 seconds.
type Request struct {
	// Permits is the number of permits; 0 means 1.
	Permits uint32
	// MinPermits is the smallest number to accept; 0 means all.
	MinPermits uint32
	// Priority is lowered by the server to the highest priority of the team.
	Priority Priority
	// MaxWait is how long to wait, retries included: at most an hour. 0 means 10 seconds; see [NoWait]. The deadline of the
	// context counts too.
	MaxWait time.Duration
}

// wait is the wait that the request allows.
func (r Request) wait() time.Duration {
	switch {
	case r.MaxWait < 0:
		return 0
	case r.MaxWait == 0:
		return maxWaitDefault
	default:
		return min(r.MaxWait, maxWaitLongest)
	}
}

func (r Request) permits() uint32 {
	return max(r.Permits, 1)
}

// least is the smallest number of permits to accept.
func (r Request) least() uint32 {
	if r.MinPermits == 0 {
		return r.permits()
	}
	return r.MinPermits
}

// message is the message of one attempt, which may wait for so long on the server.
func (r Request) message(who *Identity, wait time.Duration, requestID string) *apportionv1.AcquireLeaseRequest {
	permits := r.permits()
	message := &apportionv1.AcquireLeaseRequest{
		Workspace: who.Workspace,
		Team:      who.Team,
		Caller:    who.Caller,
		Priority:  r.Priority,
		Permits:   &permits,
		MaxWait:   durationpb.New(wait),
		RequestId: requestID,
	}
	if r.MinPermits != 0 {
		message.MinPermits = &r.MinPermits
	}
	return message
}
