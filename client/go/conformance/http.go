package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	apportion "apportion.dev/client"
	pb "apportion.dev/client/conformance/driverpb"
)

func (d *driver) httpOpen(h *pb.HttpOpen) *pb.DriverResponse {
	if h.Hook != "RoundTripper" {
		return unsupported("the Go client has no such hook")
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	if h.Http2 {
		base.Protocols = &http.Protocols{}
		base.Protocols.SetUnencryptedHTTP2(true)
	}
	client := &http.Client{Transport: apportion.NewTransport(d.source(h.Source), base), Timeout: ms(h.GetTimeoutMs())}
	if h.Retries > 0 {
		retrying := retryablehttp.NewClient()
		retrying.HTTPClient, retrying.RetryMax, retrying.Logger = client, int(h.Retries), log.Default()
		retrying.RetryWaitMin, retrying.RetryWaitMax = time.Millisecond, time.Millisecond
		retrying.Backoff = func(least, _ time.Duration, _ int, _ *http.Response) time.Duration { return least }
		retrying.ErrorHandler = retryablehttp.PassthroughErrorHandler
		client = retrying.StandardClient()
	}
	if !h.FollowRedirects {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	keep(d, func() map[uint32]*http.Client { return d.https }, h.Http, client)
	return done()
}

func (d *driver) httpSend(ctx context.Context, h *pb.HttpSend) *pb.DriverResponse {
	var body io.Reader
	if h.Body != nil {
		body = bytes.NewReader(h.Body)
	}
	request, err := http.NewRequestWithContext(ctx, h.Method, h.Url, body)
	if err != nil {
		return failed(err, pb.Failure_KIND_HTTP)
	}
	for _, header := range h.Headers {
		request.Header.Add(header.Name, header.Value)
	}
	response, err := find(d, d.https, h.Http).Do(request)
	if err != nil {
		return failed(err, pb.Failure_KIND_HTTP)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return failed(err, pb.Failure_KIND_HTTP)
	}
	result := &pb.Response{Status: uint32(response.StatusCode), Body: got}
	for name, values := range response.Header {
		for _, value := range values {
			result.Headers = append(result.Headers, &pb.Header{Name: name, Value: value})
		}
	}
	return &pb.DriverResponse{Result: &pb.DriverResponse_Http{Http: &pb.HttpResult{Response: result}}}
}
