package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ashlar-dev/ashlar/bench/readme"
)

// benchmarkFlags say what is run and where the answer goes.
type benchmarkFlags struct{ traces, expected, bounds, readme string }

func main() {
	var flags benchmarkFlags
	flag.StringVar(&flags.traces, "traces", "", "folder with the node list and the pod lists; default: the small generated trace")
	flag.StringVar(&flags.expected, "expected", "", "published results by seed; default: FGD is run here")
	flag.StringVar(&flags.bounds, "bounds", "", "upper bounds by linear programming; default: bounds.csv beside -expected, if there is one")
	flag.StringVar(&flags.readme, "readme", "", "file between whose markers the tables of the public trace are written")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := flags.runBenchmark(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "openb:", err)
		os.Exit(1)
	}
}

// readmeCommand is how the tables of docs/results/openb.md are written.
const readmeCommand = "go run ./bench/openb -traces FOLDER -expected FILE -readme docs/results/openb.md"

func (f *benchmarkFlags) runBenchmark(ctx context.Context) error {
	if f.readme != "" && (f.traces == "" || f.expected == "") {
		return errors.New(
			"-readme: the figures of docs/results/openb.md are of the public trace next to FGD as published: give -traces and -expected too",
		)
	}
	t, err := readTraces(f.traces)
	if err != nil {
		return err
	}
	fmt.Printf("%s\n\n", t.about)
	fgd, err := f.readReference(ctx, t)
	if err != nil {
		return err
	}
	var text strings.Builder
	// Speed first: it reports the most memory that the process ever held.
	speed, err := speedTable(ctx, t, fgd)
	if err != nil {
		return err
	}
	if err := qualityTable(ctx, &text, t, fgd); err != nil {
		return err
	}
	fmt.Fprintf(&text, "\n%s\n%d cores, %s\n", speed, runtime.NumCPU(), runtime.Version())
	fmt.Print(text.String())
	if f.readme == "" {
		return nil
	}
	return readme.Write(f.readme, readmeCommand, text.String())
}

// readReference is FGD's results, published or our own, with what bounds are known.
func (f *benchmarkFlags) readReference(ctx context.Context, t *traceSet) (*fgdReference, error) {
	boundsFile := f.bounds
	if boundsFile == "" && f.expected != "" {
		boundsFile = filepath.Join(filepath.Dir(f.expected), "bounds.csv")
	}
	bounds, err := readBounds(boundsFile)
	if err != nil {
		return nil, err
	}
	reference := &fgdReference{bounds: bounds, published: f.expected != ""}
	if reference.published {
		reference.results, err = readPublished(f.expected)
	} else {
		reference.results, err = runFGD(ctx, t)
	}
	return reference, err
}
