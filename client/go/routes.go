package apportion

import (
	"slices"
	"strings"
	"time"
)

const (
	// How long a hint is ignored after the node that it names has failed.
	hintIgnored = 10 * time.Second
	// The longest hint that is read.
	hintMax = 255
	// The key of the response metadata that names the node that serves the workspace.
	ownerKey = "apportion-owner"
)

// hintTrust is what protects calls to an address that is not configured. A hint decides where a token goes next, so a node that
// lies must not be able to redirect it to anyone.
type hintTrust int

const (
	// Nothing: only configured addresses are called.
	trustConfigured hintTrust = iota
	// A token is sent unencrypted, as far as the loopback.
	trustLoopback
	// Nothing is sent that could be stolen, or the certificate of every node is checked against a configured authority or name.
	trustAll
)

// routes say which node is called next, as a function of what happened so far.
type routes struct {
	configured []address
	current    int
	// The node that serves the workspace, if one was named.
	owner *address
	trust hintTrust
	// A node that failed, and until when hints of it are ignored.
	ignored      address
	ignoredUntil instant
}

// next is the address to call next.
func (r *routes) next() address {
	if r.owner != nil {
		return *r.owner
	}
	return r.configured[r.current]
}

// failed notes that a call to an address failed. It returns whether calls go elsewhere now.
func (r *routes) failed(failed address, now instant) bool {
	if r.next() != failed {
		return true // another call has noticed it before
	}
	if r.owner != nil {
		r.owner, r.ignored, r.ignoredUntil = nil, failed, now.after(hintIgnored)
	}
	if r.configured[r.current] == failed {
		r.current = (r.current + 1) % len(r.configured)
	}
	return r.next() != failed
}

// hinted notes that a response named the node that serves the workspace. It returns whether calls go elsewhere now.
func (r *routes) hinted(hint string, now instant) bool {
	owner, ok := r.followed(hint)
	if !ok || owner == r.next() || owner == r.ignored && now < r.ignoredUntil {
		return false
	}
	r.owner = &owner
	return true
}

// followed is the address that the hint names, if it may be called.
func (r *routes) followed(hint string) (address, bool) {
	if len(hint) > hintMax || strings.ContainsAny(hint, "/@?#") {
		return address{}, false
	}
	scheme := "http://"
	if r.configured[0].isHTTPS {
		scheme = "https://"
	}
	owner, problem := parseAddress(scheme + hint)
	isTrusted := r.trust == trustAll || r.trust == trustLoopback && owner.isLoopback()
	return owner, problem == "" && (isTrusted || slices.Contains(r.configured, owner))
}
