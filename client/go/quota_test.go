package apportion

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"apportion.dev/client/apportionv1"
)

type acquireAnswer = func(context.Context, int, *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError)

// silent never answers.
func silent(ctx context.Context, _ int, _ *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
	<-ctx.Done()
	return nil, unreachable("no answer")
}

func after(delay time.Duration) acquireAnswer {
	return func(ctx context.Context, _ int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
		if err := sleep(ctx, delay); err != nil {
			return nil, unreachable("withdrawn")
		}
		return lease(message), nil
	}
}

func TestADeadlineCoversEverything(t *testing.T) {
	for _, wait := range []time.Duration{NoWait, time.Second, 3 * time.Second} {
		play(t, &scripted{answer: silent}, Config{}, func(t *testing.T, quota *Quota) {
			start := time.Now()
			_, err := quota.Acquire(t.Context(), Request{MaxWait: wait})
			var unreachable *UnreachableError
			if !errors.As(err, &unreachable) || time.Since(start) != max(wait, attemptLeast) {
				t.Fatalf("%v after %v", err, time.Since(start))
			}
		})
	}
}

func TestAllAttemptsBearOneRequestID(t *testing.T) {
	service := &scripted{}
	service.answer = func(_ context.Context, call int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
		if call < 3 {
			return nil, unreachable("down")
		}
		return lease(message), nil
	}
	play(t, service, Config{Team: "sync"}, func(t *testing.T, quota *Quota) {
		lease, err := quota.Acquire(t.Context(), Request{Permits: 5})
		if err != nil {
			t.Fatal(err)
		}
		lease.Done()
		for _, message := range service.requested() {
			if message.RequestId != service.requested()[0].RequestId || message.Team != "sync" {
				t.Fatalf("%v", message)
			}
		}
	})
	if service.returned() != 5 {
		t.Fatalf("%d came back", service.returned())
	}
}

func TestAnEndedLeaseIsRequestedUnderAnotherID(t *testing.T) {
	service := &scripted{}
	service.answer = func(_ context.Context, call int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
		if call == 0 {
			return nil, &callError{kind: callLeaseEnded, refusal: &RefusedError{}}
		}
		return lease(message), nil
	}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		lease, err := quota.Acquire(t.Context(), Request{})
		if err != nil || service.requested()[0].RequestId == service.requested()[1].RequestId {
			t.Fatalf("%v, %v", err, service.requested())
		}
		lease.Done()
	})
}

func TestALeaseOfACancelledRequestGoesBack(t *testing.T) {
	service := &scripted{answer: after(90 * time.Millisecond)}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := quota.Acquire(ctx, Request{Permits: 7}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	})
	if service.returned() != 7 {
		t.Fatalf("%d came back", service.returned())
	}
}

func TestWaitingAcquiresLeaveStreamsForOthers(t *testing.T) {
	service := &scripted{answer: silent}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		for range 40 {
			go func() { _, _ = quota.Acquire(t.Context(), Request{MaxWait: time.Second}) }()
		}
		go func() { _, _ = quota.Acquire(t.Context(), Request{MaxWait: time.Second, Priority: Critical}) }()
		synctest.Wait()
		if sent, _ := service.calls(); sent != slotsMax+1 {
			t.Fatalf("%d are sent", sent)
		}
	})
}

func TestAWaitForASlotIsNoOutage(t *testing.T) {
	service := &scripted{answer: after(5 * time.Second)}
	play(t, service, Config{Fallback: Share(50, time.Minute)}, func(t *testing.T, quota *Quota) {
		for range slotsMax {
			go func() {
				if lease, err := quota.Acquire(t.Context(), Request{}); err == nil {
					lease.Done()
				}
			}()
		}
		synctest.Wait()
		if _, err := quota.Acquire(t.Context(), Request{MaxWait: time.Second}); !errors.Is(err, ErrTimedOut) {
			t.Fatal(err)
		}
	})
}

func TestWaitGoesOnUntilTheServerIsBack(t *testing.T) {
	service := &scripted{}
	service.answer = func(ctx context.Context, call int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
		if call < 5 {
			return silent(ctx, call, message)
		}
		return lease(message), nil
	}
	play(t, service, Config{Fallback: Wait()}, func(t *testing.T, quota *Quota) {
		start := time.Now()
		lease, err := quota.Acquire(t.Context(), Request{MaxWait: time.Second})
		if err != nil || time.Since(start) < 5*time.Second {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
		lease.Done()
	})
}

func TestTheShareIsAskedAtMaxWaitAndNeverExceeded(t *testing.T) {
	service := &scripted{answer: silent}
	play(t, service, Config{Fallback: Share(50, 10*time.Second)}, func(t *testing.T, quota *Quota) {
		start := time.Now()
		first, err := quota.Acquire(t.Context(), Request{Permits: 20, MaxWait: time.Second})
		if err != nil || time.Since(start) != time.Second || first.Permits() != 20 {
			t.Fatalf("%v, %v after %v", first, err, time.Since(start))
		}
		for range 5 {
			first.Take()
		}
		first.Done() // 15 are free at once
		second, err := quota.Acquire(t.Context(), Request{Permits: 45, MinPermits: 1, MaxWait: time.Second})
		if err != nil || second.Permits() != 45 {
			t.Fatalf("%v, %v", second, err)
		}
		second.Take()
		if _, err := quota.Acquire(t.Context(), Request{MaxWait: time.Second}); err == nil {
			t.Fatal("51 of 50")
		}
	})
}

func TestARefusalIsNotRepeated(t *testing.T) {
	span := 3 * time.Second
	service := &scripted{}
	service.answer = func(context.Context, int, *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
		return nil, refusedFor(&span, apportionv1.Reason_REASON_WINDOW_EXHAUSTED)
	}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		_, err := quota.Acquire(t.Context(), Request{})
		if got, ok := RetryAfter(err); !ok || got != span {
			t.Fatal(err)
		}
		if sent, _ := service.calls(); sent != 1 {
			t.Fatalf("%d are sent", sent)
		}
	})
}

func TestCloseIsBoundedAndFailsWhatWaits(t *testing.T) {
	service := &scripted{answer: silent}
	service.settled = func(int, *apportionv1.BatchSettleLeasesRequest) (*apportionv1.BatchSettleLeasesResponse, *callError) {
		return nil, unreachable("down")
	}
	synctest.Test(t, func(t *testing.T) {
		quota := newQuota(&Config{}, service)
		failed := make(chan error)
		go func() {
			_, err := quota.Acquire(t.Context(), Request{})
			failed <- err
		}()
		synctest.Wait()
		start := time.Now()
		if err := quota.Close(); err != nil || time.Since(start) > closeTimeout {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
		if err := <-failed; !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
		if _, err := quota.Acquire(t.Context(), Request{}); !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
	})
}

func TestALeaseThatOutlivesItsClientIsReported(t *testing.T) {
	service := &scripted{}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		lease, err := quota.Acquire(t.Context(), Request{Permits: 3})
		if err != nil || !lease.Take() {
			t.Fatal(err)
		}
		if err := quota.Close(); err != nil || service.closed() != 0 {
			t.Fatalf("%v, closed %d times", err, service.closed())
		}
		lease.Done()
		time.Sleep(time.Second)
		if service.returned() != 2 || service.closed() == 0 {
			t.Fatalf("%d came back, closed %d times", service.returned(), service.closed())
		}
	})
}
