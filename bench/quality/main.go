package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/ashlar-dev/ashlar/bench/readme"
)

func main() {
	jobs := flag.Int("jobs", 20_000, "arrivals in each run")
	seeds := flag.Int("seeds", 5, "runs with different arrivals")
	file := flag.String("readme", "", "file between whose markers the tables are written")
	flag.Parse()
	if err := runBenchmark(*jobs, *seeds, *file); err != nil {
		fmt.Fprintln(os.Stderr, "quality:", err)
		os.Exit(1)
	}
}

func runBenchmark(jobs, seeds int, file string) error {
	var text strings.Builder
	if err := linkTable(&text, jobs, seeds); err != nil {
		return err
	}
	if err := migTable(&text, jobs, seeds); err != nil {
		return err
	}
	fmt.Print(text.String())
	if file == "" {
		return nil
	}
	return readme.Write(file, "go run ./bench/quality --readme docs/results/quality.md", text.String())
}
