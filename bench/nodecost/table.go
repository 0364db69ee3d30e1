package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// processColumns are the processes of the table, with the names of test/cluster.
var processColumns = []string{"kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler", ashlarScheduler}

// drawTable is what was measured, as Markdown.
func drawTable(costs []nodeCost, nodes int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "A DGX H100, by what is published of it; Kubernetes %s, %s. Memory is what %d nodes more add to a process at rest, "+
		"with\nits collector at GOGC=10, divided by them.\n\n", cluster.KubernetesVersion, time.Now().Format("2006-01-02"), nodes)
	header := []string{"KiB per node, by `--forms`", "devices", "JSON", "protobuf", "etcd's file"}
	header = append(header, processColumns...)
	writeRow(&text, header)
	text.WriteString("| ---" + strings.Repeat(" | ---:", len(header)-1) + " |\n")
	for _, cost := range costs {
		cells := []string{
			describeForms(cost.forms), strconv.Itoa(cost.devices),
			formatKiB(int64(cost.json)), formatKiB(int64(cost.protobuf)), formatKiB(cost.stored),
		}
		for _, name := range processColumns {
			cells = append(cells, formatKiB(cost.memory[name]))
		}
		writeRow(&text, cells)
	}
	return text.String()
}

func writeRow(text *strings.Builder, cells []string) {
	text.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// describeForms is `whole,share`, as the driver's flag has it.
func describeForms(forms []string) string {
	if len(forms) == 0 {
		return "no slices"
	}
	return "`" + strings.Join(forms, ",") + "`"
}

// formatKiB rounds to whole KiB. A node that costs less than what a process changes by itself may seem to
// cost less than nothing.
func formatKiB(bytes int64) string { return strconv.FormatInt((max(bytes, 0)+512)>>10, 10) }
