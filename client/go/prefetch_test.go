package apportion

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"apportion.dev/client/apportionv1"
)

// takeAt takes permits at a rate for a while, and counts those it got.
func takeAt(t *testing.T, prefetch *Prefetch, every, during time.Duration) (taken int) {
	t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(every) {
		permit, err := prefetch.Permit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		permit.Done()
		taken++
	}
	return taken
}

func TestFewCallsForManyPermits(t *testing.T) {
	service := &scripted{answer: after(time.Millisecond)}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		prefetch := quota.Prefetch(Request{}, PrefetchOptions{})
		takeAt(t, prefetch, time.Millisecond, time.Second)
		acquires, batches := service.calls()
		taken := takeAt(t, prefetch, time.Millisecond, 5*time.Second)
		after, settles := service.calls()
		calls := after - acquires + settles - batches
		if perThousand := calls * 1000 / taken; perThousand > 20 {
			t.Fatalf("%d calls for %d permits", calls, taken)
		}
	})
}

func TestAnIdlePrefetchReturnsEverythingAndMakesNoCalls(t *testing.T) {
	service := &scripted{}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		prefetch := quota.Prefetch(Request{}, PrefetchOptions{})
		taken := takeAt(t, prefetch, time.Millisecond, time.Second)
		time.Sleep(300 * time.Millisecond)
		if quota.Stats() != (Stats{}) {
			t.Fatalf("%+v", quota.Stats())
		}
		var granted uint32
		for _, message := range service.requested() {
			granted += message.GetPermits()
		}
		if granted != service.returned()+uint32(taken) {
			t.Fatalf("%d of %d came back, %d were taken", service.returned(), granted, taken)
		}
		acquires, batches := service.calls()
		time.Sleep(time.Hour)
		if a, b := service.calls(); a != acquires || b != batches {
			t.Fatal("an idle client makes calls")
		}
	})
}

func TestARefusedPrefetchPauses(t *testing.T) {
	span := time.Second
	service := &scripted{}
	service.answer = func(context.Context, int, *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
		return nil, refusedFor(&span, apportionv1.Reason_REASON_WINDOW_EXHAUSTED)
	}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		prefetch := quota.Prefetch(Request{MaxWait: 10 * time.Second}, PrefetchOptions{})
		for range 100 {
			go func() { _, _ = prefetch.Permit(t.Context()) }()
		}
		time.Sleep(900 * time.Millisecond)
		if sent, _ := service.calls(); sent != 1 {
			t.Fatalf("%d requests within %v", sent, span)
		}
		time.Sleep(time.Second)
		if sent, _ := service.calls(); sent != 2 {
			t.Fatalf("%d requests", sent)
		}
	})
}

func TestCallersAreServedInOrder(t *testing.T) {
	service := &scripted{answer: after(10 * time.Millisecond)}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		prefetch := quota.Prefetch(Request{}, PrefetchOptions{})
		order := make(chan int, 50)
		for caller := range 50 {
			go func() {
				if permit, err := prefetch.Permit(t.Context()); err == nil {
					order <- caller
					permit.Done()
				}
			}()
			synctest.Wait()
		}
		time.Sleep(time.Second)
		if len(order) != 50 {
			t.Fatalf("%d were served", len(order))
		}
	})
}

func TestAPermitPutBackGoesToTheNextCaller(t *testing.T) {
	service := &scripted{}
	service.answer = func(ctx context.Context, call int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
		if call > 0 {
			return silent(ctx, call, message)
		}
		return lease(message), nil
	}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		prefetch := quota.Prefetch(Request{}, PrefetchOptions{})
		first, err := prefetch.Permit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error)
		go func() {
			permit, err := prefetch.Permit(t.Context())
			if err == nil {
				permit.Done()
			}
			served <- err
		}()
		synctest.Wait()
		first.PutBack()
		first.PutBack()
		first.Done()
		if err := <-served; err != nil {
			t.Fatal(err)
		}
	})
	if service.returned() != 0 {
		t.Fatalf("%d came back", service.returned())
	}
}

func TestACallerThatLeavesLosesNoPermit(t *testing.T) {
	service := &scripted{answer: after(50 * time.Millisecond)}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		prefetch := quota.Prefetch(Request{}, PrefetchOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := prefetch.Permit(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	})
	if service.returned() != 1 {
		t.Fatalf("%d came back", service.returned())
	}
}

func TestAThrottleSpendsWhatIsHeld(t *testing.T) {
	service := &scripted{}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		prefetch := quota.Prefetch(Request{}, PrefetchOptions{})
		takeAt(t, prefetch, time.Millisecond, time.Second)
		permit, err := prefetch.Permit(t.Context())
		if err != nil || quota.Stats().Held == 0 {
			t.Fatalf("%v, %+v", err, quota.Stats())
		}
		before := service.returned()
		permit.Observe(Observation{Throttled: true})
		permit.Done()
		held := quota.Stats().Held
		time.Sleep(100 * time.Millisecond)
		if held != 0 || service.returned() != before {
			t.Fatalf("%d are held, %d came back", held, service.returned()-before)
		}
	})
}

func TestAContendedLeaseIsNotHeld(t *testing.T) {
	service := &scripted{}
	service.answer = func(_ context.Context, _ int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
		contended := lease(message)
		contended.Contended = true
		return contended, nil
	}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		prefetch := quota.Prefetch(Request{}, PrefetchOptions{})
		takeAt(t, prefetch, time.Millisecond, time.Second)
		if quota.Stats().Held != 0 {
			t.Fatalf("%+v", quota.Stats())
		}
	})
}

func TestTheShareIsNotBurntByAPrefetch(t *testing.T) {
	service := &scripted{answer: silent}
	play(t, service, Config{Fallback: Share(50, time.Hour)}, func(t *testing.T, quota *Quota) {
		prefetch := quota.Prefetch(Request{MaxWait: time.Second}, PrefetchOptions{})
		taken := 0
		for range 120 {
			if permit, err := prefetch.Permit(t.Context()); err == nil {
				taken++
				permit.Done()
			}
		}
		if taken != 50 {
			t.Fatalf("%d of 50", taken)
		}
	})
}

func TestClosingReturnsWhatIsHeld(t *testing.T) {
	service := &scripted{}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		prefetch := quota.Prefetch(Request{}, PrefetchOptions{})
		takeAt(t, prefetch, time.Millisecond, time.Second)
		if quota.Stats().Held == 0 {
			t.Fatal("nothing is held")
		}
		if err := quota.Close(); err != nil || quota.Stats() != (Stats{}) {
			t.Fatalf("%v, %+v", err, quota.Stats())
		}
		if _, err := prefetch.Permit(t.Context()); !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
	})
}

func BenchmarkPermit(b *testing.B) {
	now = bootTime
	service := &scripted{}
	service.answer = func(_ context.Context, _ int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
		return lease(message), nil
	}
	quota := newQuota(&Config{}, service)
	prefetch := quota.Prefetch(Request{}, PrefetchOptions{MaxPermits: 1 << 20})
	b.ReportAllocs()
	for b.Loop() {
		permit, err := prefetch.Permit(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		permit.Done()
	}
	_ = quota.Close()
}
