package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/ashlar-dev/ashlar/bench/readme"
)

//go:embed testdata/measured.csv
var embeddedMeasurements string

func main() {
	file := flag.String("measured", "", "CSV of measurements instead of the built-in ones")
	page := flag.String("readme", "", "file between whose markers the table is written")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "trainingmemory: no arguments are taken, only flags: see -help")
		os.Exit(2)
	}
	if err := runComparison(os.Stdout, *file, *page); err != nil {
		fmt.Fprintln(os.Stderr, "trainingmemory:", err)
		os.Exit(1)
	}
}

// runComparison prints the comparison, and writes it into a page if one is named.
func runComparison(out io.Writer, file, page string) error {
	text := embeddedMeasurements
	if file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text = string(content)
	}
	measurements, err := readMeasurements(text)
	if err != nil {
		return err
	}
	results, err := compareAll(measurements)
	if err != nil {
		return err
	}
	if err := writeCSV(out, results); err != nil || page == "" {
		return err
	}
	return readme.Write(page, "go run ./bench/trainingmemory -readme docs/results/training-memory.md", markdownTable(results))
}
