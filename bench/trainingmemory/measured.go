package main

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// publishedPeak is a published figure.
type publishedPeak struct {
	id, model string
	measured  topology.Bytes
	// of is what was measured: what PyTorch had allocated or reserved at its peak, or what the
	// device had in use, the driver's context included. A figure that is published without settings that
	// decide memory is unstated: it is shown, and not counted.
	of                  string
	settings, url, note string
}

// unitBytes are the units in which figures are published.
var unitBytes = map[string]float64{"MiB": 1 << 20, "GiB": 1 << 30, "GB": 1e9}

// readMeasurements reads a CSV with a header. Errors name the line.
func readMeasurements(text string) ([]publishedPeak, error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	var all []publishedPeak
	for i, row := range rows {
		if i == 0 {
			continue
		}
		if len(row) != 8 {
			return nil, fmt.Errorf("line %d: %d columns, want 8", i+1, len(row))
		}
		value, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: measured: %w", i+1, err)
		}
		unit, known := unitBytes[row[3]]
		if !known {
			return nil, fmt.Errorf("line %d: unit %q: want MiB, GiB or GB", i+1, row[3])
		}
		all = append(all, publishedPeak{id: row[0], model: row[1], measured: topology.Bytes(value * unit), of: row[4], settings: row[5],
			url: row[6], note: row[7]})
	}
	return all, nil
}
