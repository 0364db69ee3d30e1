package catalogue

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

//go:embed models.txt prices.txt instances.txt mig/*.txt machines/*.txt
var files embed.FS

// Catalogue holds the parsed files. It is safe for concurrent use.
type Catalogue struct {
	models    map[string]*topology.Model
	byProduct map[string]*topology.Model
	prices    map[string]MicroDollars
	tables    map[string]*mig.Table
	machines  map[string]*machineFile
	instances map[string]*InstanceType

	mu    sync.Mutex
	built map[string]*topology.MachineType // machine types with another model, by name
}

// LoadFS parses the files that are part of the program.
func LoadFS() (*Catalogue, error) { return loadFiles(files) }

// Default is the catalogue that is part of the program. It panics if the files
// are broken, which this package's tests rule out.
var Default = sync.OnceValue(func() *Catalogue {
	c, err := LoadFS()
	if err != nil {
		panic(fmt.Sprintf("catalogue: %v", err))
	}
	return c
})

func loadFiles(fsys fs.FS) (*Catalogue, error) {
	c := &Catalogue{
		models:    map[string]*topology.Model{},
		byProduct: map[string]*topology.Model{},
		prices:    map[string]MicroDollars{},
		tables:    map[string]*mig.Table{},
		machines:  map[string]*machineFile{},
		instances: map[string]*InstanceType{},
		built:     map[string]*topology.MachineType{},
	}
	if err := eachFile(fsys, "mig", func(file, key, text string) error {
		table, err := parseTable(file, key, text)
		c.tables[key] = table
		return err
	}); err != nil {
		return nil, err
	}

	const modelFile = "models.txt"
	text, err := fs.ReadFile(fsys, modelFile)
	if err != nil {
		return nil, fmt.Errorf("reading GPU models: %w", err)
	}
	if err := c.parseModels(modelFile, string(text)); err != nil {
		return nil, err
	}

	const priceFile = "prices.txt"
	if text, err = fs.ReadFile(fsys, priceFile); err != nil {
		return nil, fmt.Errorf("reading GPU prices: %w", err)
	}
	if err := c.parsePrices(priceFile, string(text)); err != nil {
		return nil, err
	}

	if err := eachFile(fsys, "machines", func(file, key, text string) error {
		m, err := c.parseMachine(file, key, text)
		c.machines[key] = m
		return err
	}); err != nil {
		return nil, err
	}

	const instanceFile = "instances.txt"
	if text, err = fs.ReadFile(fsys, instanceFile); err != nil {
		return nil, fmt.Errorf("reading instance types: %w", err)
	}
	if err := c.parseInstances(instanceFile, string(text)); err != nil {
		return nil, err
	}
	return c, nil
}

// eachFile calls parse for every text file of a folder, in order of their names.
func eachFile(fsys fs.FS, folder string, parse func(file, key, text string) error) error {
	names, err := fs.Glob(fsys, folder+"/*.txt")
	if err != nil {
		return fmt.Errorf("listing %s: %w", folder, err)
	}
	slices.Sort(names)
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		key := strings.TrimSuffix(strings.TrimPrefix(name, folder+"/"), ".txt")
		if err := parse(name, key, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// Model returns the GPU model with the given key, for example "L40S".
func (c *Catalogue) Model(key string) (*topology.Model, error) {
	if model, found := c.models[key]; found {
		return model, nil
	}
	return nil, unknownName("GPU model", key, slices.Collect(maps.Keys(c.models)))
}

// Models returns all GPU models, sorted by key.
func (c *Catalogue) Models() []*topology.Model {
	models := make([]*topology.Model, 0, len(c.models))
	for _, key := range slices.Sorted(maps.Keys(c.models)) {
		models = append(models, c.models[key])
	}
	return models
}

// ModelByProduct returns the GPU model whose NVML name is product, for example
// "NVIDIA H100 80GB HBM3".
func (c *Catalogue) ModelByProduct(product string) (*topology.Model, bool) {
	model, found := c.byProduct[product]
	return model, found
}

// MIG returns the MIG table with the given key, which topology.Model.MIG holds.
func (c *Catalogue) MIG(key string) (*mig.Table, error) {
	if table, found := c.tables[key]; found {
		return table, nil
	}
	return nil, unknownName("MIG table", key, slices.Collect(maps.Keys(c.tables)))
}

// Machines returns the names of all machines, sorted.
func (c *Catalogue) Machines() []string { return slices.Sorted(maps.Keys(c.machines)) }

// Machine returns a machine type: "dgx-h100", or "8xpcie-pix-pairs/L40S" for the
// same machine with another GPU model. Machines whose GPU is not known, because
// the capture names none, exist only in the second form. Every call with the same
// name returns the same value.
func (c *Catalogue) Machine(name string) (*topology.MachineType, error) {
	key, modelKey, override := strings.Cut(name, "/")
	m, found := c.machines[key]
	if !found {
		return nil, unknownName("machine", key, c.Machines())
	}
	if !override {
		if m.standard == nil {
			return nil, fmt.Errorf("machine %s does not say which GPU it has: write %s/MODEL, for example %s/L40S", key, key, key)
		}
		return m.standard, nil
	}
	model, err := c.Model(modelKey)
	if err != nil {
		return nil, fmt.Errorf("machine %s: %w", name, err)
	}
	if m.standard != nil && m.standard.Node.GPUs[0].Model == model {
		return m.standard, nil
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if built, found := c.built[name]; found {
		return built, nil
	}
	built, err := m.withModel(name, model)
	if err != nil {
		return nil, err
	}
	c.built[name] = built
	return built, nil
}
