// Package signals interprets responses of a provider by the signals of a workspace: data that say which headers speak of which
// limit, and what a refusal looks like. The rules are those of docs/signals.md. Nothing here fails: what cannot be read is absent.
package signals

import (
	"net/http"
	"slices"
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const permitsMax = 1 << 28

// Response is a response of the provider, as far as it is looked at.
type Response struct {
	Status int
	Header http.Header
	// The whole body; nil if it is not at hand.
	Body []byte
}

// Interpret returns what a response says of each limit, and whether its request counted.
func Interpret(by *apportionv1.Signals, r Response) (seen []*apportionv1.Observation, isCounted bool) {
	for _, signal := range by.GetLimits() {
		if find(seen, signal.GetLimit()) != nil {
			continue
		}
		if observation := limit(signal, r); observation != nil {
			seen = append(seen, observation)
		}
	}
	throttles := by.GetThrottles()
	if at := slices.IndexFunc(throttles, func(t *apportionv1.ThrottleSignal) bool { return matches(t.GetResponse(), r) }); at >= 0 {
		seen = refuse(by, throttles[at], r, seen)
	}
	if r.Status >= 100 && r.Status <= 599 {
		for _, observation := range seen {
			observation.Status = uint32(r.Status)
		}
	}
	isUncounted := slices.ContainsFunc(by.GetUncounted(), func(m *apportionv1.ResponseMatch) bool { return matches(m, r) })
	return seen, !isUncounted
}

// WantsBody says whether the body may decide what a response with these headers means.
func WantsBody(by *apportionv1.Signals, r Response) bool {
	return slices.ContainsFunc(by.GetThrottles(), func(t *apportionv1.ThrottleSignal) bool {
		return len(t.GetResponse().GetBody()) > 0 && headMatches(t.GetResponse(), r)
	})
}

func find(seen []*apportionv1.Observation, limit string) *apportionv1.Observation {
	for _, observation := range seen {
		if observation.Limit == limit {
			return observation
		}
	}
	return nil
}

// limit reads what a response says of one limit; nil if it says nothing.
func limit(signal *apportionv1.LimitSignal, r Response) *apportionv1.Observation {
	if !allHold(signal.GetHeaders(), r) {
		return nil
	}
	observation := &apportionv1.Observation{Limit: signal.GetLimit()}
	if source := signal.GetLimitPermits(); source != nil {
		observation.LimitPermits = count(source, r, func(_, limit uint64) uint64 { return limit })
	}
	if source := signal.GetRemainingPermits(); source != nil {
		observation.RemainingPermits = count(source, r, func(used, limit uint64) uint64 { return limit - min(used, limit) })
	}
	hasReset := signal.GetReset_() != nil && readReset(signal.GetReset_(), r, observation)
	if observation.LimitPermits == nil && observation.RemainingPermits == nil && !hasReset {
		return nil
	}
	return observation
}

// count reads a count. ofUsed is what a count of used permits and their limit gives.
func count(source *apportionv1.CountSource, r Response, ofUsed func(used, limit uint64) uint64) *uint32 {
	text, ok := textOf(source, r)
	if !ok {
		return nil
	}
	var value uint64
	switch source.GetForm() {
	case apportionv1.CountForm_COUNT_FORM_UNSPECIFIED, apportionv1.CountForm_COUNT_FORM_INTEGER:
		value, ok = integer(text)
	case apportionv1.CountForm_COUNT_FORM_USED_OF_LIMIT:
		var used, limit uint64
		used, limit, ok = usedOfLimit(text)
		value = ofUsed(used, limit)
	default:
		return nil
	}
	if !ok || value > permitsMax {
		return nil
	}
	permits := uint32(value)
	return &permits
}

// readReset reads the end of a window. It returns whether there is one.
func readReset(source *apportionv1.TimeSource, r Response, into *apportionv1.Observation) bool {
	text, ok := textOf(source, r)
	if !ok {
		return false
	}
	if at, ok := instant(text, source.GetForm()); ok {
		into.Reset_ = &apportionv1.Observation_ResetTime{ResetTime: timestamppb.New(at)}
	} else if span, ok := span(text, source.GetForm()); ok {
		into.Reset_ = &apportionv1.Observation_ResetAfter{ResetAfter: durationpb.New(span)}
	} else {
		return false
	}
	into.ResetPrecision = source.GetPrecision()
	return true
}

// refuse adds what a refusal means.
func refuse(
	by *apportionv1.Signals, throttle *apportionv1.ThrottleSignal, r Response, seen []*apportionv1.Observation,
) []*apportionv1.Observation {
	if throttle.GetEffect() == apportionv1.ThrottleEffect_THROTTLE_EFFECT_UNRELATED {
		return seen
	}
	isThrottled := throttle.GetEffect() != apportionv1.ThrottleEffect_THROTTLE_EFFECT_PAUSED
	after := throttle.GetDefaultRetryAfter()
	if read, ok := retryAfter(by.GetRetryAfter(), r); ok {
		after = durationpb.New(read)
	}
	if !isThrottled && after == nil {
		return seen
	}
	observation := find(seen, throttle.GetLimit())
	if observation == nil {
		observation = &apportionv1.Observation{Limit: throttle.GetLimit()}
		seen = append(seen, observation)
	}
	observation.Throttled, observation.RetryAfter = isThrottled, after
	return seen
}

// retryAfter reads when to retry. An instant counts from the date of the same response: the clock of the client is not used.
func retryAfter(sources []*apportionv1.TimeSource, r Response) (time.Duration, bool) {
	for _, source := range sources {
		text, ok := textOf(source, r)
		if !ok {
			continue
		}
		if after, ok := span(text, source.GetForm()); ok {
			return after, true
		}
		at, ok := instant(text, source.GetForm())
		if !ok {
			continue
		}
		if date, ok := headerValue(r.Header, "Date"); ok {
			if sent, ok := httpDate(date); ok && max(at.Sub(sent), 0) <= spanMax {
				return max(at.Sub(sent), 0), true
			}
		}
	}
	return 0, false
}

func matches(match *apportionv1.ResponseMatch, r Response) bool {
	return headMatches(match, r) && (len(match.GetBody()) == 0 || bodyMatches(match.GetBody(), r.Body))
}

// headMatches says whether a response matches as far as its status and its headers tell.
func headMatches(match *apportionv1.ResponseMatch, r Response) bool {
	hasStatus := len(match.GetStatuses()) == 0 ||
		slices.ContainsFunc(match.GetStatuses(), func(status uint32) bool { return int64(status) == int64(r.Status) })
	return hasStatus && allHold(match.GetHeaders(), r)
}
