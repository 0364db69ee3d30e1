package capture

import (
	"regexp"
	"strconv"
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

	at captureLine // the line "GPU 00000000:18:00.0"
}

// maxMemoryMiB is the most memory that a GPU may claim: 16 TiB.
const maxMemoryMiB = 1 << 24

var (
	gpuBlock = regexp.MustCompile(`^GPU ([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7])$`)
	amount   = regexp.MustCompile(`^([0-9]+) MiB$`)
	uuid     = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	notZero  = regexp.MustCompile(`[1-9A-Fa-f]`)
)

// ParseQuery reads what `nvidia-smi -q`, or -q -d with some sections, printed, one
// entry for each GPU in the order of their indexes.
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
			if key, value, found := cutSetting(trimmed); found && key == "Attached GPUs" {
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
	switch {
	case len(gpus) == 0:
		return nil, all[0].lineErrorf("no line like GPU 00000000:18:00.0, paste the output of nvidia-smi -q from its first line on")
	case attached >= 0 && attached != int64(len(gpus)):
		return nil, attachedAt.lineErrorf("%d GPUs are attached and %d follow, the capture is cut off: paste all of it", attached, len(gpus))
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

// blockEntry is one value of a block and where it is.
type blockEntry struct {
	value string
	at    captureLine
}

// blockParser reads the block of one GPU: headings and settings, told apart by
// their indentation.
type blockParser struct {
	at      captureLine
	bus     string
	heading []blockHeading
	values  map[string]blockEntry // by path, for example "FB Memory Usage/Total"
}

type blockHeading struct {
	indent int
	name   string
}

// wanted are the paths that gpu looks at.
var wanted = map[string]bool{
	"Product Name": true, "Product Brand": true, "Product Architecture": true,
	"PCI/Device Id": true, "PCI/Bus Id": true,
	"FB Memory Usage/Total": true, "FB Memory Usage/Reserved": true,
	"MIG Mode/Current": true,
	"Fabric/State":     true, "Fabric/CliqueId": true, "Fabric/ClusterUUID": true,
}

// cutSetting splits "Key    : value". Values may contain colons.
func cutSetting(trimmed string) (key, value string, found bool) {
	key, value, found = strings.Cut(trimmed, ":")
	return strings.TrimSpace(key), strings.TrimSpace(value), found
}

func (b *blockParser) readLine(l captureLine) error {
	trimmed := strings.TrimSpace(l.text)
	if trimmed == "" {
		return nil
	}
	indent := indentOf(l.text)
	for len(b.heading) > 0 && b.heading[len(b.heading)-1].indent >= indent && indent > 0 {
		b.heading = b.heading[:len(b.heading)-1]
	}
	key, value, found := cutSetting(trimmed)
	if !found {
		if indent == 0 { // indentation was lost: headings cannot be nested
			b.heading = nil
		}
		b.heading = append(b.heading, blockHeading{indent, trimmed})
		return nil
	}
	path := key
	for i := len(b.heading) - 1; i >= 0; i-- {
		path = b.heading[i].name + "/" + path
	}
	if indent == 0 && wanted[key] {
		path = key
	}
	if !wanted[path] {
		return nil
	}
	if before, found := b.values[path]; found && before.value != value {
		return l.lineErrorf("%s is %q here and %q on line %d, paste the capture with its indentation",
			path, value, before.value, before.at.number)
	}
	b.values[path] = blockEntry{value, l}
	return nil
}

// indentOf counts the spaces before the text; a tab counts as eight.
func indentOf(text string) int {
	indent := 0
	for _, r := range text {
		switch r {
		case ' ':
			indent++
		case '\t':
			indent += 8
		default:
			return indent
		}
	}
	return indent
}

// textAt is the value at a path, "" if it is missing or N/A.
func (b *blockParser) textAt(path string) string {
	if value := b.values[path].value; value != "N/A" && !strings.HasPrefix(value, "[") {
		return value
	}
	return ""
}

// readGPU reads the values that were kept.
func (b *blockParser) readGPU() (GPU, error) {
	gpu := GPU{
		BusID:        sysfsBusID(b.bus),
		Product:      b.textAt("Product Name"),
		Brand:        b.textAt("Product Brand"),
		Architecture: b.textAt("Product Architecture"),
		MIG:          b.values["MIG Mode/Current"].value,
		at:           b.at,
	}
	if bus := b.textAt("PCI/Bus Id"); bus != "" && sysfsBusID(bus) != gpu.BusID {
		return gpu, b.values["PCI/Bus Id"].at.lineErrorf("Bus Id is %s in the block of GPU %s, paste the capture again", bus, b.bus)
	}
	for _, field := range []struct {
		path  string
		bytes *topology.Bytes
	}{{"FB Memory Usage/Total", &gpu.Memory}, {"FB Memory Usage/Reserved", &gpu.Reserved}} {
		text := b.textAt(field.path)
		if text == "" {
			continue
		}
		match := amount.FindStringSubmatch(text)
		if match == nil {
			return gpu, b.values[field.path].at.lineErrorf("%s is %q, want an amount like 81559 MiB: paste the capture again", field.path, text)
		}
		mib, err := b.values[field.path].at.wholeNumber(field.path, match[1], maxMemoryMiB)
		if err != nil {
			return gpu, err
		}
		*field.bytes = topology.Bytes(mib) * topology.MiB
	}
	if gpu.Memory > 0 && gpu.Reserved >= gpu.Memory {
		return gpu, b.values["FB Memory Usage/Reserved"].at.lineErrorf("all of the memory is reserved, paste the capture again")
	}
	if text := b.textAt("PCI/Device Id"); text != "" {
		id, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(text), "0x"), 16, 32)
		if err != nil || id&0xFFFF != 0x10DE {
			return gpu, b.values["PCI/Device Id"].at.lineErrorf("Device Id is %q, want one like 0x233010DE: paste the capture again", text)
		}
		gpu.DeviceID = uint32(id)
	}
	return gpu, b.readClique(&gpu)
}

// readClique reads the fabric registration. It counts once it is completed and names
// a cluster: before that the ids may still change, and HGX machines without
// multi-node NVLink report a cluster of zeros.
func (b *blockParser) readClique(gpu *GPU) error {
	cluster := b.textAt("Fabric/ClusterUUID")
	if b.textAt("Fabric/State") != "Completed" || !notZero.MatchString(cluster) {
		return nil
	}
	if !uuid.MatchString(cluster) {
		return b.values["Fabric/ClusterUUID"].at.lineErrorf("ClusterUUID is %q, which is no UUID: paste the capture again", cluster)
	}
	id := b.values["Fabric/CliqueId"]
	if id.at.number == 0 {
		return b.values["Fabric/ClusterUUID"].at.lineErrorf("ClusterUUID has no CliqueId beside it, paste the capture again")
	}
	number, err := id.at.wholeNumber("CliqueId", id.value, 1<<32-1)
	gpu.Clique = cluster + "." + strconv.FormatInt(number, 10)
	return err
}

// sysfsBusID turns nvidia-smi's eight digits of domain into sysfs' four. A domain
// that needs more keeps them.
func sysfsBusID(bus string) string {
	domain, rest, _ := strings.Cut(strings.ToLower(bus), ":")
	domain = strings.TrimLeft(domain, "0")
	return strings.Repeat("0", max(0, 4-len(domain))) + domain + ":" + rest
}
