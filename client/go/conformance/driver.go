package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	apportion "apportion.dev/client"
	pb "apportion.dev/client/conformance/driverpb"
)

// driver is everything that the runner has a handle of.
type driver struct {
	mu         sync.Mutex
	quotas     map[uint32]*apportion.Quota
	prefetches map[uint32]*apportion.Prefetch
	leases     map[uint32]*apportion.Lease
	permits    map[uint32]*apportion.Permit
	https      map[uint32]*http.Client
	inFlight   map[uint64]context.CancelFunc
}

func newDriver() *driver {
	d := &driver{}
	d.forget()
	d.inFlight = map[uint64]context.CancelFunc{}
	return d
}

func (d *driver) forget() {
	d.quotas = map[uint32]*apportion.Quota{}
	d.prefetches = map[uint32]*apportion.Prefetch{}
	d.leases = map[uint32]*apportion.Lease{}
	d.permits = map[uint32]*apportion.Permit{}
	d.https = map[uint32]*http.Client{}
}

// start registers an operation and returns what carries it out.
func (d *driver) start(request *pb.DriverRequest) func() *pb.DriverResponse {
	ctx, cancel := context.WithCancel(context.Background())
	d.mu.Lock()
	d.inFlight[request.Id] = cancel
	d.mu.Unlock()
	return func() (response *pb.DriverResponse) {
		defer func() {
			if cause := recover(); cause != nil {
				unknown, ok := cause.(unknownHandle)
				if !ok {
					panic(cause)
				}
				response = failure(&pb.Failure{Kind: pb.Failure_KIND_OTHER, Message: unknown.String()})
			}
			cancel()
			d.mu.Lock()
			defer d.mu.Unlock()
			delete(d.inFlight, request.Id)
		}()
		if request.Process != 0 {
			return unsupported("this driver has no other processes")
		}
		return d.run(ctx, request)
	}
}

func (d *driver) run(ctx context.Context, request *pb.DriverRequest) *pb.DriverResponse {
	switch operation := request.Operation.(type) {
	case *pb.DriverRequest_Hello:
		return hello()
	case *pb.DriverRequest_Connect:
		return d.connect(operation.Connect)
	case *pb.DriverRequest_Acquire:
		return d.acquire(ctx, operation.Acquire)
	case *pb.DriverRequest_Take:
		return d.take(operation.Take)
	case *pb.DriverRequest_Prefetch:
		return d.prefetch(operation.Prefetch)
	case *pb.DriverRequest_Permit:
		return d.permit(ctx, operation.Permit)
	case *pb.DriverRequest_PutBack:
		return d.putBack(operation.PutBack)
	case *pb.DriverRequest_Leave:
		return d.leave(operation.Leave)
	case *pb.DriverRequest_Inspect:
		return d.inspect(operation.Inspect)
	case *pb.DriverRequest_Observe:
		return d.observe(operation.Observe)
	case *pb.DriverRequest_Interpret:
		return d.interpret(operation.Interpret)
	case *pb.DriverRequest_HttpOpen:
		return d.httpOpen(operation.HttpOpen)
	case *pb.DriverRequest_HttpSend:
		return d.httpSend(ctx, operation.HttpSend)
	case *pb.DriverRequest_Flush:
		return outcome(find(d, d.quotas, operation.Flush.Client).Flush(ctx))
	case *pb.DriverRequest_Close:
		return outcome(find(d, d.quotas, operation.Close.Client).Close())
	case *pb.DriverRequest_State:
		return d.state(operation.State)
	case *pb.DriverRequest_Sleep:
		return pause(ctx, time.Duration(operation.Sleep.Ms)*time.Millisecond)
	case *pb.DriverRequest_Cancel:
		d.cancel(operation.Cancel.Request)
		return done()
	case *pb.DriverRequest_Reset_:
		return d.reset(request.Id)
	default:
		return unsupported("the Go client has no such operation")
	}
}

func (d *driver) cancel(request uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cancel := d.inFlight[request]; cancel != nil {
		cancel()
	}
}

// reset ends a case: what is in flight is cancelled, scopes are left, clients closed.
func (d *driver) reset(own uint64) *pb.DriverResponse {
	d.mu.Lock()
	for request, cancel := range d.inFlight {
		if request != own {
			cancel()
		}
	}
	quotas, leases, permits, https := d.quotas, d.leases, d.permits, d.https
	d.forget()
	d.mu.Unlock()
	for _, permit := range permits {
		permit.Done()
	}
	for _, lease := range leases {
		lease.Done()
	}
	var closing sync.WaitGroup
	for _, quota := range quotas {
		closing.Go(func() { _ = quota.Close() })
	}
	closing.Wait()
	for _, client := range https {
		client.CloseIdleConnections()
	}
	return done()
}

// unknownHandle ends an operation on a handle that stands for nothing.
type unknownHandle uint32

func (u unknownHandle) String() string {
	return fmt.Sprintf("nothing has the handle %d", uint32(u))
}

// find returns what a handle stands for.
func find[T any](d *driver, in map[uint32]*T, handle uint32) *T {
	d.mu.Lock()
	defer d.mu.Unlock()
	if value := in[handle]; value != nil {
		return value
	}
	panic(unknownHandle(handle))
}

func keep[T any](d *driver, in func() map[uint32]*T, handle uint32, value *T) {
	d.mu.Lock()
	defer d.mu.Unlock()
	in()[handle] = value
}

func forget[T any](d *driver, in map[uint32]*T, handle uint32) *T {
	d.mu.Lock()
	defer d.mu.Unlock()
	value := in[handle]
	if value == nil {
		panic(unknownHandle(handle))
	}
	delete(in, handle)
	return value
}
