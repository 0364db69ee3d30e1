package manifests

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// alertRules is what the test looks at of rules.yaml.
type alertRules struct {
	Spec struct {
		Groups []struct {
			Rules []struct {
				Alert       string            `json:"alert"`
				Expr        string            `json:"expr"`
				For         string            `json:"for"`
				Labels      map[string]string `json:"labels"`
				Annotations map[string]string `json:"annotations"`
			} `json:"rules"`
		} `json:"groups"`
	} `json:"spec"`
}

// Each alert has its line in docs/alerts.md, and the page has no other.
func TestAlertsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("monitoring/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rules alertRules
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, alerts []string
	for _, match := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, match[1])
	}
	for _, group := range rules.Spec.Groups {
		for _, rule := range group.Rules {
			alerts = append(alerts, rule.Alert)
			if rule.Expr == "" || rule.For == "" || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" {
				t.Errorf("%s: %+v, want expr, for, a severity and a summary", rule.Alert, rule)
			}
		}
	}
	slices.Sort(alerts)
	slices.Sort(documented)
	if len(alerts) == 0 || !slices.Equal(alerts, documented) {
		t.Errorf("alerts %s, documented are %s", strings.Join(alerts, ", "), strings.Join(documented, ", "))
	}
}

// declaredMetrics are the metrics that the scheduler and the driver declare in their source.
func declaredMetrics(t *testing.T) []string {
	t.Helper()
	var names []string
	for file, subsystem := range map[string]string{
		"../plugins/metrics/metrics.go": "ashlar_", "../plugins/metrics/usage.go": "",
		"../plugins/metrics/pending.go": "", "../plugins/metrics/gangs.go": "", "../plugins/metrics/forecast.go": "",
		"../dra/health/metrics.go":     "ashlar_driver_",
		"../dra/nodedriver/metrics.go": "ashlar_driver_",
	} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		declared := regexp.MustCompile(`(?:NewDesc\(|\bName:\s+)"(\w+)"`).FindAllStringSubmatch(string(source), -1)
		if len(declared) == 0 {
			t.Errorf("%s declares no metric", file)
		}
		for _, match := range declared {
			names = append(names, subsystem+match[1])
		}
	}
	return names
}

// Alerts are about metrics that there are.
func TestAlertsKnowTheirMetrics(t *testing.T) {
	text, err := os.ReadFile("monitoring/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rules alertRules
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	declared := declaredMetrics(t)
	for _, group := range rules.Spec.Groups {
		for _, rule := range group.Rules {
			used := regexp.MustCompile(`\bashlar_\w+`).FindAllString(rule.Expr, -1)
			if len(used) == 0 {
				t.Errorf("%s asks about no metric of ours: %s", rule.Alert, rule.Expr)
			}
			for _, name := range used {
				if !slices.Contains(declared, name) {
					t.Errorf("%s: there is no metric %s", rule.Alert, name)
				}
			}
		}
	}
}
