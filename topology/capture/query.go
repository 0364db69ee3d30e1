package capture

import (
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// GPU is what `nvidia-smi -q` says about one GPU. Fields that the capture does
// not show are zero.
type GPU struct {
	// BusID is the PCI address in sysfs form, for example "0000:1b:00.0".
	BusID string
	// Product, Brand and Architecture are nvidia-smi's words, for example
	// "NVIDIA H100 80GB HBM3", "NVIDIA" and "Hopper".
	Product, Brand, Architecture string
	// Memory is the frame buffer's total, Reserved what the driver keeps of it.
	Memory, Reserved topology.Bytes
	// MIG is the current MIG mode: "Enabled", "Disabled", "N/A" without MIG.
	MIG string
	// Clique is "<cluster UUID>.<clique id>" of a completed fabric registration.
	Clique string
	// DeviceID is the PCI device and vendor id, for example 0x233010DE.
	DeviceID uint32
	// Virtualization is "VGPU" for a virtual GPU, "Pass-Through" for a whole one in a
	// virtual machine, "None" on bare metal.
	Virtualization string

	at     captureLine // the line "GPU 00000000:18:00.0"
	fields map[string]blockEntry
}

// fieldAt is the line of a field, the GPU's own where the field is missing.
func (g *GPU) fieldAt(path string) captureLine {
	if field, found := g.fields[path]; found {
		return field.at
	}
	return g.at
}

// maxMemoryMiB is the most memory that a GPU may claim: 16 TiB.
const maxMemoryMiB = 1 << 24

var (
	gpuBlock = regexp.MustCompile(`^GPU ([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7])$`)
	lostGPU  = regexp.MustCompile(`Unable to determine the device handle for GPU ?([0-9A-Fa-f:.]*[0-9A-Fa-f]): (.*)$`)
	amount   = regexp.MustCompile(`^([0-9]+) Mi?B$`) // MB, of 1024 KiB, until driver 319
	uuid     = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	notZero  = regexp.MustCompile(`[1-9A-Fa-f]`)
)

// ParseQuery reads what `nvidia-smi -q`, or -q -d with some sections, printed, one
// entry for each GPU in the order of their indexes. It also reads the table that
// nvidia-smi prints without options, which shows less.
func ParseQuery(text Text) ([]GPU, error) {
	all, err := text.splitLines()
	if err != nil {
		return nil, err
	}
	var gpus []GPU
	var block *blockParser
	attached, attachedAt := int64(-1), captureLine{}
	finish := func() error {
		if block == nil {
			return nil
		}
		gpu, err := block.readGPU()
		gpus = append(gpus, gpu)
		return err
	}
	for _, l := range all {
		trimmed := strings.TrimSpace(l.text)
		if match := lostGPU.FindStringSubmatch(trimmed); match != nil {
			return nil, l.lineErrorf("the driver cannot reach GPU %s (%s): reset it or reboot, and capture again", match[1], match[2])
		}
		if match := gpuBlock.FindStringSubmatch(trimmed); match != nil {
			if err := finish(); err != nil {
				return nil, err
			}
			if len(gpus) == topology.MaxGPUs {
				return nil, l.lineErrorf("more than %d GPUs, capture one node", int64(topology.MaxGPUs))
			}
			block = &blockParser{at: l, values: map[string]blockEntry{}, bus: match[1]}
			continue
		}
		if block == nil {
			// Inside a virtual machine, drivers count vGPUs.
			if key, value, found := cutSetting(trimmed); found && (key == "Attached GPUs" || key == "Attached vGPUs") {
				attachedAt = l
				if attached, err = l.wholeNumber(key, value, 1<<16); err != nil {
					return nil, err
				}
			}
			continue
		}
		if err := block.readLine(l); err != nil {
			return nil, err
		}
	}
	if err := finish(); err != nil {
		return nil, err
	}
	if len(gpus) == 0 {
		if gpus, err = readSummary(all); err != nil {
			return nil, err
		}
	}
	switch {
	case len(gpus) == 0:
		return nil, all[0].lineErrorf("no line like GPU 00000000:18:00.0%s", otherOutput(all, queryCommand))
	case attached >= 0 && attached != int64(len(gpus)):
		return nil, attachedAt.lineErrorf("%d GPUs are attached and %d follow, the capture is cut off: paste all of it, "+
			"and capture without -i", attached, len(gpus))
	}
	for i := range gpus {
		for j := range i {
			if gpus[i].BusID == gpus[j].BusID {
				return nil, gpus[i].at.lineErrorf("GPU %s is on line %d already, keep one capture", gpus[i].BusID, gpus[j].at.number)
			}
		}
	}
	return gpus, nil
}
