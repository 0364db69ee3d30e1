package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// comparedPeak is a measurement and its prediction.
type comparedPeak struct {
	publishedPeak
	predicted, margin topology.Bytes
}

// errorPercent is by how much the prediction is above what was measured.
func (c *comparedPeak) errorPercent() float64 {
	return 100 * (float64(c.predicted)/float64(c.measured) - 1)
}

// withinMargin reports whether the measurement lies within the account's own margin.
func (c *comparedPeak) withinMargin() bool {
	return max(c.predicted-c.measured, c.measured-c.predicted) <= c.margin
}

// compareAll predicts every measurement.
func compareAll(measurements []publishedPeak) ([]comparedPeak, error) {
	var all []comparedPeak
	for _, m := range measurements {
		c, err := compareOne(m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.id, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func compareOne(m publishedPeak) (comparedPeak, error) {
	settings, context, err := readSettings(m.settings)
	if err != nil {
		return comparedPeak{}, err
	}
	built, err := model.Known(m.model)
	if err != nil {
		return comparedPeak{}, err
	}
	a, err := training.NewAccount(built, settings)
	if err != nil {
		return comparedPeak{}, err
	}
	c := comparedPeak{publishedPeak: m, predicted: a.Total(), margin: a.Margin()}
	switch {
	case m.of != "device": // PyTorch does not count the driver's context and libraries
		c.predicted -= a.Libraries
	case context > 0:
		c.predicted += context - a.Libraries
	}
	return c, nil
}

// errorSummary are the errors without their signs, in percent.
type errorSummary struct{ median, most float64 }

// isCounted reports whether the settings of the measurement are known.
func (c *comparedPeak) isCounted() bool { return c.of != "unstated" }

// summariseErrors is about the measurements that count.
func summariseErrors(results []comparedPeak) errorSummary {
	var errors []float64
	for i := range results {
		if !results[i].isCounted() {
			continue
		}
		errors = append(errors, math.Abs(results[i].errorPercent()))
	}
	if len(errors) == 0 {
		return errorSummary{}
	}
	slices.Sort(errors)
	middle := len(errors) / 2
	median := errors[middle]
	if len(errors)%2 == 0 {
		median = (errors[middle-1] + errors[middle]) / 2
	}
	return errorSummary{median, errors[len(errors)-1]}
}
