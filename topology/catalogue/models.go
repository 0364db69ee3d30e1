package catalogue

import (
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// Columns of models.txt.
const (
	modelKey = iota
	modelProduct
	modelBrand
	modelArchitecture
	modelCompute
	modelMemory
	modelReserved
	modelLane
	modelP2P
	modelMIG
	modelDevice
	modelConfidence
	modelSource
	modelColumns
)

const (
	// maxMemoryMiB bounds what a row may claim: 16 TiB.
	maxMemoryMiB = 1 << 24
	// maxLaneGBps bounds one NVLink; NVLink 5 has 50 GB/s.
	maxLaneGBps = 1000
	// nvidiaVendor is the lower half of every device id (pci-ids.ucw.cz).
	nvidiaVendor = 0x10DE
)

func (c *Catalogue) parseModels(file, text string) error {
	for _, l := range splitLines(file, text) {
		model, err := c.parseModel(l)
		if err != nil {
			return err
		}
		if _, found := c.models[model.Name]; found {
			return l.fieldErrorf("key", "%s occurs twice", model.Name)
		}
		if other, found := c.byProduct[model.Product]; found {
			return l.fieldErrorf("product", "%q is already %s: a product has one row", model.Product, other.Name)
		}
		c.models[model.Name] = model
		c.byProduct[model.Product] = model
	}
	return nil
}

func (c *Catalogue) parseModel(l fileLine) (*topology.Model, error) {
	row, err := l.quotedColumns()
	if err != nil {
		return nil, err
	}
	if len(row) != modelColumns {
		return nil, l.fieldErrorf("row", "%d columns, want %d: quote those that contain spaces", len(row), int64(modelColumns))
	}
	for i, field := range map[int]string{modelKey: "key", modelProduct: "product", modelConfidence: "confidence", modelSource: "source"} {
		if row[i] == "" {
			return nil, l.fieldErrorf(field, "is empty")
		}
	}
	if strings.ContainsAny(row[modelKey], "/ ") {
		return nil, l.fieldErrorf("key", "%q contains a slash or a space", row[modelKey])
	}
	model := &topology.Model{
		Name:         row[modelKey],
		Product:      row[modelProduct],
		Brand:        row[modelBrand],
		Architecture: row[modelArchitecture],
		Confidence:   row[modelConfidence],
		Source:       row[modelSource],
	}
	if model.Compute, err = parseCompute(l, row[modelCompute]); err != nil {
		return nil, err
	}
	memory, err := l.wholeNumber("MiB", row[modelMemory], 1, maxMemoryMiB)
	if err != nil {
		return nil, err
	}
	model.Memory = topology.Bytes(memory) * topology.MiB
	reserved, err := l.wholeNumber("reserved", row[modelReserved], 0, memory-1)
	if err != nil {
		return nil, err
	}
	model.Reserved = topology.Bytes(reserved) * topology.MiB
	if model.LaneGBps, err = l.wholeNumber("GB/s", row[modelLane], 0, maxLaneGBps); err != nil {
		return nil, err
	}
	switch row[modelP2P] {
	case "yes":
		model.P2P = true
	case "no":
	default:
		return nil, l.fieldErrorf("P2P", "%q, want yes or no", row[modelP2P])
	}
	if key := row[modelMIG]; key != unknownFigure {
		if _, err := c.MIG(key); err != nil {
			return nil, l.fieldErrorf("MIG", "%w", err)
		}
		model.MIG = key
	}
	if device := row[modelDevice]; device != unknownFigure {
		id, err := strconv.ParseUint(device, 0, 32)
		if err != nil || id&0xFFFF != nvidiaVendor {
			return nil, l.fieldErrorf("device", "%q, want device and vendor id like 0x20B710DE", device)
		}
		model.DeviceID = uint32(id)
	}
	return model, nil
}

func parseCompute(l fileLine, text string) (topology.ComputeCapability, error) {
	major, minor, _ := strings.Cut(text, ".")
	var capability topology.ComputeCapability
	var err error
	if capability.Major, err = l.wholeNumber("cc", major, 1, 99); err != nil {
		return capability, err
	}
	capability.Minor, err = l.wholeNumber("cc", minor, 0, 9)
	return capability, err
}
