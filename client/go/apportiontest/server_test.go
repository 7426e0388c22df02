package apportiontest_test

import (
	"errors"
	"testing"
	"time"

	apportion "apportion.dev/client"
	"apportion.dev/client/apportiontest"
	"apportion.dev/client/apportionv1"
)

func TestAServiceIsTestedAgainstTheServer(t *testing.T) {
	server := apportiontest.NewServer(t)
	quota, err := apportion.Connect(server.Config())
	if err != nil {
		t.Fatal(err)
	}
	server.Limit(10)
	lease, err := quota.Acquire(t.Context(), apportion.Request{Permits: 20, MinPermits: 1})
	if err != nil || lease.Permits() != 10 {
		t.Fatalf("%v, %v", lease, err)
	}
	for range 4 {
		lease.Take()
	}
	status := uint32(7)
	lease.Observe(apportion.Observation{Status: 200, RemainingPermits: &status})
	lease.Done()
	if err := quota.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if server.Granted() != 10 || server.Used() != 4 || server.Returned() != 6 || len(server.Observations()) != 1 {
		t.Fatalf("%d, %d, %d", server.Granted(), server.Used(), server.Returned())
	}
	server.Refuse(apportionv1.Reason_REASON_WINDOW_EXHAUSTED, time.Second)
	var refused *apportion.RefusedError
	_, err = quota.Acquire(t.Context(), apportion.Request{MaxWait: apportion.NoWait})
	if !errors.As(err, &refused) || refused.Name != "WINDOW_EXHAUSTED" || *refused.RetryAfter != time.Second {
		t.Fatal(err)
	}
	if err := quota.Close(); err != nil {
		t.Fatal(err)
	}
}
