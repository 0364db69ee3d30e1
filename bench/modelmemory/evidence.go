package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var evidenceColumns = []string{"releases", "kind", "logs", "outcomes as predicted", "said to start and failed", "kv compared",
	"kv worst less in GiB"}

// evidenceRow is what the logs of one kind of model and of releases that count alike show.
type evidenceRow struct {
	releases, kind                    string
	logs, agree, judged, failed, kept int
	// worst is by how much less than estimated was left for the KV cache in the worst of them, in GiB.
	worst float64
}

// countEvidence says how many logs of which kind stand behind each group of releases.
func countEvidence(starts *resultTable) *resultTable {
	var rows []*evidenceRow
	for _, r := range starts.rows {
		if r["releases"] == "" || r["kind"] == "" {
			continue
		}
		at := slices.IndexFunc(rows, func(e *evidenceRow) bool { return e.releases == r["releases"] && e.kind == r["kind"] })
		if at < 0 {
			rows = append(rows, &evidenceRow{releases: r["releases"], kind: r["kind"]})
			at = len(rows) - 1
		}
		rows[at].addLog(r)
	}
	slices.SortFunc(rows, func(a, b *evidenceRow) int {
		return strings.Compare(a.releases+a.kind, b.releases+b.kind)
	})
	t := &resultTable{columns: evidenceColumns}
	for _, e := range rows {
		worst := ""
		if e.kept > 0 {
			worst = fmt.Sprintf("%.2f", e.worst)
		}
		t.rows = append(t.rows, csvRow{
			"releases": e.releases, "kind": e.kind, "logs": strconv.Itoa(e.logs),
			"outcomes as predicted":    fmt.Sprintf("%d of %d", e.agree, e.judged),
			"said to start and failed": strconv.Itoa(e.failed), "kv compared": strconv.Itoa(e.kept), "kv worst less in GiB": worst,
		})
	}
	return t
}

func (e *evidenceRow) addLog(r csvRow) {
	e.logs++
	if r["agrees"] != "" {
		e.judged++
		if r["agrees"] == "true" {
			e.agree++
		}
	}
	if r.isFalseStart() {
		e.failed++
	}
	if off, err := strconv.ParseFloat(r["kv_error_gib"], 64); err == nil && !strings.HasPrefix(r["because"], "unknown") {
		e.kept++
		e.worst = max(e.worst, off)
	}
}

// isFalseStart reports whether a server was said to start and failed.
func (r csvRow) isFalseStart() bool {
	return r["agrees"] == "false" && r["predicted_outcome"] == "ok"
}
