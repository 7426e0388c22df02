package apportion

import "time"

const (
	// A request has at least so long for the way to the server and back, even if it may not wait there.
	attemptLeast = 250 * time.Millisecond
	// How long before the end of an attempt the server must have answered, so that a late answer is not taken for an outage.
	answerMargin = 100 * time.Millisecond
	// How long an attempt may take while the server is known to be unreachable and a local share could be used instead.
	probeLongest = time.Second
	// How often in a row an attempt is repeated at once.
	atOnceMax = 3
)

// attempts says when the attempts of one request are sent, how long each may take, and when the request ends. A function of now.
type attempts struct {
	maxWait time.Duration
	start   instant
	backoff retryDelay
	atOnce  int
}

// attempt is one attempt: how long the call may take, and how long the server may let the request wait.
type attempt struct {
	timeout, wait time.Duration
}

// end is when the request ends without an answer.
func (a *attempts) end() instant {
	return a.start.after(max(a.maxWait, attemptLeast))
}

// next is the attempt that is sent now. A probe only finds out whether the server is reachable again.
func (a *attempts) next(now instant, isProbe bool) attempt {
	timeout := a.end().since(now)
	if isProbe {
		timeout = min(timeout, probeLongest)
	}
	allowed := a.start.after(a.maxWait).since(now)
	return attempt{timeout: timeout, wait: min(allowed, max(timeout-answerMargin, 0))}
}

// delay is how long to wait before the next attempt, at least least. Nothing if it is rerouted, within reason. The last attempt
// is sent early enough to be answered.
func (a *attempts) delay(now instant, least time.Duration, isRerouted bool) time.Duration {
	if isRerouted && a.atOnce < atOnceMax {
		a.atOnce++
		return 0
	}
	a.atOnce = 0
	left := max(a.end().since(now)-attemptLeast, 0)
	delay := a.backoff.next(least)
	if delay > left && left > least {
		return left
	}
	return delay
}

// isOverAfter says whether an attempt after the delay would come too late.
func (a *attempts) isOverAfter(now instant, delay time.Duration) bool {
	return now.after(delay) >= a.end()
}
