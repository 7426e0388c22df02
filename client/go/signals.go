package apportion

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"apportion.dev/client/apportionv1"
	"apportion.dev/client/internal/signals"
)

const (
	signalsTimeout = 2 * time.Second
	// How long after a failure signals are not asked for again.
	signalsPause = time.Second
)

// Signals say what the responses of a provider mean: which headers speak of which limit, and what a refusal looks like.
type Signals = apportionv1.Signals

// Interpret reads a response by signals: what it says of each limit, and whether the provider counted its request.
func Interpret(by *Signals, response Response) (observations []Observation, isCounted bool) {
	seen, isCounted := signals.Interpret(by, signals.Response(response))
	for _, message := range seen {
		observations = append(observations, observationOf(message))
	}
	return observations, isCounted
}

// standardSignals read the standard headers, as the preset ietf.
var standardSignals = &Signals{
	Limits: []*apportionv1.LimitSignal{
		{
			LimitPermits:     &apportionv1.CountSource{Header: "RateLimit-Policy", Parameter: "q"},
			RemainingPermits: &apportionv1.CountSource{Header: "RateLimit", Parameter: "r"},
			Reset_: &apportionv1.TimeSource{
				Header: "RateLimit", Parameter: "t", Form: apportionv1.TimeForm_TIME_FORM_SECONDS,
			},
		},
		{
			LimitPermits:     &apportionv1.CountSource{Header: "RateLimit-Limit"},
			RemainingPermits: &apportionv1.CountSource{Header: "RateLimit-Remaining"},
			Reset_:           &apportionv1.TimeSource{Header: "RateLimit-Reset", Form: apportionv1.TimeForm_TIME_FORM_SECONDS},
		},
	},
	Throttles: []*apportionv1.ThrottleSignal{
		{Response: &apportionv1.ResponseMatch{Statuses: []uint32{http.StatusTooManyRequests}}},
		{
			Response: &apportionv1.ResponseMatch{
				Statuses: []uint32{http.StatusServiceUnavailable},
				Headers:  []*apportionv1.HeaderMatch{{Header: "Retry-After"}},
			},
			Effect: apportionv1.ThrottleEffect_THROTTLE_EFFECT_PAUSED,
		},
	},
	RetryAfter: []*apportionv1.TimeSource{
		{Header: "Retry-After", Form: apportionv1.TimeForm_TIME_FORM_SECONDS},
		{Header: "Retry-After", Form: apportionv1.TimeForm_TIME_FORM_HTTP_DATE},
	},
}

// signalKeeper reads responses by the signals of the workspace, which it gets when a lease has another version of them.
type signalKeeper struct {
	service   leaseService
	workspace string
	logger    *slog.Logger
	// Whether the configuration has the signals, so that those of the server are not asked for.
	isFixed bool
	current atomic.Pointer[knownSignals]

	mu          sync.Mutex
	isAsking    bool
	pausedUntil instant
}

type knownSignals struct {
	signals *Signals
	version uint32
}

func newSignalKeeper(config *Config, service leaseService) *signalKeeper {
	k := &signalKeeper{service: service, workspace: config.Workspace, logger: config.logger()}
	if config.Signals != nil {
		k.isFixed = true
		k.current.Store(&knownSignals{signals: config.Signals})
	}
	return k
}

// mustAsk says whether a lease with signals of this version is a reason to ask for them. If so, [signalKeeper.ask] is to follow.
func (k *signalKeeper) mustAsk(version uint32) bool {
	if known := k.current.Load(); k.isFixed || version == 0 || known != nil && known.version == version {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.isAsking || now() < k.pausedUntil {
		return false
	}
	k.isAsking = true
	return true
}

// ask gets the signals. Until they are there, those at hand are used.
func (k *signalKeeper) ask(ctx context.Context) {
	response, failed := k.service.signals(ctx, &apportionv1.GetSignalsRequest{Workspace: k.workspace}, signalsTimeout)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.isAsking = false
	switch {
	case failed != nil:
		k.pausedUntil = now().after(signalsPause)
		k.logger.Debug("apportion: the signals cannot be got", "error", failed.refusal.Message)
	default:
		k.current.Store(&knownSignals{signals: response.Signals, version: response.SignalsVersion})
	}
}

// read reads a response. Before the server has said what it means, it reads the standard headers, and the usual ones.
func (k *signalKeeper) read(response Response) []Observation {
	if known := k.current.Load(); known != nil {
		seen, _ := Interpret(known.signals, response)
		return seen
	}
	seen, _ := Interpret(standardSignals, response)
	usual := readUsual(response)
	if hasCounts(seen) || !usual.Throttled && !hasCounts([]Observation{usual}) {
		return seen
	}
	if !usual.Throttled {
		usual.RetryAfter = nil
	}
	return []Observation{usual}
}

// wantsBody says whether the body may decide what a response with these headers means.
func (k *signalKeeper) wantsBody(head Response) bool {
	known := k.current.Load()
	return known != nil && signals.WantsBody(known.signals, signals.Response(head))
}

func hasCounts(seen []Observation) bool {
	for _, observation := range seen {
		if observation.LimitPermits != nil || observation.RemainingPermits != nil {
			return true
		}
	}
	return false
}
