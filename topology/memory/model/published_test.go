package model

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"testing"
)

// TestPublished compares every model with the numbers that were published for it:
// parameters exactly, those of the language model alone exactly, and bytes to the
// accuracy with which they were printed, or that quantisation leaves.
func TestPublished(t *testing.T) {
	file, err := os.Open("testdata/published.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) <= 300 {
		t.Fatalf("len(rows) = %v, want more than %v", len(rows), 300)
	}
	for _, row := range rows[1:] {
		t.Run(row[0], func(t *testing.T) {
			m, err := Known(row[0])
			if err != nil {
				t.Fatal(err)
			}
			if row[1] != "" {
				if got, want := m.Parameters(), number64(t, row[1]); got != want {
					t.Fatalf("parameters, %s: m.Parameters() = %v, want %v", row[4], got, want)
				}
			}
			if row[2] != "" {
				if got, want := languageParameters(m), number64(t, row[2]); got != want {
					t.Fatalf("parameters of the language model, %s: languageParameters(m) = %v, want %v", row[4], got, want)
				}
			}
			if row[3] != "" {
				allowed := 0.001
				if m.Quantisation != "" {
					allowed = 0.002
				}
				off := float64(m.Stored())/float64(number64(t, row[3])) - 1
				// Small files were printed to hundredths of a gibibyte.
				allowed = max(allowed, 0.006*(1<<30)/float64(m.Stored()))
				if got := math.Abs(off); got > allowed {
					t.Fatalf("%d bytes, %s published, %s: math.Abs(off) = %v, want at most %v", m.Stored(), row[3], row[4], got, allowed)
				}
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
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCatalogue builds every model of the catalogue.
func TestCatalogue(t *testing.T) {
	for _, name := range Names() {
		m, err := Known(name)
		if err != nil {
			t.Fatalf("%v: %v", name, err)
		}
		checkSane(t, name, m)
	}
}
