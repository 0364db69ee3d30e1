package main

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// library finds models by name: in the catalogue, or built from the columns of a
// models file. Each row has its own, even if several have one name.
type library struct {
	rows  []row
	built []built
}

type built struct {
	model  *model.Model
	config []byte
	from   string // where the architecture came from
	// assumed is what was concluded from a name alone.
	assumed string
	err     error
}

func newLibrary(rows []row) *library {
	l := &library{rows: rows}
	for _, r := range rows {
		l.built = append(l.built, buildRow(r))
	}
	return l
}

// find looks a model up by any of the names that a cell stands for, stored as another
// cell says. What is stored so already goes before what would have to be stored anew.
func (l *library) find(cell, quant string) built {
	wanted := schemeOf(quant)
	candidates, refused := l.named(cell)
	if len(candidates) > 0 {
		return stateOf(candidates, wanted)
	}
	if refused != nil {
		return built{err: refused}
	}
	// A quantised copy, or one of somebody else's, under a name that says so.
	for _, name := range names(cell) {
		base := unquantised(name)
		for _, other := range []string{base, path.Base(base)} {
			if other == name || other == "" {
				continue
			}
			candidates, _ := l.named(other)
			if len(candidates) == 0 {
				continue
			}
			said := wanted
			if !said.stated() {
				said = schemeOf(strings.TrimLeft(name[len(base):], "-_. ("))
			}
			b := stateOf(candidates, said)
			if other != base || !wanted.stated() {
				b.assumed = assumption(wanted, said, other)
			}
			return b
		}
	}
	return built{err: fmt.Errorf("the architecture of %q is not known", cell)}
}

// assumption says what was concluded from a name: how the weights are stored, unless the
// row says so, and of which model.
func assumption(stated, said scheme, name string) string {
	if !stated.stated() && said.stated() {
		return fmt.Sprintf("%s of %s, from the name", said.method, name)
	}
	return fmt.Sprintf("the architecture of %s, from the name", name)
}

// named are the models of a name: rows that have it, then the catalogue's. The error is
// why a row that has it cannot be built.
func (l *library) named(cell string) (found []built, refused error) {
	wanted := map[string]bool{strings.ToLower(cell): true}
	for _, name := range names(cell) {
		wanted[strings.ToLower(name)] = true
	}
	for i, r := range l.rows {
		for _, name := range append(names(r["model"]), r["model"]) {
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
	for _, name := range names(cell) {
		if m, err := model.Known(name); err == nil {
			found = append(found, inCatalogue(name, m))
		}
	}
	return found, refused
}

// stateOf picks the model that is stored as wanted, or stores one so. Where nothing is
// said, it is the first that is as its publisher has it, and if all are copies, the
// first that is not quantised.
func stateOf(candidates []built, wanted scheme) built {
	for _, b := range candidates {
		if wanted.stated() && b.is(wanted) || !wanted.stated() && b.from == "catalogue" {
			return b
		}
	}
	for _, b := range candidates {
		if !wanted.stated() && b.model.Quantisation == "" {
			return b
		}
	}
	b, err := candidates[0].as(wanted)
	if err != nil {
		return built{err: err}
	}
	return b
}

var optional = regexp.MustCompile(`\(([^)]*)\)`)

// names are the names that a cell such as "org/a(-Instruct)" or "org/a / b" stands for.
func names(cell string) []string {
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
var ending = regexp.MustCompile(`(?i)[-_. ](awq|gptq|fp8|nvfp4|fp4|mxfp4|gguf|w\d+a\d+(g\d+)?|u?int\d|\d-?bits?|bnb|unsloth|block|dynamic|static|kv|g\d+|gs\d+|quantized\S*|autoround|marlin)$`)

// unquantised is the name of the model of which the named one is a quantised copy.
func unquantised(name string) string {
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
func buildRow(r row) built {
	if err := r.unreadable(); err != nil {
		return built{err: err}
	}
	if r["model"] == "" {
		return built{err: errors.New("the row names no model")}
	}
	wanted := schemeOf(r["quant"])
	var refused error
	for _, name := range names(r["model"]) {
		m, err := model.Known(name)
		if err != nil {
			if !errors.As(err, new(*model.UnknownModel)) {
				refused = err
			}
			continue
		}
		if !agrees(m, r) {
			continue
		}
		b, err := inCatalogue(name, m).as(wanted)
		if err == nil {
			return b
		}
		refused = err
	}
	config, err := configOf(r)
	if err == nil {
		m, err := model.Parse(config)
		if err != nil {
			return built{err: fmt.Errorf("from the row's columns: %w", err)}
		}
		return built{model: m, config: config, from: "columns"}
	}
	// A copy of what the catalogue has.
	for _, name := range names(r["model"]) {
		base := unquantised(name)
		for _, other := range []string{base, path.Base(base)} {
			m, unknown := model.Known(other)
			if other == name || unknown != nil || !agrees(m, r) {
				continue
			}
			said := wanted
			if !said.stated() {
				said = schemeOf(strings.TrimLeft(name[len(base):], "-_. ("))
			}
			if b, err := inCatalogue(other, m).as(said); err == nil {
				b.assumed = assumption(wanted, said, other)
				return b
			}
		}
	}
	if refused != nil {
		err = refused
	}
	return built{err: err}
}

// agrees reports whether the catalogue's model has the widths that the row states.
func agrees(m *model.Model, r row) bool {
	for _, pair := range []struct {
		column string
		value  int64
	}{{"hidden_size", m.Hidden}, {"num_hidden_layers", int64(len(m.Order))}} {
		stated := r.integer(pair.column)
		if stated != 0 && pair.value != 0 && stated != pair.value && m.Kind != model.EncoderDecoder {
			return false
		}
	}
	return true
}

func inCatalogue(name string, m *model.Model) built {
	config, _ := model.Config(name)
	return built{model: m, config: config, from: "catalogue"}
}
