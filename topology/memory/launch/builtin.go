package launch

import (
	"errors"
	"maps"
	"strings"
)

// start runs a builtin, another script, or notes a program.
func (sh *shell) start(program started) error {
	words := program.words
	switch words[0] {
	case "exit", "return":
		sh.finished = true
	case "set":
		for i, w := range words {
			if w == "--" {
				sh.arguments = append([]string{""}, words[i+1:]...)
				break
			}
		}
	case "shift":
		if len(words) > 1 || len(sh.arguments) < 2 {
			sh.unsure = true
			break
		}
		sh.arguments = append([]string{sh.arguments[0]}, sh.arguments[2:]...)
	case "unset":
		for _, w := range words[1:] {
			delete(sh.variables, w)
		}
	case "read", "mapfile", "readarray", "getopts", "printf":
		for _, w := range words[1:] {
			if name, _, _ := strings.Cut(w, "="); isVariable(name) {
				sh.forget(name, "is set by "+words[0])
			}
		}
	case "source", ".":
		for name := range sh.variables {
			sh.forget(name, "may be changed by a file that the script reads in")
		}
	case "eval":
		outer := sh.place
		defer func() { sh.place = outer }()
		sh.place = program.place
		return sh.script(widen(strings.Join(words[1:], " ")))
	case "exec":
		rest := words[1:]
		for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
			if rest[0] == "-a" && len(rest) > 1 {
				rest = rest[1:]
			}
			rest = rest[1:]
		}
		if len(rest) > 0 {
			program.words = rest
			err := sh.start(program)
			sh.finished = true
			return err
		}
	default:
		inner, nested, err := scriptOf(program.words)
		if err != nil {
			return err
		}
		if server, _ := find(arguments(program)); nested || server != nil {
			if err := sh.inherit(&program); err != nil {
				return err
			}
		}
		if nested {
			return sh.nested(inner, program)
		}
		*sh.out = append(*sh.out, program)
	}
	return nil
}

// arguments are a program's words, with their place.
func arguments(p started) []argument {
	all := make([]argument, len(p.words))
	for i, w := range p.words {
		all[i] = argument{w, p.place}
	}
	return all
}

// nested runs another shell's script: it sees exported variables only.
func (sh *shell) nested(inner script, program started) error {
	child := &shell{
		holes: sh.holes, variables: map[string]variable{}, functions: map[string]shellCommand{}, arguments: inner.arguments,
		place: program.place, choices: sh.choices, out: sh.out, depth: sh.depth,
	}
	for name, value := range program.env {
		child.variables[name] = variable{text: value, exported: true}
	}
	from := len(*sh.out)
	err := child.script(widen(inner.text))
	for i := from; program.beside && i < len(*sh.out); i++ {
		(*sh.out)[i].beside = true
	}
	return err
}

// call runs a function.
func (sh *shell) call(body shellCommand, words []string) error {
	if sh.depth++; sh.depth > maxScripts {
		return errors.New("functions call functions too deep to follow")
	}
	defer func() { sh.depth-- }()
	outer := sh.arguments
	sh.arguments = words
	err := sh.command(body, false, false)
	sh.arguments, sh.finished = outer, false
	return err
}

// inherit adds exported variables to those that a program is given itself.
func (sh *shell) inherit(program *started) error {
	own := program.env
	program.env = environment{}
	for name, v := range sh.variables {
		if v.exported && !v.isList {
			program.env[name] = v.text
		}
	}
	maps.Copy(program.env, own)
	return sh.choices.spend(64 * len(program.env))
}
