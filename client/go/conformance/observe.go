package main

import (
	"net/http"
	"time"

	"google.golang.org/protobuf/proto"

	apportion "apportion.dev/client"
	pb "apportion.dev/client/conformance/driverpb"
)

func (d *driver) observe(o *pb.Observe) *pb.DriverResponse {
	var held interface {
		Observe(apportion.Observation)
		ObserveResponse(apportion.Response)
	}
	if o.Permit != 0 {
		held = find(d, d.permits, o.Permit)
	} else {
		held = find(d, d.leases, o.Lease)
	}
	switch what := o.What.(type) {
	case *pb.Observe_Response:
		held.ObserveResponse(seen(what.Response))
	case *pb.Observe_Observation:
		held.Observe(byHand(what.Observation))
	}
	return done()
}

func (d *driver) interpret(i *pb.Interpret) *pb.DriverResponse {
	by := &apportion.Signals{}
	if err := proto.Unmarshal(i.Signals, by); err != nil {
		return outcome(err)
	}
	read, isCounted := apportion.Interpret(by, seen(i.Response))
	result := &pb.Observations{IsUncounted: !isCounted}
	for _, observation := range read {
		result.Observations = append(result.Observations, described(observation))
	}
	return &pb.DriverResponse{Result: &pb.DriverResponse_Observations{Observations: result}}
}

// seen is a response as the library reads it.
func seen(r *pb.Response) apportion.Response {
	response := apportion.Response{Status: int(r.GetStatus()), Header: http.Header{}, Body: r.GetBody()}
	for _, header := range r.GetHeaders() {
		response.Header.Add(header.Name, header.Value)
	}
	return response
}

func described(o apportion.Observation) *pb.Observation {
	ns := func(span *time.Duration) *int64 {
		if span == nil {
			return nil
		}
		count := span.Nanoseconds()
		return &count
	}
	described := &pb.Observation{
		Limit:            o.Limit,
		Status:           uint32(o.Status),
		LimitPermits:     o.LimitPermits,
		RemainingPermits: o.RemainingPermits,
		ResetAfterNs:     ns(o.ResetAfter),
		ResetPrecisionNs: ns(o.ResetPrecision),
		Throttled:        o.Throttled,
		RetryAfterNs:     ns(o.RetryAfter),
	}
	if !o.ResetTime.IsZero() {
		at := o.ResetTime.UnixNano()
		described.ResetTimeUnixNs = &at
	}
	return described
}

func byHand(o *pb.Observation) apportion.Observation {
	span := func(ns *int64) *time.Duration {
		if ns == nil {
			return nil
		}
		d := time.Duration(*ns)
		return &d
	}
	observation := apportion.Observation{
		Limit:            o.Limit,
		Status:           int(o.Status),
		LimitPermits:     o.LimitPermits,
		RemainingPermits: o.RemainingPermits,
		ResetAfter:       span(o.ResetAfterNs),
		ResetPrecision:   span(o.ResetPrecisionNs),
		Throttled:        o.Throttled,
		RetryAfter:       span(o.RetryAfterNs),
		Age:              ms(o.GetAgeMs()),
	}
	if o.ResetTimeUnixNs != nil {
		observation.ResetTime = time.Unix(0, *o.ResetTimeUnixNs)
	}
	return observation
}
