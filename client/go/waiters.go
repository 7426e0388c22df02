package apportion

import "container/list"

// delivery is what a waiting caller receives: a lease of which one permit is in use, or why there is none.
type delivery struct {
	lease *Lease
	err   error
}

// waiter is a caller that waits for a permit of a prefetch. Its channel has room for one delivery, which is made under the lock of
// the prefetch, as is leaving the queue; so no permit is lost between the two.
type waiter struct {
	position uint64
	since    instant
	answer   chan delivery
}

// waiters are the waiting callers, first come, first served.
type waiters struct {
	queue list.List
	// The position of the next caller to enter.
	next uint64
}

func (w *waiters) len() int {
	return w.queue.Len()
}

// enter adds a caller that waits since then.
func (w *waiters) enter(since instant) *list.Element {
	entered := &waiter{position: w.next, since: since, answer: make(chan delivery, 1)}
	w.next++
	return w.queue.PushBack(entered)
}

// enterFirst adds a caller again that came to nothing, ahead of those behind it.
func (w *waiters) enterFirst(former *waiter) *list.Element {
	former.answer = make(chan delivery, 1)
	for at := w.queue.Front(); at != nil; at = at.Next() {
		if at.Value.(*waiter).position > former.position {
			return w.queue.InsertBefore(former, at)
		}
	}
	return w.queue.PushBack(former)
}

// oldest is the caller that waited longest; nil if none waits.
func (w *waiters) oldest() *waiter {
	if front := w.queue.Front(); front != nil {
		return front.Value.(*waiter)
	}
	return nil
}

// deliver hands a permit that is in use to the caller that waited longest.
func (w *waiters) deliver(lease *Lease) bool {
	front := w.queue.Front()
	if front == nil {
		return false
	}
	w.queue.Remove(front).(*waiter).answer <- delivery{lease: lease}
	return true
}

// fail fails every caller that is affected.
func (w *waiters) fail(err error, isAffected func(*waiter) bool) {
	for at := w.queue.Front(); at != nil; {
		next := at.Next()
		if waiting := at.Value.(*waiter); isAffected(waiting) {
			w.queue.Remove(at)
			waiting.answer <- delivery{err: err}
		}
		at = next
	}
}
