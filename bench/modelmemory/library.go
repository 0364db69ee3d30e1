package main

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// modelLibrary finds models by name: in the catalogue, or built from the columns of a
// models file. Each row has its own, even if several have one name.
type modelLibrary struct {
	rows  []csvRow
	built []builtModel
}

type builtModel struct {
	model  *model.Model
	config []byte
	from   string // where the architecture came from
	// assumed is what was concluded from a name alone.
	assumed string
	err     error
}

func newLibrary(rows []csvRow) *modelLibrary {
	l := &modelLibrary{rows: rows}
	for _, r := range rows {
		l.built = append(l.built, buildRow(r))
	}
	return l
}

// findModel looks a model up by any of the names that a cell stands for, stored as another
// cell says. What is stored so already goes before what would have to be stored anew.
func (l *modelLibrary) findModel(cell, quant string) builtModel {
	wanted := schemeOf(quant)
	candidates, refused := l.modelsNamed(cell)
	if len(candidates) > 0 {
		return stateOf(candidates, wanted)
	}
	if refused != nil {
		return builtModel{err: refused}
	}
	// A quantised copy, or one of somebody else's, under a name that says so.
	for _, name := range expandNames(cell) {
		base := unquantisedName(name)
		for _, other := range []string{base, path.Base(base)} {
			if other == name || other == "" {
				continue
			}
			candidates, _ := l.modelsNamed(other)
			if len(candidates) == 0 {
				continue
			}
			said := wanted
			if !said.isStated() {
				said = schemeOf(strings.TrimLeft(name[len(base):], "-_. ("))
			}
			b := stateOf(candidates, said)
			if other != base || !wanted.isStated() {
				b.assumed = schemeAssumption(wanted, said, other)
			}
			return b
		}
	}
	return builtModel{err: fmt.Errorf("the architecture of %q is not known", cell)}
}

// schemeAssumption says what was concluded from a name: how the weights are stored, unless the
// row says so, and of which model.
func schemeAssumption(stated, said storageScheme, name string) string {
	if !stated.isStated() && said.isStated() {
		return fmt.Sprintf("%s of %s, from the name", said.method, name)
	}
	return fmt.Sprintf("the architecture of %s, from the name", name)
}

// modelsNamed are the models of a name: rows that have it, then the catalogue's. The error is
// why a row that has it cannot be built.
func (l *modelLibrary) modelsNamed(cell string) (found []builtModel, refused error) {
	wanted := map[string]bool{strings.ToLower(cell): true}
	for _, name := range expandNames(cell) {
		wanted[strings.ToLower(name)] = true
	}
	for i, r := range l.rows {
		for _, name := range append(expandNames(r["model"]), r["model"]) {
			if !wanted[strings.ToLower(name)] || name == "" {
				continue
			}
			if b := l.built[i]; b.err == nil {
				found = append(found, b)
			} else {
				refused = b.err
			}
			break
		}
	}
	for _, name := range expandNames(cell) {
		if m, err := model.Known(name); err == nil {
			found = append(found, inCatalogue(name, m))
		}
	}
	return found, refused
}

// stateOf picks the model that is stored as wanted, or stores one so. Where nothing is
// said, it is the first that is as its publisher has it, and if all are copies, the
// first that is not quantised.
func stateOf(candidates []builtModel, wanted storageScheme) builtModel {
	for _, b := range candidates {
		if wanted.isStated() && b.isStoredAs(wanted) || !wanted.isStated() && b.from == "catalogue" {
			return b
		}
	}
	for _, b := range candidates {
		if !wanted.isStated() && b.model.Quantisation == "" {
			return b
		}
	}
	b, err := candidates[0].storedAs(wanted)
	if err != nil {
		return builtModel{err: err}
	}
	return b
}

var optional = regexp.MustCompile(`\(([^)]*)\)`)

// expandNames are the names that a cell such as "org/a(-Instruct)" or "org/a / b" stands for.
func expandNames(cell string) []string {
	var out []string
	organisation := ""
	for _, part := range strings.Split(cell, " / ") {
		part = strings.TrimSpace(part)
		if before, _, found := strings.Cut(part, "/"); found {
			organisation = before + "/"
		} else if organisation != "" {
			part = organisation + part
		}
		full := optional.ReplaceAllString(part, "$1")
		without := strings.TrimSpace(optional.ReplaceAllString(part, ""))
		out = append(out, without)
		if full != without && !strings.Contains(full, " ") {
			out = append(out, full)
		}
	}
	return out
}

// ending matches how names say that a model is a quantised copy of another.
var ending = regexp.MustCompile(`(?i)[-_. ](awq|gptq|fp8|nvfp4|fp4|mxfp4|gguf|w\d+a\d+(g\d+)?|u?int\d|\d-?bits?|bnb|unsloth|` +
	`block|dynamic|static|kv|g\d+|gs\d+|quantized\S*|autoround|marlin)$`)

// unquantisedName is the name of the model of which the named one is a quantised copy.
func unquantisedName(name string) string {
	name = strings.TrimSpace(optional.ReplaceAllString(name, ""))
	for {
		shorter := ending.ReplaceAllString(name, "")
		if shorter == name {
			return name
		}
		name = shorter
	}
}

// buildRow builds a row's model: from the catalogue where it has a model of that name
// with the row's widths, and from the row's columns otherwise.
func buildRow(r csvRow) builtModel {
	if err := r.whyUnreadable(); err != nil {
		return builtModel{err: err}
	}
	if r["model"] == "" {
		return builtModel{err: errors.New("the row names no model")}
	}
	wanted := schemeOf(r["quant"])
	var refused error
	for _, name := range expandNames(r["model"]) {
		m, err := model.Known(name)
		if err != nil {
			if !errors.As(err, new(*model.UnknownModel)) {
				refused = err
			}
			continue
		}
		if !agreesWithRow(m, r) {
			continue
		}
		b, err := inCatalogue(name, m).storedAs(wanted)
		if err == nil {
			return b
		}
		refused = err
	}
	config, err := configOf(r)
	if err == nil {
		m, err := model.Parse(config)
		if err != nil {
			return builtModel{err: fmt.Errorf("from the row's columns: %w", err)}
		}
		return builtModel{model: m, config: config, from: "columns"}
	}
	// A copy of what the catalogue has.
	for _, name := range expandNames(r["model"]) {
		base := unquantisedName(name)
		for _, other := range []string{base, path.Base(base)} {
			m, unknown := model.Known(other)
			if other == name || unknown != nil || !agreesWithRow(m, r) {
				continue
			}
			said := wanted
			if !said.isStated() {
				said = schemeOf(strings.TrimLeft(name[len(base):], "-_. ("))
			}
			if b, err := inCatalogue(other, m).storedAs(said); err == nil {
				b.assumed = schemeAssumption(wanted, said, other)
				return b
			}
		}
	}
	if refused != nil {
		err = refused
	}
	return builtModel{err: err}
}

// agreesWithRow reports whether the catalogue's model has the widths that the row states.
func agreesWithRow(m *model.Model, r csvRow) bool {
	for _, pair := range []struct {
		column string
		value  int64
	}{{"hidden_size", m.Hidden}, {"num_hidden_layers", int64(len(m.Order))}} {
		stated := r.integerAt(pair.column)
		if stated != 0 && pair.value != 0 && stated != pair.value && m.Kind != model.EncoderDecoder {
			return false
		}
	}
	return true
}

func inCatalogue(name string, m *model.Model) builtModel {
	config, _ := model.Config(name)
	return builtModel{model: m, config: config, from: "catalogue"}
}
