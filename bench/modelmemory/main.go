package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ashlar-dev/ashlar/bench/readme"
)

func main() {
	models := flag.String("models", "", "CSV of models: architecture and published size")
	observations := flag.String("observations", "", "CSV of start-up logs")
	file := flag.String("readme", "", "file between whose markers the tables are written")
	flag.Parse()
	if *models == "" && *observations == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "modelmemory: name at least one of -models FILE and -observations FILE")
		os.Exit(2)
	}
	if err := runBenchmark(os.Stdout, *models, *observations, *file); err != nil {
		fmt.Fprintln(os.Stderr, "modelmemory:", err)
		os.Exit(1)
	}
}

func runBenchmark(out io.Writer, modelFile, observationFile, readmeFile string) error {
	modelRows, err := readTable(modelFile)
	if err != nil {
		return err
	}
	observationRows, err := readTable(observationFile)
	if err != nil {
		return err
	}
	library := newLibrary(modelRows)
	weights := judgeModels(library)
	starts := judgeObservations(library, observationRows)
	for _, t := range []*resultTable{weights, starts} {
		if len(t.rows) > 0 {
			if err := t.writeCSV(out); err != nil {
				return err
			}
		}
	}
	if readmeFile == "" {
		return nil
	}
	var text strings.Builder
	text.WriteString(writeSummary(weights, starts))
	text.WriteString("Start-up logs of vLLM behind each group of releases that count alike and each kind of model:\n\n")
	countEvidence(starts).writeMarkdown(&text, evidenceColumns...)
	text.WriteString("\n<details><summary>all models</summary>\n\n")
	weights.writeMarkdown(&text, "model", "predicted_weight_bytes", "published_weight_bytes", "weight_error_pct",
		"predicted_kv_bytes_per_token", "because")
	text.WriteString("\n</details>\n\n<details><summary>all start-up logs</summary>\n\n")
	starts.writeMarkdown(&text, "id", "model", "gpu", "version", "predicted_weights_gib", "logged_weights_gib", "predicted_kv_gib",
		"logged_kv_gib", "kv_error_pct", "tokens_error_pct", "predicted_outcome", "logged_outcome", "because")
	text.WriteString("\n</details>\n")
	return readme.Write(readmeFile,
		"go run ./bench/modelmemory -models MODELS.csv -observations OBSERVATIONS.csv -readme docs/results/model-memory.md", text.String())
}
