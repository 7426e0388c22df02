package apportion

import (
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	observedPermitsMax   = 1 << 28
	observedSpanMax      = 366 * 24 * time.Hour
	observedAgeMax       = time.Hour
	observedPrecisionMax = time.Hour
	limitIDMax           = 63
)

// observedResetMax is the latest reset that may be reported: the start of 2262.
var observedResetMax = time.Unix(9_214_646_400, 0)

// Observation is what one response of the provider reported about one limit. Leave out what the response does not contain.
type Observation struct {
	// Limit is the id of the limit; empty for the one with the shortest window.
	Limit string
	// Status is the HTTP status; 0 if unknown.
	Status int
	// LimitPermits is the number of permits of a window.
	LimitPermits *uint32
	// RemainingPermits is the number that remain in it.
	RemainingPermits *uint32
	// ResetTime is the end of the window on the provider's clock; the zero time if the response does not say. At most one of the
	// two resets may be set.
	ResetTime time.Time
	// ResetAfter is the end of the window after the response.
	ResetAfter *time.Duration
	// ResetPrecision is the rounding error of the reset; nil means 1 s.
	ResetPrecision *time.Duration
	// Throttled says that the provider refused the request because this window is exhausted.
	Throttled bool
	// RetryAfter is how long after the response to send nothing.
	RetryAfter *time.Duration
	// Age is how long ago the response was received; 0 means just now. What is older than an hour is not reported.
	Age time.Duration
}

// observationOf is an observation that was read by signals.
func observationOf(message *apportionv1.Observation) Observation {
	o := Observation{
		Limit:            message.Limit,
		Status:           int(message.Status),
		LimitPermits:     message.LimitPermits,
		RemainingPermits: message.RemainingPermits,
		ResetPrecision:   spanOf(message.ResetPrecision),
		Throttled:        message.Throttled,
		RetryAfter:       spanOf(message.RetryAfter),
	}
	switch reset := message.Reset_.(type) {
	case *apportionv1.Observation_ResetTime:
		o.ResetTime = reset.ResetTime.AsTime()
	case *apportionv1.Observation_ResetAfter:
		o.ResetAfter = spanOf(reset.ResetAfter)
	}
	return o
}

func spanOf(message *durationpb.Duration) *time.Duration {
	if message == nil {
		return nil
	}
	span := message.AsDuration()
	return &span
}

// observed is an observation as the server accepts it, and when its response was received.
type observed struct {
	message    *apportionv1.Observation
	receivedAt instant
}

// newObserved notes an observation that is reported now. It leaves out every field that the server would refuse, so that one odd response does not spoil a whole report. False
// if the observation is about a limit that cannot exist: without its limit it would be taken for one of the shortest window.
func newObserved(o Observation, now instant) (observed, bool) {
	if !isLimitID(o.Limit) {
		return observed{}, false
	}
	message := &apportionv1.Observation{
		Limit:            o.Limit,
		LimitPermits:     acceptablePermits(o.LimitPermits),
		RemainingPermits: acceptablePermits(o.RemainingPermits),
		ResetPrecision:   acceptableSpan(o.ResetPrecision, observedPrecisionMax),
		Throttled:        o.Throttled,
		RetryAfter:       acceptableSpan(o.RetryAfter, observedSpanMax),
	}
	if o.Status >= 100 && o.Status <= 599 {
		message.Status = uint32(o.Status)
	}
	if !o.ResetTime.IsZero() && o.ResetTime.Unix() >= 0 && o.ResetTime.Before(observedResetMax) {
		message.Reset_ = &apportionv1.Observation_ResetTime{ResetTime: timestamppb.New(o.ResetTime)}
	} else if span := acceptableSpan(o.ResetAfter, observedSpanMax); span != nil {
		message.Reset_ = &apportionv1.Observation_ResetAfter{ResetAfter: span}
	}
	age := min(max(o.Age, 0), observedAgeMax+1)
	return observed{message: message, receivedAt: now - instant(age)}, true
}

// at is the observation as it is sent now, with its age; nil if it is too old to be accepted.
func (o observed) at(now instant) *apportionv1.Observation {
	age := now.since(o.receivedAt)
	if age > observedAgeMax {
		return nil
	}
	return &apportionv1.Observation{
		Limit:            o.message.Limit,
		Status:           o.message.Status,
		LimitPermits:     o.message.LimitPermits,
		RemainingPermits: o.message.RemainingPermits,
		Reset_:           o.message.Reset_,
		ResetPrecision:   o.message.ResetPrecision,
		Throttled:        o.message.Throttled,
		RetryAfter:       o.message.RetryAfter,
		Age:              durationpb.New(age),
	}
}

func acceptablePermits(permits *uint32) *uint32 {
	if permits == nil || *permits > observedPermitsMax {
		return nil
	}
	copied := *permits
	return &copied
}

func acceptableSpan(span *time.Duration, longest time.Duration) *durationpb.Duration {
	if span == nil || *span < 0 || *span > longest {
		return nil
	}
	return durationpb.New(*span)
}

// isLimitID says whether the text is empty or can be the id of a limit.
func isLimitID(id string) bool {
	for at := range len(id) {
		c := id[at]
		isWord := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		isMark := c == '-' || c == '_' || c == '.'
		if !isWord && (!isMark || at == 0) {
			return false
		}
	}
	return len(id) <= limitIDMax
}
