package apportion

import (
	"slices"
	"testing"
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/grpc/codes"
)

func TestReportsWaitForCompany(t *testing.T) {
	service := &scripted{}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		for range 100 {
			lease, err := quota.Acquire(t.Context(), Request{})
			if err != nil || !lease.Take() {
				t.Fatal(err)
			}
			lease.Done()
		}
		time.Sleep(51 * time.Millisecond)
		if _, batches := service.calls(); batches != 1 || len(service.reports()) != 100 {
			t.Fatalf("%d reports in %d calls", len(service.reports()), batches)
		}
	})
}

func TestAThrottleIsReportedAtOnceAndSurvivesAnOutage(t *testing.T) {
	service := &scripted{}
	service.settled = func(batch int, _ *apportionv1.BatchSettleLeasesRequest) (*apportionv1.BatchSettleLeasesResponse, *callError) {
		if batch <= 4 {
			return nil, unreachable("broken")
		}
		return nil, nil
	}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		lease, err := quota.Acquire(t.Context(), Request{})
		if err != nil || !lease.Take() {
			t.Fatal(err)
		}
		lease.Observe(Observation{Status: 429, Throttled: true})
		lease.Done()
		time.Sleep(3 * time.Second)
		if len(service.reports()) != 1 || !service.reports()[0].Observations[0].Throttled || service.reports()[0].UsedPermits != 1 {
			t.Fatalf("%v", service.reports())
		}
	})
}

func TestOddObservationsDoNotSpoilReturns(t *testing.T) {
	service := &scripted{}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		lease, err := quota.Acquire(t.Context(), Request{Permits: 3})
		if err != nil {
			t.Fatal(err)
		}
		negative, many := -time.Second, uint32(1<<31)
		lease.Observe(Observation{Status: 999, LimitPermits: &many, RetryAfter: &negative, ResetTime: time.Unix(-1, 0)})
		lease.Observe(Observation{Limit: "-"})
		lease.Done()
		time.Sleep(time.Second)
		got := service.reports()[0]
		if len(got.Observations) != 1 || got.Observations[0].Status != 0 || got.Observations[0].LimitPermits != nil || got.ReturnedPermits != 3 {
			t.Fatalf("%v", got)
		}
	})
}

func TestABatchThatIsTooLargeIsHalved(t *testing.T) {
	service := &scripted{}
	service.settled = func(_ int, message *apportionv1.BatchSettleLeasesRequest) (*apportionv1.BatchSettleLeasesResponse, *callError) {
		if len(message.Requests) > 10 {
			return nil, &callError{kind: callRefused, code: codes.ResourceExhausted, refusal: &RefusedError{Message: "too large"}}
		}
		return nil, nil
	}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		for range 100 {
			lease, err := quota.Acquire(t.Context(), Request{})
			if err != nil {
				t.Fatal(err)
			}
			lease.Done()
		}
		time.Sleep(30 * time.Second)
	})
	if service.returned() != 100 {
		t.Fatalf("%d came back", service.returned())
	}
}

func TestManyObservationsGoIntoSeveralRequests(t *testing.T) {
	r := &report{request: &apportionv1.SettleLeaseRequest{LeaseId: "x", IsFinal: true}}
	for range 130 {
		r.observations = append(r.observations, observed{message: &apportionv1.Observation{}})
	}
	requests := r.requests(1)
	if len(requests) != 3 || requests[0].IsFinal || requests[1].IsFinal || !requests[2].IsFinal || len(requests[2].Observations) != 2 {
		t.Fatalf("%d", len(requests))
	}
}

func TestReturnsAreReportedWithoutUse(t *testing.T) {
	service := &scripted{}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		lease, err := quota.Acquire(t.Context(), Request{Permits: 3})
		if err != nil || !lease.Take() || !lease.Take() {
			t.Fatal(err)
		}
		lease.PutBack()
		lease.PutBack()
		lease.PutBack() // one more than was taken
		lease.Take()
		lease.Done()
		time.Sleep(time.Second)
		if last := service.reports()[len(service.reports())-1]; last.UsedPermits != 1 || last.ReturnedPermits != 2 || !last.IsFinal {
			t.Fatalf("%v", last)
		}
	})
}

func TestAnObservationHasItsAgeAndIsDroppedWhenItIsTooOld(t *testing.T) {
	service := &scripted{}
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		lease, err := quota.Acquire(t.Context(), Request{})
		if err != nil || !lease.Take() {
			t.Fatal(err)
		}
		for _, age := range []time.Duration{-time.Hour, time.Minute, 2 * time.Hour, 1<<63 - 1} {
			lease.Observe(Observation{Status: 200, Age: age})
		}
		lease.Done()
	})
	var ages []time.Duration
	for _, report := range service.reports() {
		for _, observation := range report.Observations {
			ages = append(ages, observation.Age.AsDuration().Truncate(time.Second))
		}
	}
	if !slices.Equal(ages, []time.Duration{0, time.Minute}) {
		t.Fatalf("%v", ages)
	}
}
