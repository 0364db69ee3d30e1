package model

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPublished compares every model with the numbers that were published for it:
// parameters exactly, those of the language model alone exactly, and bytes to the
// accuracy with which they were printed, or that quantisation leaves.
func TestPublished(t *testing.T) {
	file, err := os.Open("testdata/published.csv")
	require.NoError(t, err)
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.Greater(t, len(rows), 300)
	for _, row := range rows[1:] {
		t.Run(row[0], func(t *testing.T) {
			m, err := Known(row[0])
			require.NoError(t, err)
			if row[1] != "" {
				require.Equal(t, number64(t, row[1]), m.Parameters(), "parameters, %s", row[4])
			}
			if row[2] != "" {
				require.Equal(t, number64(t, row[2]), languageParameters(m), "parameters of the language model, %s", row[4])
			}
			if row[3] != "" {
				allowed := 0.001
				if m.Quantisation != "" {
					allowed = 0.002
				}
				off := float64(m.Stored())/float64(number64(t, row[3])) - 1
				// Small files were printed to hundredths of a gibibyte.
				allowed = max(allowed, 0.006*(1<<30)/float64(m.Stored()))
				require.LessOrEqual(t, math.Abs(off), allowed, "%d bytes, %s published, %s", m.Stored(), row[3], row[4])
			}
		})
	}
}

// languageParameters leaves towers and draft layers out.
func languageParameters(m *Model) int64 {
	var sum int64
	m.eachTensor(func(t *Tensor, times int64) {
		if t.Part != TowerPart && t.Part != DraftPart {
			sum += times * t.Elements()
		}
	})
	return sum
}

func number64(t *testing.T, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err)
	return n
}

// TestCatalogue builds every model of the catalogue.
func TestCatalogue(t *testing.T) {
	for _, name := range Names() {
		m, err := Known(name)
		require.NoError(t, err, name)
		checkSane(t, name, m)
	}
}
