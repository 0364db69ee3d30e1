package top

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/prometheus"
	"github.com/ashlar-dev/ashlar/plugins/clustermap"
)

// Promised stands beside used, by UUID; what nobody measures is not counted.
func TestUsageBesideHoldings(t *testing.T) {
	held := []clustermap.Holder{{Namespace: "team", Pod: "p", Form: clustermap.FormWhole}}
	report := &GPUReport{Map: clustermap.Map{Nodes: []clustermap.Node{{Name: "n", GPUs: []clustermap.GPU{
		{UUID: "GPU-idle", Memory: 80 << 30, Holders: held},
		{UUID: "GPU-busy", Memory: 80 << 30, FreeMemory: 60 << 30, Holders: held},
		{UUID: "GPU-unknown", Memory: 80 << 30, Holders: held},
		{UUID: "GPU-free", Memory: 80 << 30, FreeMemory: 80 << 30},
		{Memory: 80 << 30, Holders: held},
	}}}}}
	report.addUsage(map[string]prometheus.GPUUse{
		"GPU-idle": {UsedBytes: 1 << 30}, "GPU-busy": {UsedBytes: 18 << 30, Busy: 0.6}, "GPU-free": {UsedBytes: 0}, "": {UsedBytes: 1 << 40},
	})
	want := usedSum{Measured: 3, Idle: 1, PromisedBytes: 100 << 30, UsedBytes: 19 << 30}
	if *report.Used != want || report.UsedBy["n"] != want {
		t.Errorf("%+v and %+v, want %+v", *report.Used, report.UsedBy["n"], want)
	}
	var text bytes.Buffer
	p := cli.NewPage(&text)
	report.writeUsage(p, 0)
	for _, want := range []string{"n      3         1                 100GiB    19GiB", "in the last ten minutes: 1 GPU;"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

// Without the Prometheus top says what it knows.
func TestPrometheusAway(t *testing.T) {
	stdout, _, err := clitest.RunCommand(t, NewCommand(), "top", "--snapshot", "../whatif/testdata/whatif-cluster.json", "--prometheus",
		"http://127.0.0.1:1")
	if err != nil || !strings.Contains(stdout, "NODE AND MODEL") ||
		!strings.Contains(stdout, "note: what is used is not shown: the Prometheus at") {
		t.Errorf("%v\n%s", err, stdout)
	}
}
