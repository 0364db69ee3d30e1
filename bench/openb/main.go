// Command openb repeats the published experiments on Alibaba's trace openb with the
// default policy, and compares them with what was published for FGD, seed by seed.
//
//	go run ./bench/openb                     # prints the tables
//	go run ./bench/openb --readme README.md  # also writes them there
//
// The trace and what was published lie beside the repository; flags say where else.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ashlar-dev/ashlar/bench/readme"
)

func main() {
	traces := flag.String("traces", filepath.Join("..", "shared", "traces", "openb"), "folder with the node list and the pod lists")
	expected := flag.String("expected", filepath.Join("..", "shared", "data", "openb", "expected_per_seed.csv"), "published results by seed")
	bounds := flag.String("bounds", "", "upper bounds by linear programming; default: bounds.csv beside -expected, if there is one")
	file := flag.String("readme", "", "file between whose markers the tables are written")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *bounds == "" {
		*bounds = filepath.Join(filepath.Dir(*expected), "bounds.csv")
	}
	if err := run(ctx, *traces, *expected, *bounds, *file); err != nil {
		fmt.Fprintln(os.Stderr, "openb:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, folder, expected, bounds, file string) error {
	t, err := readTraces(folder)
	if err != nil {
		return err
	}
	p, err := readPublished(expected)
	if err != nil {
		return err
	}
	b, err := readBounds(bounds)
	if err != nil {
		return err
	}
	var text strings.Builder
	// Speed first: it reports the most memory that the process ever held.
	speed, err := speedTable(ctx, t, p)
	if err != nil {
		return err
	}
	if err := qualityTable(ctx, &text, t, p, b); err != nil {
		return err
	}
	fmt.Fprintf(&text, "\n%s\n%d cores, %s\n", speed, runtime.NumCPU(), runtime.Version())
	fmt.Print(text.String())
	if file == "" {
		return nil
	}
	return readme.Write(file, "go run ./bench/openb --readme README.md", text.String())
}
