package machines

import (
	"errors"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/capture"
)

// importFlags are the flags of topology import.
type importFlags struct {
	CatalogueFlags
	topo, query, lgip, lgipp string
	gpu, compute, p2p        string
	lane                     int64
	numa                     []int64
	description, source      string
	folder                   string
	force                    bool
}

func newImportCommand() *cobra.Command {
	var flags importFlags
	command := &cobra.Command{
		Use:   "import NAME --topo FILE --query FILE",
		Short: "Make a machine type of what nvidia-smi printed",
		Long: `Reads what these commands printed on a machine, and writes the machine in the
catalogue's text form:

  nvidia-smi topo -m > topo.txt       --topo
  nvidia-smi -q > query.txt           --query
  nvidia-smi mig -lgip > lgip.txt     --lgip, for a GPU that the catalogue lacks
  nvidia-smi mig -lgipp > lgipp.txt   --lgipp, likewise

For --query the table of nvidia-smi alone will do where the catalogue knows the GPU.
Copies from terminals, logs and mail will do. GPUs are known by their product name,
with or without "NVIDIA", "Tesla" and "GeForce", or by their PCI device id; --gpu takes
a product name too. What can be read in two ways is refused with its line.

For a GPU that the catalogue does not know, a virtual one for instance, it also writes
the GPU model and MIG table. What no capture shows is asked for, never guessed. The other topology
commands use the result with --machine-file.`,
		Example: `  ashlar topology import my-box --topo topo.txt --query query.txt > my-box.txt
  ashlar topology show my-box --machine-file my-box.txt`,
		Args:              cli.OneArgument("NAME"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			captured, err := flags.readCaptures(args[0])
			if err != nil {
				return err
			}
			p := cli.NewPage(cmd.ErrOrStderr())
			for _, note := range captured.Notes {
				p.Printf("note: %s\n", note)
			}
			if flags.folder == "" {
				return errors.Join(p.Err(), writeStream(cmd.OutOrStdout(), captured.Files))
			}
			names, err := writeFolder(flags.folder, captured.Files, flags.force)
			for _, name := range names {
				p.Printf("wrote %s\n", name)
			}
			return errors.Join(err, p.Err())
		},
	}
	set := command.Flags()
	set.StringVar(&flags.topo, "topo", "", "`FILE` with the output of nvidia-smi topo -m")
	set.StringVar(&flags.query, "query", "", "`FILE` with the output of nvidia-smi -q")
	set.StringVar(&flags.lgip, "lgip", "", "`FILE` with the output of nvidia-smi mig -lgip")
	set.StringVar(&flags.lgipp, "lgipp", "", "`FILE` with the output of nvidia-smi mig -lgipp")
	set.StringVar(&flags.gpu, "gpu", "", "`MODEL` of the GPUs, instead of --query or where it lacks the product name")
	set.StringVar(&flags.compute, "compute-capability", "", "CUDA compute capability of an unknown GPU, for example 9.0")
	set.Int64Var(&flags.lane, "lane-bandwidth", 0, "bandwidth of one NVLink of an unknown GPU, in `GB/s` per direction")
	set.StringVar(&flags.p2p, "p2p", "", "whether an unknown GPU may copy to others over PCIe: yes or no")
	set.Int64SliceVar(&flags.numa, "numa", nil, "NUMA node of each GPU where the capture shows none, -1 for unknown: 0,0,1,1")
	set.StringVar(&flags.description, "description", "", "what the machine is, in one line")
	set.StringVar(&flags.source, "source", "captures given to ashlar topology import", "where the captures come from, in one line")
	set.StringVarP(&flags.folder, "output", "o", "", "write files below `DIR` instead of to standard output")
	set.BoolVar(&flags.force, "force", false, "overwrite files in DIR")
	cli.CompleteFlag(command, "gpu", func() []string {
		var names []string
		if c, err := flags.LoadCatalogue(); err == nil {
			for _, model := range c.Models() {
				names = append(names, model.Name)
			}
		}
		return names
	})
	cli.CompleteFlag(command, "p2p", func() []string { return []string{"yes", "no"} })
	flags.AddTo(command)
	return command
}

var computeCapability = regexp.MustCompile(`^([1-9][0-9]?)\.([0-9])$`)

// readCaptures parses the captures and checks that the catalogue reads the result back as
// the same machine.
func (f *importFlags) readCaptures(name string) (*capture.Captured, error) {
	facts := capture.Facts{LaneGBps: f.lane, P2P: f.p2p, NUMA: f.numa, Description: f.description, Source: f.source}
	switch {
	case f.topo == "":
		return nil, cli.UsageErrorf("--topo is missing: give it the output of nvidia-smi topo -m")
	case f.query == "" && f.gpu == "":
		return nil, cli.UsageErrorf("--query is missing: give it the output of nvidia-smi -q, or name the GPUs with --gpu")
	case f.p2p != "" && f.p2p != "yes" && f.p2p != "no":
		return nil, cli.UsageErrorf("--p2p %q: want yes or no", f.p2p)
	case f.lane < 0 || f.lane > 1000: // NVLink 5 has 50 GB/s
		return nil, cli.UsageErrorf("--lane-bandwidth %d: want GB/s of one NVLink per direction, for example 25", f.lane)
	case f.force && f.folder == "":
		return nil, cli.UsageErrorf("--force overwrites files in the folder of -o, which is missing")
	}
	if f.compute != "" {
		match := computeCapability.FindStringSubmatch(f.compute)
		if match == nil {
			return nil, cli.UsageErrorf("--compute-capability %q: want one like 9.0", f.compute)
		}
		major, _ := strconv.ParseInt(match[1], 10, 64) // at most two digits
		minor, _ := strconv.ParseInt(match[2], 10, 64)
		facts.Compute = &topology.ComputeCapability{Major: major, Minor: minor}
	}
	c, err := f.LoadCatalogue()
	if err != nil {
		return nil, err
	}
	facts.Models = c.Models()
	if f.gpu != "" {
		if facts.GPU, err = c.ModelByName(f.gpu); err != nil {
			return nil, cli.MistakenInput(err)
		}
	}
	var texts capture.Texts
	for _, text := range []struct {
		file string
		into *capture.Text
	}{{f.topo, &texts.Topology}, {f.query, &texts.Query}, {f.lgip, &texts.Profiles}, {f.lgipp, &texts.Placements}} {
		if text.file == "" {
			continue
		}
		content, err := readText(text.file)
		if err != nil {
			return nil, err
		}
		*text.into = capture.Text{File: text.file, Content: content}
	}
	captured, err := capture.MachineFrom(name, texts, facts)
	if err != nil {
		return nil, cli.MistakenInput(err)
	}
	return captured, readsBack(c, captured)
}
