package capture

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

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

// Paths that readGPU looks at.
const (
	pathProduct        = "Product Name"
	pathBrand          = "Product Brand"
	pathArchitecture   = "Product Architecture"
	pathVirtualization = "GPU Virtualization Mode/Virtualization Mode"
	pathDevice         = "PCI/Device Id"
	pathBus            = "PCI/Bus Id"
	pathMemory         = "FB Memory Usage/Total"
	pathReserved       = "FB Memory Usage/Reserved"
	pathMIG            = "MIG Mode/Current"
	pathFabric         = "Fabric/State"
	pathClique         = "Fabric/CliqueId"
	pathCluster        = "Fabric/ClusterUUID"
)

var wanted = []string{
	pathProduct, pathBrand, pathArchitecture, pathVirtualization, pathDevice, pathBus, pathMemory, pathReserved, pathMIG,
	pathFabric, pathClique, pathCluster,
}

// wantedPath finds a path among those that readGPU looks at, "" if it is none of them.
func wantedPath(path string) string {
	i := slices.IndexFunc(wanted, func(want string) bool { return comparablePath(want) == comparablePath(path) })
	if i < 0 {
		return ""
	}
	return wanted[i]
}

// comparablePath leaves out what drivers spell differently: "Bus Id" and "Bus ID",
// "CliqueId" and "Clique Id".
func comparablePath(path string) string { return strings.ToLower(strings.ReplaceAll(path, " ", "")) }

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
	if indent == 0 && wantedPath(key) != "" && !b.isBelow(licensedProduct) {
		path = key
	}
	if path = wantedPath(path); path == "" {
		return nil
	}
	if before, found := b.values[path]; found && before.value != value {
		return l.lineErrorf("%s is %q here and %q on line %d, paste the capture with its indentation",
			path, value, before.value, before.at.number)
	}
	b.values[path] = blockEntry{value, l}
	return nil
}

// licensedProduct is the heading of a second Product Name, that of a vGPU's licence.
const licensedProduct = "vGPU Software Licensed Product"

// isBelow reports whether the last heading has the given name.
func (b *blockParser) isBelow(heading string) bool {
	return len(b.heading) > 0 && b.heading[len(b.heading)-1].name == heading
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

// noValue are what drivers print in place of a value, beside what they put in brackets.
var noValue = []string{
	"N/A", "ERR!", "Unknown Error", "Not Supported", "Not Available", "GPU is lost", "GPU requires reset", "Insufficient Permissions",
	"Requested functionality has been deprecated",
}

// isValue reports whether a text is a value rather than the reason why there is none.
func isValue(text string) bool {
	return text != "" && !strings.HasPrefix(text, "[") && !slices.Contains(noValue, text)
}

// textAt is the value at a path, "" if there is none.
func (b *blockParser) textAt(path string) string {
	if value := b.values[path].value; isValue(value) {
		return value
	}
	return ""
}

// unreadable are what drivers print where they failed to read a value, rather than
// where there is none.
var unreadable = []string{"ERR!", "Unknown Error", "GPU is lost", "GPU requires reset"}

// faultNote says which fields the driver failed to read, "" if it read all.
func (g *GPU) faultNote() string {
	var failed []string
	at := g.at
	for _, path := range wanted {
		field := g.fields[path]
		if !slices.Contains(unreadable, strings.Trim(field.value, "[]")) {
			continue
		}
		if len(failed) == 0 {
			at = field.at
		}
		failed = append(failed, fmt.Sprintf("%s is %q", path, field.value))
	}
	if len(failed) == 0 {
		return ""
	}
	return at.lineNotef("%s: the driver failed to read that, look for Xid errors of GPU %s with dmesg", strings.Join(failed, ", "), g.BusID)
}

// readGPU reads the values that were kept.
func (b *blockParser) readGPU() (GPU, error) {
	gpu := GPU{
		BusID:          sysfsBusID(b.bus),
		Product:        b.textAt(pathProduct),
		Brand:          b.textAt(pathBrand),
		Architecture:   b.textAt(pathArchitecture),
		MIG:            b.values[pathMIG].value,
		Virtualization: b.textAt(pathVirtualization),
		at:             b.at,
		fields:         b.values,
	}
	if bus := b.textAt(pathBus); bus != "" && sysfsBusID(bus) != gpu.BusID {
		return gpu, b.values[pathBus].at.lineErrorf("Bus Id is %s in the block of GPU %s, paste the capture again", bus, b.bus)
	}
	for _, field := range []struct {
		path  string
		bytes *topology.Bytes
	}{{pathMemory, &gpu.Memory}, {pathReserved, &gpu.Reserved}} {
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
		return gpu, b.values[pathReserved].at.lineErrorf("all of the memory is reserved, paste the capture again")
	}
	if text := b.textAt(pathDevice); text != "" {
		id, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(text), "0x"), 16, 32)
		if err != nil || id&0xFFFF != 0x10DE {
			return gpu, b.values[pathDevice].at.lineErrorf("Device Id is %q, want one like 0x233010DE: paste the capture again", text)
		}
		gpu.DeviceID = uint32(id)
	}
	return gpu, b.readClique(&gpu)
}

// readClique reads the fabric registration. It counts once it is completed and names
// a cluster: before that the ids may still change, and HGX machines without
// multi-node NVLink report a cluster of zeros.
func (b *blockParser) readClique(gpu *GPU) error {
	cluster := b.textAt(pathCluster)
	if b.textAt(pathFabric) != "Completed" || !notZero.MatchString(cluster) {
		return nil
	}
	if !uuid.MatchString(cluster) {
		return b.values[pathCluster].at.lineErrorf("ClusterUUID is %q, which is no UUID: paste the capture again", cluster)
	}
	id := b.values[pathClique]
	if id.at.number == 0 {
		return b.values[pathCluster].at.lineErrorf("ClusterUUID has no CliqueId beside it, paste the capture again")
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
