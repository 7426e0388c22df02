package apportion

import "context"

// slotsMax is how many requests of one priority may wait at the server at once. Proxies often allow 100 streams a connection:
// four times 24 stay below.
const slotsMax = 24

// slots keep waiting requests from using up the streams of a connection. Each priority has its own, so that an urgent request
// never waits for one that is not.
type slots [4]chan struct{}

func newSlots() *slots {
	var s slots
	for class := range s {
		s[class] = make(chan struct{}, slotsMax)
	}
	return &s
}

// enter waits for a slot, first come, first served, and returns what frees it.
func (s *slots) enter(ctx context.Context, priority Priority) (leave func(), err error) {
	class := s[0]
	if priority > 0 && int(priority) < len(s) {
		class = s[priority]
	}
	select {
	case class <- struct{}{}:
		return func() { <-class }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
