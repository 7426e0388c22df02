package apportion

import (
	"errors"
	"fmt"
	"time"

	"apportion.dev/client/apportionv1"
)

// Reason says why the server refused. See the constants Reason_REASON_… of the package apportionv1.
type Reason = apportionv1.Reason

var (
	// ErrTimedOut says that no permit became available in time, and that the server is reachable: too many requests of this
	// client are waiting.
	ErrTimedOut = errors.New("apportion: no permit became available in time")
	// ErrClosed says that the client is closed.
	ErrClosed = errors.New("apportion: the client is closed")
)

// RefusedError says that the server refused a request.
type RefusedError struct {
	// Reason is the reason; REASON_UNSPECIFIED if it is newer than this client.
	Reason Reason
	// Name is the reason as the server named it, such as WINDOW_EXHAUSTED. Empty if it gave none.
	Name string
	// Message describes the refusal for people.
	Message string
	// RetryAfter says how long to wait before retrying. Nil if a retry cannot succeed under the current policy.
	RetryAfter *time.Duration
}

func (e *RefusedError) Error() string {
	name := e.Name
	if name == "" {
		name = "no reason given"
	}
	return fmt.Sprintf("apportion: refused (%s): %s", name, e.Message)
}

// UnreachableError says that the server could not be reached in time.
type UnreachableError struct {
	// Detail says what was tried.
	Detail string
}

func (e *UnreachableError) Error() string {
	return "apportion: the server cannot be reached: " + e.Detail
}

// InvalidResponseError says that the server sent what the API does not allow.
type InvalidResponseError struct {
	// Detail says what is wrong with it.
	Detail string
}

func (e *InvalidResponseError) Error() string {
	return "apportion: the server sent an invalid response: " + e.Detail
}

// ConfigError says which field of a configuration cannot be used.
type ConfigError struct {
	// Field is its name, such as Addresses[1].
	Field string
	// Problem says what is wrong and what to do.
	Problem string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("apportion: config: %s: %s", e.Field, e.Problem)
}

// RetryAfter returns how long to wait before retrying, if the server said so.
func RetryAfter(err error) (time.Duration, bool) {
	var refused *RefusedError
	if errors.As(err, &refused) && refused.RetryAfter != nil {
		return *refused.RetryAfter, true
	}
	return 0, false
}
