package catalogue

import (
	"strconv"

	"github.com/ashlar-dev/ashlar/topology"
)

// InstanceType is what every instance of a cloud's type has.
type InstanceType struct {
	Name  string
	Model *topology.Model
	GPUs  int64
	// Machine is how the GPUs are linked, nil if that is not known.
	Machine *topology.MachineType
	Source  string
}

// Columns of instances.txt.
const (
	instanceName = iota
	instanceModel
	instanceGPUs
	instanceMachine
	instanceSource
	instanceColumns
)

// InstanceType returns the instance type with the given name, as a provider spells it.
func (c *Catalogue) InstanceType(name string) (*InstanceType, bool) {
	found, known := c.instances[name]
	return found, known
}

// parseInstances reads instance types of models and machines that are in the catalogue
// already.
func (c *Catalogue) parseInstances(file, text string) error {
	for _, l := range splitLines(file, text) {
		row, err := l.quotedColumns()
		if err != nil {
			return err
		}
		if len(row) != instanceColumns {
			return l.fieldErrorf("row", "%d columns, want %d: quote those that contain spaces", len(row), int64(instanceColumns))
		}
		one := &InstanceType{Name: row[instanceName], Source: row[instanceSource]}
		if _, found := c.instances[one.Name]; found {
			return l.fieldErrorf("instance", "%s occurs twice", one.Name)
		}
		if one.Model, err = c.Model(row[instanceModel]); err != nil {
			return l.fieldErrorf("model", "%w", err)
		}
		one.GPUs, err = strconv.ParseInt(row[instanceGPUs], 10, 64)
		if err != nil || one.GPUs < 1 || one.GPUs > topology.MaxGPUs {
			return l.fieldErrorf("GPUs", "%q, want 1 to %d", row[instanceGPUs], int64(topology.MaxGPUs))
		}
		if name := row[instanceMachine]; name != "-" {
			if one.Machine, err = c.Machine(name); err != nil {
				return l.fieldErrorf("machine", "%w", err)
			}
			if gpus := one.Machine.Node.GPUs; int64(len(gpus)) != one.GPUs || gpus[0].Model != one.Model {
				return l.fieldErrorf("machine", "%s has %d of %s, the row says %d of %s", name, len(gpus), gpus[0].Model.Name, one.GPUs,
					one.Model.Name)
			}
		}
		if one.Source == "" {
			return l.fieldErrorf("source", "is empty")
		}
		c.instances[one.Name] = one
	}
	return nil
}
