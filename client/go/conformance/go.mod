module apportion.dev/client/conformance

go 1.26.0

require (
	apportion.dev/client v0.0.0
	github.com/hashicorp/go-retryablehttp v0.7.8
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	golang.org/x/net v0.51.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/text v0.34.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261110000943-09e21b237f2c // indirect
	google.golang.org/grpc v1.81.0 // indirect
)

replace apportion.dev/client => ../
