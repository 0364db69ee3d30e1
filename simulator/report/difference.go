package report

import "math"

// PairedDifference is how much one figure of two variants differs over runs that are paired
// by their seed: both of a pair saw the same arrivals.
type PairedDifference struct {
	// Mean and Deviation (of the sample, 0 for one pair) are of the differences pair by pair.
	Mean, Deviation float64
	// Low and High bound the mean with a confidence of 95 % (Student's t). Both are Mean for a
	// single pair, of which nothing can be said.
	Low, High float64
	Pairs     int
}

// DifferenceOf is of values and of those that they are compared with, in the order of the
// seeds. Both are of the same length and have no value that is not a number.
func DifferenceOf(values, reference []float64) PairedDifference {
	d := PairedDifference{Pairs: len(values)}
	if d.Pairs == 0 {
		return d
	}
	n := float64(d.Pairs)
	for i := range values {
		d.Mean += (values[i] - reference[i]) / n
	}
	d.Low, d.High = d.Mean, d.Mean
	if d.Pairs < 2 {
		return d
	}
	for i := range values {
		d.Deviation += (values[i] - reference[i] - d.Mean) * (values[i] - reference[i] - d.Mean)
	}
	d.Deviation = math.Sqrt(d.Deviation / (n - 1))
	half := studentQuantile(d.Pairs-1) * d.Deviation / math.Sqrt(n)
	d.Low, d.High = d.Mean-half, d.Mean+half
	return d
}

// IsSignificant reports whether the interval leaves out 0: in 19 of 20 comparisons of variants
// that do not differ it has it. A single pair tells nothing.
func (d PairedDifference) IsSignificant() bool {
	return d.Pairs > 1 && (d.Low > 0 || d.High < 0)
}

// studentQuantiles are the 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom.
var studentQuantiles = [...]float64{
	12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
	2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
	2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
}

// studentQuantile is the 97.5 % quantile of Student's t. From 31 degrees on it is the first
// terms of its expansion around the normal one, which are right to three digits there.
func studentQuantile(degrees int) float64 {
	if degrees <= len(studentQuantiles) {
		return studentQuantiles[degrees-1]
	}
	const z = 1.959964
	return z + (z*z*z+z)/(4*float64(degrees))
}
