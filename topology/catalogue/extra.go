package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// File is one file in the catalogue's text form that is not part of the program.
type File struct {
	// Name is what errors call the file.
	Name, Text string
}

// With returns a catalogue that also has the given files: machines, MIG tables and
// models, in any order. It tells them apart by their first line; keys come from the
// lines "machine" and "table" rather than from the files' names. A file whose key
// is taken is an error. c is not changed.
func (c *Catalogue) With(extra ...File) (*Catalogue, error) {
	grown := &Catalogue{
		models:    maps.Clone(c.models),
		byProduct: maps.Clone(c.byProduct),
		prices:    maps.Clone(c.prices),
		tables:    maps.Clone(c.tables),
		machines:  maps.Clone(c.machines),
		built:     map[string]*topology.MachineType{},
	}
	// Machines refer to models and models to tables.
	for _, add := range []func(File) error{grown.addTable, grown.addModels, grown.addMachine} {
		for _, file := range extra {
			if err := add(file); err != nil {
				return nil, err
			}
		}
	}
	return grown, nil
}

// openingLine is the first line of a file and what it starts with: "machine" or "table"
// and its key, or the key of a model; nothing for a file without entries.
func (f File) openingLine() (first fileLine, kind, key string) {
	all := splitLines(f.Name, f.Text)
	if len(all) == 0 {
		return fileLine{file: f.Name, number: 1}, "", ""
	}
	kind, key = all[0].headerSetting()
	return all[0], kind, key
}

func (c *Catalogue) addTable(file File) error {
	first, kind, key := file.openingLine()
	if kind == "" {
		return first.fieldErrorf("file", "has no entries, want a machine, a MIG table or GPU models")
	}
	if kind != "table" {
		return nil
	}
	if _, found := c.tables[key]; found {
		return first.fieldErrorf(kind, "%s is in the catalogue already: give it another name", key)
	}
	table, err := parseTable(file.Name, key, file.Text)
	if err != nil {
		return err
	}
	c.tables[key] = table
	return nil
}

func (c *Catalogue) addModels(file File) error {
	if _, kind, _ := file.openingLine(); kind == "table" || kind == "machine" {
		return nil
	}
	return c.parseModels(file.Name, file.Text)
}

func (c *Catalogue) addMachine(file File) error {
	first, kind, key := file.openingLine()
	if kind != "machine" {
		return nil
	}
	if strings.ContainsAny(key, "/ ") {
		return first.fieldErrorf(kind, "%q contains a slash or a space", key)
	}
	if _, found := c.machines[key]; found {
		return first.fieldErrorf(kind, "%s is in the catalogue already: give it another name", key)
	}
	m, err := c.parseMachine(file.Name, key, file.Text)
	if err != nil {
		return err
	}
	c.machines[key] = m
	return nil
}

// Tables returns the keys of all MIG tables, sorted.
func (c *Catalogue) Tables() []string { return slices.Sorted(maps.Keys(c.tables)) }

// ModelByName returns the GPU model that is named as people do: by its key or its product,
// whatever the case and with or without what stands before a product's own name.
func (c *Catalogue) ModelByName(name string) (*topology.Model, error) {
	for key, model := range c.models {
		if strings.EqualFold(key, name) {
			return model, nil
		}
	}
	if same := c.ModelsOfProduct(name); len(same) == 1 {
		return same[0], nil
	}
	return c.Model(name)
}

// ModelsOfProduct returns the GPU models whose product has the name as some driver, tool
// or label spells it: the one with just that name if there is one, else all that
// topology.SameProduct finds, sorted by key.
func (c *Catalogue) ModelsOfProduct(name string) []*topology.Model {
	if model, found := c.byProduct[name]; found {
		return []*topology.Model{model}
	}
	return slices.DeleteFunc(c.Models(), func(m *topology.Model) bool { return !topology.SameProduct(m.Product, name) })
}

// Geometry returns the MIG table of a GPU that is named as people do: by a model's
// key or product, or a table's key, whatever the case. A model without a table is
// an error of its own.
func (c *Catalogue) Geometry(name string) (*mig.Table, error) {
	for key, table := range c.tables {
		if strings.EqualFold(key, name) {
			return table, nil
		}
	}
	if model, err := c.ModelByName(name); err == nil {
		if model.MIG == "" {
			return nil, fmt.Errorf("%s has no MIG, or no capture shows its profiles: the tables are %s", model.Name, strings.Join(c.Tables(), ", "))
		}
		return c.tables[model.MIG], nil
	}
	names := slices.AppendSeq(c.Tables(), maps.Keys(c.models))
	slices.Sort(names)
	return nil, unknownName("GPU", name, slices.Compact(names))
}
