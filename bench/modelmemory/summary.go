package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// summary says in a few sentences how far predictions are off.
func summary(weights, starts *table) string {
	var out strings.Builder
	if len(weights.rows) > 0 {
		plain, quantised := deviations{}, deviations{}
		exact, stated := 0, 0
		for _, r := range weights.rows {
			if r["quantised"] == "" {
				plain.add(r["weight_error_pct"])
			} else {
				quantised.add(r["weight_error_pct"])
			}
			if r["published_kv_bytes_per_token"] != "" {
				stated++
				if r["published_kv_bytes_per_token"] == r["predicted_kv_bytes_per_token"] {
					exact++
				}
			}
		}
		fmt.Fprintf(&out, "Weights of %d models in 16 or 32 bits: largest error %s. Of %d quantised ones: %s. KV bytes per token: %d of %d exact.\n",
			plain.count, plain.most(), quantised.count, quantised.most(), exact, stated)
	}
	if len(starts.rows) > 0 {
		kv, tokens := deviations{}, deviations{}
		agree, wrong, unknown := 0, 0, 0
		for _, r := range starts.rows {
			tokens.add(r["tokens_error_pct"])
			switch {
			case r["agrees"] == "true":
				agree++
			case r["agrees"] == "false":
				wrong++
			case strings.HasPrefix(r["because"], "unknown"):
				unknown++
			}
			if kvCounts(r) {
				kv.add(r["kv_error_pct"])
			}
		}
		fmt.Fprintf(&out, "Starts of vLLM 0.10 and later that were logged: %d of %d outcomes as predicted; %d rows cannot be known. ", agree, agree+wrong, unknown)
		fmt.Fprintf(&out, "KV cache memory of %d that started: %d within 5 %%, median error %s, largest %s. Tokens from the logged memory, %d rows: median error %s.\n",
			kv.count, kv.within(5), kv.median(), kv.most(), tokens.count, tokens.median())
	}
	out.WriteString("\n")
	return out.String()
}

// kvCounts reports whether a row is one whose KV cache memory is to be predicted:
// vLLM 0.10 and later that started, and known.
func kvCounts(r row) bool {
	if v, stated := releaseOf(r["version"]); stated && v.Before(0, 10) {
		return false
	}
	return r["logged_outcome"] == "ok" && !strings.HasPrefix(r["because"], "unknown")
}

// deviations collects errors in percent.
type deviations struct {
	count  int
	values []float64
}

func (e *deviations) add(cell string) {
	value, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return
	}
	e.count++
	e.values = append(e.values, math.Abs(value))
}

func (e *deviations) most() string {
	if e.count == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g %%", slices.Max(e.values))
}

func (e *deviations) median() string {
	if e.count == 0 {
		return "-"
	}
	sorted := slices.Sorted(slices.Values(e.values))
	return fmt.Sprintf("%.2g %%", sorted[len(sorted)/2])
}

func (e *deviations) within(percent float64) int {
	n := 0
	for _, value := range e.values {
		if value <= percent {
			n++
		}
	}
	return n
}
