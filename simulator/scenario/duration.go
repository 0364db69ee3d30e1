package scenario

import (
	"errors"
	"math"

	"github.com/ashlar-dev/ashlar/simulator"
)

// Duration is how long jobs run: exactly one of these.
type Duration struct {
	Fixed Span `json:"fixed,omitempty"`
	// Exponential is the mean.
	Exponential Span       `json:"exponential,omitempty"`
	Lognormal   *Lognormal `json:"lognormal,omitempty"`
	Quantiles   *Quantiles `json:"quantiles,omitempty"`
	// UntilEnd runs to the horizon if it is true, as servers do.
	UntilEnd bool `json:"untilEnd,omitempty"`
}

// Lognormal is a distribution whose logarithm is normal.
type Lognormal struct {
	Median Span `json:"median"`
	// P90 is what nine of ten do not exceed.
	P90 Span `json:"p90"`
}

// Quantiles is a distribution through four points of a measured one. Between them, and
// beyond, the logarithm is linear in the normal score, as if it were log-normal in
// pieces.
type Quantiles struct {
	P50 Span `json:"p50"`
	P90 Span `json:"p90"`
	P95 Span `json:"p95"`
	P99 Span `json:"p99"`
}

func (d *Duration) checkFields(path string) error {
	problems := []error{
		oneOf(path, map[string]bool{
			"fixed": d.Fixed != 0, "exponential": d.Exponential != 0, "lognormal": d.Lognormal != nil, "quantiles": d.Quantiles != nil,
			"untilEnd": d.UntilEnd,
		}, "fixed", "exponential", "lognormal", "quantiles", "untilEnd"),
		d.Fixed.checkNotNegative(path + ".fixed"), d.Exponential.checkNotNegative(path + ".exponential"),
	}
	if d.Lognormal != nil {
		problems = append(problems, d.Lognormal.Median.checkPositive(path+".lognormal.median"))
		if d.Lognormal.P90 <= d.Lognormal.Median {
			problems = append(problems, fieldErrorf(path+".lognormal.p90", "is missing or not above the median"))
		} else {
			problems = append(problems, d.Lognormal.P90.checkPositive(path+".lognormal.p90"))
		}
	}
	if d.Quantiles != nil {
		last := Span(0)
		for _, point := range []struct {
			name  string
			value Span
		}{{"p50", d.Quantiles.P50}, {"p90", d.Quantiles.P90}, {"p95", d.Quantiles.P95}, {"p99", d.Quantiles.P99}} {
			if point.value <= last || point.value > Span(simulator.MaxTime) {
				problems = append(problems, fieldErrorf(path+".quantiles."+point.name, "is missing or not above the one before"))
			}
			last = max(last, point.value)
		}
	}
	return errors.Join(problems...)
}

// quantileAt is the duration that a part of all jobs, from 0 to 1, does not exceed; in
// milliseconds.
func (d *Duration) quantileAt(part float64, horizon simulator.Time) float64 {
	score := math.Sqrt2 * math.Erfinv(2*part-1)
	value := 0.0
	switch {
	case d.Fixed > 0:
		value = float64(d.Fixed)
	case d.Exponential > 0:
		value = -float64(d.Exponential) * math.Log(1-part)
	case d.Lognormal != nil:
		median, p90 := math.Log(float64(d.Lognormal.Median)), math.Log(float64(d.Lognormal.P90))
		value = math.Exp(median + (p90-median)*score/scoreP90)
	case d.Quantiles != nil:
		value = d.Quantiles.valueAt(score)
	default:
		return float64(simulator.MaxTime)
	}
	// Nothing is longer than twice the run: the tail beyond cannot be seen anyway.
	return max(1, min(value, 2*float64(horizon), float64(simulator.MaxTime)))
}

// Normal scores of the points of Quantiles.
const (
	scoreP90 = 1.2815515655446004
	scoreP95 = 1.6448536269514722
	scoreP99 = 2.3263478740408408
)

func (q *Quantiles) valueAt(score float64) float64 {
	points := [4]float64{math.Log(float64(q.P50)), math.Log(float64(q.P90)), math.Log(float64(q.P95)), math.Log(float64(q.P99))}
	scores := [4]float64{0, scoreP90, scoreP95, scoreP99}
	i := 0
	for i < 2 && score > scores[i+1] {
		i++
	}
	return math.Exp(points[i] + (points[i+1]-points[i])*(score-scores[i])/(scores[i+1]-scores[i]))
}

// meanSteps is how finely a mean is taken.
const meanSteps = 4096

// meanUntil is the mean duration in milliseconds, as it is drawn.
func (d *Duration) meanUntil(horizon simulator.Time) float64 {
	sum := 0.0
	for i := range meanSteps {
		sum += d.quantileAt((float64(i)+0.5)/meanSteps, horizon)
	}
	return sum / meanSteps
}
