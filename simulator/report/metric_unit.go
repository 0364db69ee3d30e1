package report

import (
	"fmt"
	"math"

	"github.com/ashlar-dev/ashlar/simulator"
)

// metricUnit is how figures of one kind are printed: plain in tables, typeset on the
// page.
type metricUnit struct{ plain, page func(float64) string }

var (
	countUnit    = &metricUnit{plainWhole, pageWhole}
	timesUnit    = &metricUnit{PlainTimes, func(v float64) string { return pageShort(v) + " ×" }}
	gpuUnit      = &metricUnit{plainDecimal, pageShort}
	gpuHourUnit  = &metricUnit{plainDecimal, func(v float64) string { return pageShort(v) + " GPU-h" }}
	durationUnit = &metricUnit{PlainDuration, func(v float64) string { return pageDuration(v * float64(simulator.Second)) }}
	partUnit     = &metricUnit{PlainPart, pagePart}
	percentUnit  = &metricUnit{plainDecimal, pagePercent}
	gibibyteUnit = &metricUnit{
		func(v float64) string { return plainDecimal(v) + "GiB" },
		func(v float64) string { return pageBytes(v * gibibyte) },
	}
	dollarUnit = &metricUnit{func(v float64) string { return fmt.Sprintf("%.2f", v) }, pageDollars}
)

func plainWhole(v float64) string   { return fmt.Sprintf("%.0f", v) }
func plainDecimal(v float64) string { return fmt.Sprintf("%.1f", v) }

// PlainPart prints a part of 1 in percent.
func PlainPart(v float64) string { return fmt.Sprintf("%.1f%%", 100*v) }

// PlainTimes prints how many times as long something takes.
func PlainTimes(v float64) string { return fmt.Sprintf("%.2fx", v) }

// PlainDuration prints seconds shortly, by their two largest units from a minute up.
func PlainDuration(v float64) string {
	t := simulator.Time(math.Round(v * 1000))
	switch {
	case t < 0:
		return "-" + PlainDuration(-v)
	case t >= 10*simulator.Second:
		t = (t + simulator.Second/2) / simulator.Second * simulator.Second
	case t > 0:
		t = max(100, (t+50)/100*100)
	}
	return t.String()
}
