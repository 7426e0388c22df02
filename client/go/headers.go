package apportion

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ReadHeaders reads X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset in Unix seconds, and Retry-After in seconds.
// It is a [Reader] for [Transport.WithReader].
//
// Headers that are absent, malformed or out of bounds are left out. Every 429 counts as a throttle. A Retry-After that is a date
// is left out, because it would need the provider's clock.
func ReadHeaders(response Response) []Observation {
	return []Observation{readUsual(response)}
}

func readUsual(response Response) Observation {
	o := Observation{Status: response.Status, Throttled: response.Status == http.StatusTooManyRequests}
	o.LimitPermits = permitsHeader(response.Header, "X-RateLimit-Limit")
	o.RemainingPermits = permitsHeader(response.Header, "X-RateLimit-Remaining")
	if reset, ok := integerHeader(response.Header, "X-RateLimit-Reset", observedResetMax.Unix()-1); ok {
		o.ResetTime = time.Unix(reset, 0)
	}
	if seconds, ok := integerHeader(response.Header, "Retry-After", int64(observedSpanMax/time.Second)); ok {
		span := time.Duration(seconds) * time.Second
		o.RetryAfter = &span
	}
	return o
}

func permitsHeader(header http.Header, name string) *uint32 {
	count, ok := integerHeader(header, name, observedPermitsMax)
	if !ok {
		return nil
	}
	permits := uint32(count)
	return &permits
}

// integerHeader is a whole number from 0 to largest.
func integerHeader(header http.Header, name string, largest int64) (int64, bool) {
	value, err := strconv.ParseInt(strings.TrimSpace(header.Get(name)), 10, 64)
	return value, err == nil && value >= 0 && value <= largest
}
