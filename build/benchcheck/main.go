package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"golang.org/x/perf/benchunit"
)

func main() {
	baseline := flag.String("baseline", "../bench/baseline/baseline.txt", "recorded benchmarks")
	flag.Parse()
	if err := checkFile(*baseline, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchcheck:", err)
		os.Exit(1)
	}
}

func checkFile(baseline string, input io.Reader, out io.Writer) error {
	file, err := os.Open(baseline)
	if err != nil {
		return fmt.Errorf("opening the recorded benchmarks: %w; `make bench-check REWRITE=1` records them", err)
	}
	defer file.Close()
	recorded, err := readMeasurements(file, baseline)
	if err != nil {
		return err
	}
	now, err := readMeasurements(input, "what was measured now")
	if err != nil {
		return err
	}
	return compareAll(recorded, now, out)
}

// compareAll prints every benchmark with its recorded mean and deviation, the limit that
// follows, and what it is now.
func compareAll(recorded, now *measurements, out io.Writer) error {
	sameMachine := recorded.cpu == now.cpu
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BENCHMARK\tUNIT\tRECORDED\tLIMIT\tNOW\tVERDICT")
	worse, missing, judged := 0, 0, 0
	for _, key := range recorded.order {
		if _, known := slack[key.unit]; !known {
			continue
		}
		before, verdict, present := spreadOf(recorded.samples[key]), "ok", "-"
		switch sample := now.samples[key]; {
		case sample == nil:
			missing++
			verdict = "GONE"
		case key.unit == "sec/op" && !sameMachine:
			verdict, present = "another CPU", formatSpread(spreadOf(sample), key.unit)
		default:
			judged++
			present = formatSpread(spreadOf(sample), key.unit)
			if hasWorsened(recorded.samples[key], sample, key.unit) {
				worse++
				verdict = "WORSE"
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", key.benchmark, key.unit, formatSpread(before, key.unit),
			formatValue(limitOf(before, key.unit), key.unit), present, verdict)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if !sameMachine {
		fmt.Fprintf(
			out,
			"times are not judged: they were recorded on %q, this is %q; `make bench-check REWRITE=1` records them here\n",
			recorded.cpu,
			now.cpu,
		)
	}
	switch {
	case worse > 0:
		return fmt.Errorf(
			"%d of %d figures are above their limits: find out why, or record them anew with `make bench-check REWRITE=1` and say why",
			worse,
			judged,
		)
	case missing > 0:
		return fmt.Errorf("%d recorded figures were not measured: record them anew with `make bench-check REWRITE=1`", missing)
	case judged == 0:
		return errors.New("nothing was judged: the recorded benchmarks have neither bytes nor allocations, and are of another CPU")
	}
	return nil
}

func formatSpread(s spread, unit string) string {
	return formatValue(s.mean, unit) + " ± " + formatValue(s.deviation, unit)
}

func formatValue(value float64, unit string) string {
	return benchunit.Scale(value, benchunit.ClassOf(unit))
}
