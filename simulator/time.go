package simulator

import (
	"strconv"
	"strings"
)

// Time is simulated time in milliseconds: since the start, or a length of it.
type Time int64

// Units of time.
const (
	Second Time = 1000
	Minute      = 60 * Second
	Hour        = 60 * Minute
	Day         = 24 * Hour
)

// MaxTime is the longest that anything may take, and the latest that it may happen. It
// keeps sums over MaxNodes nodes within an int64.
const MaxTime = 366 * Day

// Hours is t as hours.
func (t Time) Hours() float64 { return float64(t) / float64(Hour) }

// Seconds is t as seconds.
func (t Time) Seconds() float64 { return float64(t) / float64(Second) }

// String prints t by its two largest units: "1d2h", "15m", "2.5s".
func (t Time) String() string {
	if t < 0 {
		return "-" + (-t).String()
	}
	if t < Minute {
		return strconv.FormatFloat(float64(t)/float64(Second), 'f', -1, 64) + "s"
	}
	var text strings.Builder
	parts := 0
	for _, unit := range []struct {
		size Time
		name string
	}{{Day, "d"}, {Hour, "h"}, {Minute, "m"}, {Second, "s"}} {
		if n := t / unit.size; n > 0 || parts > 0 {
			if parts++; n > 0 {
				text.WriteString(strconv.FormatInt(int64(n), 10) + unit.name)
			}
			t -= n * unit.size
		}
		if parts == 2 {
			break
		}
	}
	return text.String()
}
