package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// writeSummary says in a few sentences how far predictions are off.
func writeSummary(weights, starts *resultTable) string {
	var out strings.Builder
	if len(weights.rows) > 0 {
		plain, quantised := percentErrors{}, percentErrors{}
		exact, stated := 0, 0
		for _, r := range weights.rows {
			if r["quantised"] == "" {
				plain.addCell(r["weight_error_pct"])
			} else {
				quantised.addCell(r["weight_error_pct"])
			}
			if r["published_kv_bytes_per_token"] != "" {
				stated++
				if r["published_kv_bytes_per_token"] == r["predicted_kv_bytes_per_token"] {
					exact++
				}
			}
		}
		fmt.Fprintf(&out,
			"Weights of %d models in 16 or 32 bits: largest error %s. Of %d quantised ones: %s. KV bytes per token: %d of %d exact.\n",
			plain.count, plain.largestError(), quantised.count, quantised.largestError(), exact, stated)
	}
	if len(starts.rows) > 0 {
		kv, tokens := percentErrors{}, percentErrors{}
		agree, wrong, unknown, failed := 0, 0, 0, 0
		for _, r := range starts.rows {
			tokens.addCell(r["tokens_error_pct"])
			if r.isFalseStart() {
				failed++
			}
			switch {
			case r["agrees"] == "true":
				agree++
			case r["agrees"] == "false":
				wrong++
			case strings.HasPrefix(r["because"], "unknown"):
				unknown++
			}
			if kvCounts(r) {
				kv.addCell(r["kv_error_pct"])
			}
		}
		fmt.Fprintf(&out,
			"Starts of vLLM 0.10 and later that were logged: %d of %d outcomes as predicted, %d of them said to start that failed; "+
				"%d rows cannot be known. ",
			agree, agree+wrong, failed, unknown)
		fmt.Fprintf(&out,
			"KV cache memory of %d that started: %d within 5 %%, median error %s, largest %s. "+
				"Tokens from the logged memory, %d rows: median error %s.\n",
			kv.count, kv.countWithin(5), kv.medianError(), kv.largestError(), tokens.count, tokens.medianError())
	}
	out.WriteString("\n")
	return out.String()
}

// kvCounts reports whether a row is one whose KV cache memory is to be predicted:
// vLLM 0.10 and later that started, and known.
func kvCounts(r csvRow) bool {
	if v, stated := releaseOf(r["version"]); stated && v.Before(0, 10) {
		return false
	}
	return r["logged_outcome"] == "ok" && !strings.HasPrefix(r["because"], "unknown")
}

// percentErrors collects errors in percent.
type percentErrors struct {
	count  int
	values []float64
}

func (e *percentErrors) addCell(cell string) {
	value, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return
	}
	e.count++
	e.values = append(e.values, math.Abs(value))
}

func (e *percentErrors) largestError() string {
	if e.count == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g %%", slices.Max(e.values))
}

func (e *percentErrors) medianError() string {
	if e.count == 0 {
		return "-"
	}
	sorted := slices.Sorted(slices.Values(e.values))
	return fmt.Sprintf("%.2g %%", sorted[len(sorted)/2])
}

func (e *percentErrors) countWithin(percent float64) int {
	n := 0
	for _, value := range e.values {
		if value <= percent {
			n++
		}
	}
	return n
}
