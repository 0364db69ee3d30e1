package main

import (
	"fmt"
	"math"
	"strconv"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// judgeModels compares counted weights and KV bytes per token with published ones.
func judgeModels(l *modelLibrary) *resultTable {
	t := &resultTable{columns: []string{"model", "from", "predicted_weight_bytes", "published_weight_bytes", "weight_error_pct",
		"predicted_kv_bytes_per_token", "published_kv_bytes_per_token", "quantised", "because"}}
	for i, in := range l.rows {
		out := csvRow{
			"model":                        in["model"],
			"published_weight_bytes":       in["weight_bytes"],
			"published_kv_bytes_per_token": in["kv_bytes_per_token_16bit_full_layers"],
		}
		t.rows = append(t.rows, out)
		b := l.built[i] // the row's own, whatever others of its name are
		if b.err != nil {
			out["because"] = "unknown: " + b.err.Error()
			continue
		}
		if b.assumed != "" {
			out["because"] = "assumed: " + b.assumed
		}
		out["from"], out["quantised"] = b.from, b.model.Quantisation
		stored := int64(b.model.Stored())
		out["predicted_weight_bytes"] = strconv.FormatInt(stored, 10)
		if published := in.numberAt("weight_bytes"); published > 0 {
			out["weight_error_pct"] = fmt.Sprintf("%.3f", 100*(float64(stored)-published)/published)
		}
		server, err := memory.NewServer(b.model, memory.Launch{})
		if err != nil {
			out["because"] = err.Error()
			continue
		}
		if perToken := server.KVPerToken(); perToken > 0 {
			out["predicted_kv_bytes_per_token"] = strconv.FormatInt(int64(perToken), 10)
		}
	}
	return t
}

func percentOff(predicted, actual float64) string {
	if actual == 0 || math.IsNaN(predicted) {
		return ""
	}
	return fmt.Sprintf("%.2f", 100*(predicted-actual)/actual)
}
