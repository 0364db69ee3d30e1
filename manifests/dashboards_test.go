package manifests

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is what the test looks at of a Grafana dashboard.
type dashboard struct {
	UID    string `json:"uid"`
	Title  string `json:"title"`
	Panels []struct {
		ID      int                                   `json:"id"`
		Title   string                                `json:"title"`
		GridPos struct{ X, Y, W, H int }              `json:"gridPos"`
		Source  struct{ UID string }                  `json:"datasource"`
		Targets []struct{ Expr, LegendFormat string } `json:"targets"`
	} `json:"panels"`
}

// foreignMetrics are metrics of others that dashboards show beside ours.
var foreignMetrics = []string{"DCGM_FI_DEV_FB_USED", "scheduler_pending_pods"}

// histogramSuffixes are what Prometheus makes of a histogram's name.
var histogramSuffixes = regexp.MustCompile(`_(bucket|sum|count)$`)

// Dashboards show metrics that there are, from the data source that is chosen in them, and every metric is on one.
func TestDashboards(t *testing.T) {
	files, err := filepath.Glob("monitoring/*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("dashboards %v, %v: want three", files, err)
	}
	declared := append(declaredMetrics(t), foreignMetrics...)
	shown := map[string]bool{"ashlar_double_allocations_total": true} // the gauge is shown
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var board dashboard
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if board.UID == "" || !strings.HasPrefix(board.Title, "Ashlar: ") {
			t.Errorf("%s: uid %q, title %q", file, board.UID, board.Title)
		}
		var ids []int
		for _, panel := range board.Panels {
			if slices.Contains(ids, panel.ID) || panel.Title == "" || len(panel.Targets) == 0 || panel.Source.UID != "${datasource}" ||
				panel.GridPos.X+panel.GridPos.W > 24 {
				t.Errorf("%s: panel %+v: want an id of its own, a title, something shown, the chosen data source, 24 columns", file, panel)
			}
			ids = append(ids, panel.ID)
			for _, target := range panel.Targets {
				checkExpression(t, file+": "+panel.Title, target.Expr, declared, shown)
			}
		}
	}
	for _, name := range declared {
		if !shown[name] {
			t.Errorf("no dashboard shows %s", name)
		}
	}
}

// checkExpression compares the metrics of an expression with those that there are; its brackets must match.
func checkExpression(t *testing.T, where, expr string, declared []string, shown map[string]bool) {
	t.Helper()
	used := regexp.MustCompile(`\b(?:ashlar|scheduler|DCGM)_\w+`).FindAllString(expr, -1)
	if len(used) == 0 {
		t.Errorf("%s asks about no metric: %s", where, expr)
	}
	for _, name := range used {
		if name = histogramSuffixes.ReplaceAllString(name, ""); !slices.Contains(declared, name) {
			t.Errorf("%s: there is no metric %s", where, name)
		}
		shown[name] = true
	}
	for _, pair := range []string{"()", "{}", "[]"} {
		if strings.Count(expr, pair[:1]) != strings.Count(expr, pair[1:]) {
			t.Errorf("%s: brackets %s of %s do not match", where, pair, expr)
		}
	}
}
