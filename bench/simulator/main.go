package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/bench/readme"
)

// benchmarkFlags say what is run and where the answer goes.
type benchmarkFlags struct {
	sizes, mixed, baselineSizes, baseline, readme, play string
	hours                                               int
}

func main() {
	var flags benchmarkFlags
	flag.StringVar(&flags.sizes, "sizes", "100,400,2000,10000", "nodes of the MIG mix in each run")
	flag.StringVar(&flags.mixed, "mixed", "2000,10000", "nodes of the mix of MIG, shares and gangs in each run")
	flag.StringVar(&flags.baselineSizes, "baseline-sizes", "100,400,2000", "nodes in each run of the baseline")
	flag.StringVar(&flags.baseline, "baseline", "",
		"CLI to compare with; default: "+baselineCommit+", built from the repository; none for no comparison")
	flag.IntVar(&flags.hours, "hours", 12, "simulated hours of the MIG mix")
	flag.StringVar(&flags.readme, "readme", "", "file between whose markers the tables are written")
	flag.StringVar(&flags.play, "play", "", "run this scenario and say how many jobs there were: what is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := flags.runBenchmark(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

func (f *benchmarkFlags) runBenchmark(ctx context.Context) error {
	if f.play != "" {
		return playScenario(ctx, f.play)
	}
	if f.hours < 1 || f.hours > 240 {
		return fmt.Errorf("-hours %d: want 1 to 240", f.hours)
	}
	sizes, err := parseSizes(f.sizes)
	mixed, errMixed := parseSizes(f.mixed)
	baselineSizes, errBaseline := parseSizes(f.baselineSizes)
	if err := errors.Join(err, errMixed, errBaseline); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "bench-simulator")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	now := benchmarkRunner{name: "now", heading: heading, command: func(file string) []string { return []string{self, "-play", file} }}
	report := &benchmarkReport{hours: f.hours}
	if err := report.measureSizes(ctx, folder, now, migMix, sizes); err != nil {
		return err
	}
	if err := report.measureSizes(ctx, folder, now, mixedJobs, mixed); err != nil {
		return err
	}
	if f.baseline != "none" && len(baselineSizes) > 0 {
		binary := f.baseline
		if binary == "" {
			if binary, err = buildBaseline(ctx, folder); err != nil {
				return err
			}
		}
		// Files had no heading at that commit.
		before := benchmarkRunner{name: baselineCommit, command: func(file string) []string {
			return []string{binary, "simulate", file, "-o", "csv"}
		}}
		if err := report.measureSizes(ctx, folder, before, migMix, baselineSizes); err != nil {
			return err
		}
	}
	text := report.formatTables()
	fmt.Print(text)
	if f.readme == "" {
		return nil
	}
	return readme.Write(f.readme, "go run ./bench/simulator --readme docs/results/simulator.md", text)
}

// parseSizes reads numbers of nodes with commas between them.
func parseSizes(text string) ([]int, error) {
	var sizes []int
	for _, word := range strings.Split(text, ",") {
		if word == "" {
			continue
		}
		size, err := strconv.Atoi(word)
		if err != nil || size < 1 {
			return nil, fmt.Errorf("%q is no number of nodes: want numbers from 1 with commas between them", word)
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}
