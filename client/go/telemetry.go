package apportion

import "context"

// Telemetry is told what a client does, for spans and metrics. The module apportion.dev/client/apportionotel has one that tells
// OpenTelemetry. Its methods are called from many goroutines and must not block.
//
// Taking a permit that is held ready is not told: it costs less than a microsecond, and a measurement costs more.
type Telemetry interface {
	// Waiting is called when a caller starts to wait. The function that it returns is called at the end, with the error if there is
	// one.
	Waiting(ctx context.Context, wait Waiting) func(error)
	// Granted is called for each lease, Returned at its end with the permits that went back.
	Granted(who Identity, permits uint32, isLocal bool)
	Returned(who Identity, permits uint32, isLocal bool)
	// Called is called after each call to a server. The code is that of its status, such as OK or UNAVAILABLE.
	Called(method string, code string)
}

// Waiting is what a caller waits for.
type Waiting struct {
	// For is "acquire" for a lease, and "permit" for a permit that a prefetch did not have ready.
	For string
	// Who is the identity that leases are charged to.
	Who Identity
	// Permits is how many are requested.
	Permits uint32
	// Priority is that of the request; 0 for that of the team.
	Priority Priority
}

// Identity says for whom leases are acquired.
type Identity struct {
	// Workspace and Team are their ids, as configured: empty means "default".
	Workspace, Team, Caller string
}

// silentTelemetry tells nobody.
type silentTelemetry struct{}

func (silentTelemetry) Waiting(context.Context, Waiting) func(error) { return func(error) {} }
func (silentTelemetry) Granted(Identity, uint32, bool)               {}
func (silentTelemetry) Returned(Identity, uint32, bool)              {}
func (silentTelemetry) Called(string, string)                        {}
