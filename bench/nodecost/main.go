package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ashlar-dev/ashlar/bench/readme"
	"github.com/ashlar-dev/ashlar/test/cluster"
)

func main() {
	nodes := flag.Int("nodes", 200, "nodes between the first weighing and the second, and before the first")
	document := flag.String("document", "", "file between whose markers the table is written, too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := runBenchmark(ctx, *nodes, *document); err != nil {
		fmt.Fprintln(os.Stderr, "nodecost:", err)
		os.Exit(1)
	}
}

func runBenchmark(ctx context.Context, nodes int, document string) error {
	if nodes < 1 || nodes > 2000 || flag.NArg() > 0 {
		return fmt.Errorf("--nodes %d: want 1 to 2000, and nothing behind the flags", nodes)
	}
	// What the control plane's processes inherit.
	if err := os.Setenv("GOGC", "10"); err != nil {
		return err
	}
	start := time.Now()
	say := func(what string) { fmt.Fprintf(os.Stderr, "[%5.1fs] %s\n", time.Since(start).Seconds(), what) }
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return err
	}
	if err := binaries.Ensure(ctx, say, ashlarScheduler); err != nil {
		return err
	}
	var costs []nodeCost
	for _, forms := range formChoices {
		cost, err := measureForms(ctx, binaries, forms, nodes, say)
		if err != nil {
			return fmt.Errorf("nodes that publish %s: %w", describeForms(forms), err)
		}
		costs = append(costs, cost)
	}
	table := drawTable(costs, nodes)
	fmt.Println(table)
	if document == "" {
		return nil
	}
	return readme.Write(document, "go run ./bench/nodecost --document docs/sizing.md", table)
}
