package apportion

import "time"

const (
	demandRecent = 500 * time.Millisecond
	demandSlice  = 50 * time.Millisecond
	demandSlices = int(demandRecent / demandSlice)
)

// demand is the permits that were taken in the last half second, in slices of 50 ms.
type demand struct {
	slices [demandSlices]uint32
	// The number of the latest slice.
	latest int64
}

// record counts permits that were taken up to now.
func (d *demand) record(now instant, taken uint32) {
	d.advance(now)
	d.slices[d.latest%int64(demandSlices)] += taken
}

// forecast is how many will be taken within the horizon at the recent rate, rounded down.
func (d *demand) forecast(now instant, horizon time.Duration) uint32 {
	d.advance(now)
	var recent uint64
	for _, taken := range d.slices {
		recent += uint64(taken)
	}
	return uint32(recent * uint64(min(max(horizon, 0), demandRecent)/time.Microsecond) / uint64(demandRecent/time.Microsecond))
}

func (d *demand) advance(now instant) {
	latest := max(int64(now)/int64(demandSlice), d.latest)
	for passed := min(latest-d.latest, int64(demandSlices)); passed > 0; passed-- {
		d.slices[(latest-passed+1)%int64(demandSlices)] = 0
	}
	d.latest = latest
}
