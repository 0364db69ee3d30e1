package docs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"sigs.k8s.io/yaml"
)

// monitoring has the rules and dashboards.
const monitoring = "../../manifests/monitoring"

// foreignMetrics are those of others that rules and dashboards name, with who serves them.
var foreignMetrics = map[string]string{
	"DCGM_FI_DEV_FB_USED":    "DCGM exporter, in its default set: memory in use, MiB",
	"scheduler_pending_pods": "kube-scheduler, in ours too",
}

// promFunctions are the functions of PromQL that are used; the parser knows more, which Prometheus
// does not.
var promFunctions = []string{"absent", "histogram_quantile", "increase", "max", "rate", "sum"}

// query is an expression of a rule or of a panel.
type query struct{ where, text string }

// alertRule is a rule of a PrometheusRule.
type alertRule struct {
	Alert, Expr, For string
	Labels           map[string]string
	Annotations      map[string]string
}

func readAlerts(t *testing.T) []alertRule {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(monitoring, "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Spec struct {
			Groups []struct{ Rules []alertRule }
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	var all []alertRule
	for _, group := range rules.Spec.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

// listQueries are those of all rules and dashboards.
func listQueries(t *testing.T) []query {
	t.Helper()
	var all []query
	for _, rule := range readAlerts(t) {
		all = append(all, query{"alert " + rule.Alert, rule.Expr})
	}
	files, err := filepath.Glob(filepath.Join(monitoring, "*.json"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d dashboards, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(text, &dashboard); err != nil {
			t.Fatal(err)
		}
		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				all = append(all, query{filepath.Base(file) + ", " + panel.Title, target.Expr})
			}
		}
	}
	return all
}

// faultsOf is what is wrong with a query: it cannot be parsed, Prometheus does not know a function, or
// a metric is nobody's.
func faultsOf(text string, known func(metric string) bool) []string {
	// Grafana puts a duration in its place.
	expression, err := metricsql.Parse(strings.ReplaceAll(text, "$__rate_interval", "5m"))
	if err != nil {
		return []string{err.Error()}
	}
	var faults []string
	metrics := 0
	checkFunction := func(name string) {
		if !slices.Contains(promFunctions, name) {
			faults = append(faults, name+" is not among the functions of PromQL that are used")
		}
	}
	metricsql.VisitAll(expression, func(part metricsql.Expr) {
		switch part := part.(type) {
		case *metricsql.FuncExpr:
			checkFunction(part.Name)
		case *metricsql.AggrFuncExpr:
			checkFunction(part.Name)
		case *metricsql.MetricExpr:
			for _, filters := range part.LabelFilterss {
				if len(filters) == 0 || filters[0].Label != "__name__" {
					faults = append(faults, "a selector names no metric")
					continue
				}
				metrics++
				if name := filters[0].Value; !known(name) {
					faults = append(faults, "nobody serves "+name)
				}
			}
		}
	})
	if metrics == 0 {
		faults = append(faults, "it asks for no metric")
	}
	return faults
}

// servedMetrics tells whether a metric is ours, as docs/metrics.md lists them, or of those that are
// known of others.
func servedMetrics(t *testing.T) func(string) bool {
	ours := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| \\S+ \\| `(\\w+)` \\| (\\w+) ").FindAllStringSubmatch(metricTable(t), -1) {
		ours[row[1]] = true
		if row[2] == "histogram" {
			for _, part := range []string{"_bucket", "_count", "_sum"} {
				ours[row[1]+part] = true
			}
		}
	}
	return func(metric string) bool { return ours[metric] || foreignMetrics[metric] != "" }
}

// Every query of a rule or dashboard is PromQL, about metrics that somebody serves.
func TestQueriesAreAnswered(t *testing.T) {
	known := servedMetrics(t)
	queries := listQueries(t)
	if len(queries) < 30 {
		t.Fatalf("%d queries found, want all that there are", len(queries))
	}
	for _, q := range queries {
		for _, fault := range faultsOf(q.text, known) {
			t.Errorf("%s: %s\n%s", q.where, fault, q.text)
		}
	}
	all := ""
	for _, q := range queries {
		all += q.text + "\n"
	}
	for metric := range foreignMetrics {
		if !strings.Contains(all, metric) {
			t.Errorf("%s is used no more: take it out of foreignMetrics", metric)
		}
	}
}

// The check must be able to fail.
func TestQueryFaults(t *testing.T) {
	known := servedMetrics(t)
	for name, tc := range map[string]struct{ text, want string }{
		"fine":               {`max by (cause) (ashlar_pending_pods{cause!~"Gated"}) > 0`, ""},
		"a histogram":        {`histogram_quantile(0.5, sum by (le) (rate(ashlar_decision_duration_seconds_bucket[$__rate_interval])))`, ""},
		"not closed":         {`sum(rate(ashlar_pending_pods[5m])`, "unparsed data"},
		"another's function": {`sum(rollup_rate(ashlar_pending_pods[5m]))`, "rollup_rate is not among the functions"},
		"another's aggregate": {
			`mode(ashlar_pending_pods)`, "mode is not among the functions",
		},
		"no such metric": {`max(ashlar_pending_podz)`, "nobody serves ashlar_pending_podz"},
		"no name":        {`sum({job="x"})`, "names no metric"},
		"no metric":      {`1 + 2`, "asks for no metric"},
	} {
		faults := strings.Join(faultsOf(tc.text, known), "; ")
		if tc.want == "" && faults != "" || !strings.Contains(faults, tc.want) {
			t.Errorf("%s: got %q, want %q", name, faults, tc.want)
		}
	}
}

// Each alert says what to do about it, and how urgent it is, and what it says names labels that it has.
func TestAlertsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(Ashlar\\w+)` \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = true
	}
	for _, rule := range readAlerts(t) {
		if !documented[rule.Alert] {
			t.Errorf("docs/alerts.md has no line on %s", rule.Alert)
		}
		delete(documented, rule.Alert)
		if !slices.Contains([]string{"critical", "warning", "info"}, rule.Labels["severity"]) {
			t.Errorf("%s: severity %q", rule.Alert, rule.Labels["severity"])
		}
		for _, label := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(rule.Annotations["summary"], -1) {
			grouped := false
			for _, by := range regexp.MustCompile(`by \(([^)]*)\)`).FindAllStringSubmatch(rule.Expr, -1) {
				grouped = grouped || slices.Contains(strings.Split(strings.ReplaceAll(by[1], " ", ""), ","), label[1])
			}
			if !grouped {
				t.Errorf("%s: its summary names label %s, which %s leaves out", rule.Alert, label[1], rule.Expr)
			}
		}
	}
	for name := range documented {
		t.Errorf("docs/alerts.md has a line on %s, which is no alert", name)
	}
}
