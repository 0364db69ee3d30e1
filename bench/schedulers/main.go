package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var size benchmarkSize
	flag.IntVar(&size.nodes, "nodes", 500, "nodes, each a DGX H100 of 160 devices")
	flag.IntVar(&size.stockPods, "stock-pods", 300, "pods for the stock scheduler")
	flag.IntVar(&size.ashlarPods, "ashlar-pods", 300, "pods for Ashlar")
	devicePlugin := flag.Bool("device-plugin", false, "measure on nodes whose GPUs a device plugin hands out, with pods with and without GPUs")
	flag.IntVar(&size.pluginNodes, "device-plugin-nodes", 1000, "nodes with --device-plugin, each of 8 GPUs")
	flag.IntVar(&size.pluginPods, "device-plugin-pods", 2000, "pods of each kind with --device-plugin")
	readme := flag.String("readme", "", "file between whose markers the table is written")
	flag.Parse()
	if err := runBenchmark(ctx, size, *devicePlugin, *readme); err != nil {
		fmt.Fprintln(os.Stderr, "schedulers:", err)
		os.Exit(1)
	}
}
