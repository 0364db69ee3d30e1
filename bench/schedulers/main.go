package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
	"github.com/ashlar-dev/ashlar/test/cluster"
)

// usageText stands before the flags in --help.
const usageText = `Binds the same pods with kube-scheduler ` + cluster.KubernetesVersion + ` and with ashlar-scheduler, and prints what each
reached. On two cores that do nothing else all of it takes 35 to 40 minutes, and 14 GiB of memory; --sizes 500x160 takes
12 minutes, and 6 with --forms "". A size is NODESxDEVICES: nodes of 160 devices are DGX H100, nodes of 16 have
eight L40S. With --sizes, --in-process or --gang only those of the three that are given are measured.

`

func main() {
	if len(os.Args) == 2 && os.Args[1] == inProcessArgument {
		exitOn(runInProcessChild(context.Background()))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	options, err := parseOptions(os.Args[1:])
	if err == nil {
		err = runBenchmark(ctx, options)
	}
	exitOn(err)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "schedulers:", err)
		os.Exit(1)
	}
}

// parseOptions reads the command line. --help ends the program.
func parseOptions(arguments []string) (*benchmarkOptions, error) {
	flags := flag.NewFlagSet("schedulers", flag.ExitOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usageText)
		flags.PrintDefaults()
	}
	var words optionWords
	flags.StringVar(&words.sizes, "sizes", "500x160,2000x160,500x16,5000x16", "clusters with a real control plane each")
	flags.StringVar(&words.inProcess, "in-process", "500x160,5000x160", "clusters in this process alone")
	flags.StringVar(&words.gang, "gang", "1000x160", "cluster for one gang")
	flags.StringVar(&words.forms, "forms", workload.OtherFormNames(),
		"other forms of requests, at the first of the sizes if its nodes have 160 devices")
	options := &benchmarkOptions{}
	flags.IntVar(&options.pods, "pods", 1000, "pods of each measurement, at most one for every second GPU")
	flags.IntVar(&options.rounds, "rounds", 3, "how often the first of the sizes is measured, in turn; the others are once")
	flags.DurationVar(&options.limit, "limit", 40*time.Second,
		"how long a scheduler may take from the first pod that it binds; it is then stopped and rated by what it has bound")
	flags.IntVar(&options.gangPods, "gang-pods", 512, "pods of the gang")
	flags.StringVar(&options.against, "against", "",
		"measure an earlier stock scheduler, "+cluster.EarlierKubernetesVersion+", on a control plane of its version, and nothing else")
	flags.BoolVar(&options.devicePlugin, "device-plugin", false,
		"measure on nodes whose GPUs a device plugin hands out, with pods with and without GPUs, and nothing else")
	flags.IntVar(&options.pluginNodes, "device-plugin-nodes", 1000, "nodes with --device-plugin, each of 8 GPUs")
	flags.IntVar(&options.pluginPods, "device-plugin-pods", 1200, "pods of each kind with --device-plugin")
	flags.StringVar(&words.output, "o", "table", "table or json")
	flags.StringVar(&options.from, "from", "", "file that -o json wrote: print it anew instead of measuring")
	flags.StringVar(&options.readme, "readme", "", "file between whose markers the tables are written, too")
	flags.StringVar(&options.headline, "headline", "", "file between whose markers the first sentence is written, too")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return options, options.readWords(words, given, flags.Args())
}
