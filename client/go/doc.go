// Package apportion is the client of Apportion, a service that hands out a provider's request budget as leases.
//
// A permit is the right to hand one request to the provider, now. A permit that leaves its scope counts as used: call
// [Permit.PutBack] on one whose request was certainly not sent. That is the opposite of libraries in which a dropped permit is
// cancelled.
//
//	quota, err := apportion.Connect(apportion.Config{
//		Addresses: []string{"http://127.0.0.1:7420"},
//		Team:      "support",
//		Caller:    "desk-1",
//	})
//	if err != nil {
//		return err
//	}
//	defer quota.Close()
//	prefetch := quota.Prefetch(apportion.Request{}, apportion.PrefetchOptions{})
//	client := &http.Client{Transport: apportion.NewTransport(prefetch, nil)}
//
// Every request of the HTTP client, its redirects included, waits for a permit and reports what the response said.
package apportion
