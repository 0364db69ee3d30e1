package launch

import (
	"errors"
	"maps"
	"strings"
)

// startProgram runs a builtin, another script, or notes a program.
func (sh *shellRun) startProgram(program startedProgram) error {
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
			if name, _, _ := strings.Cut(w, "="); isVariableName(name) {
				sh.markVariableUnknown(name, "is set by "+words[0])
			}
		}
	case "source", ".":
		for name := range sh.variables {
			sh.markVariableUnknown(name, "may be changed by a file that the script reads in")
		}
	case "eval":
		outer := sh.place
		defer func() { sh.place = outer }()
		sh.place = program.place
		return sh.runScript(asManyWords(strings.Join(words[1:], " ")))
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
			err := sh.startProgram(program)
			sh.finished = true
			return err
		}
	default:
		inner, nested, err := findScript(program.words)
		if err != nil {
			return err
		}
		if server, _ := findServer(placedWords(program)); nested || server != nil {
			if err := sh.inheritVariables(&program); err != nil {
				return err
			}
		}
		if nested {
			return sh.runNested(inner, program)
		}
		*sh.out = append(*sh.out, program)
	}
	return nil
}

// placedWords are a program's words, with their place.
func placedWords(p startedProgram) []placedWord {
	all := make([]placedWord, len(p.words))
	for i, w := range p.words {
		all[i] = placedWord{w, p.place}
	}
	return all
}

// runNested runs another shell's script: it sees exported variables only.
func (sh *shellRun) runNested(inner shellScript, program startedProgram) error {
	child := &shellRun{
		unknowns: sh.unknowns, variables: map[string]shellVariable{}, functions: map[string]shellCommand{}, arguments: inner.arguments,
		place: program.place, choices: sh.choices, out: sh.out, depth: sh.depth,
	}
	for name, value := range program.env {
		child.variables[name] = shellVariable{text: value, exported: true}
	}
	from := len(*sh.out)
	err := child.runScript(asManyWords(inner.text))
	for i := from; program.beside && i < len(*sh.out); i++ {
		(*sh.out)[i].beside = true
	}
	return err
}

// callFunction runs a function.
func (sh *shellRun) callFunction(body shellCommand, words []string) error {
	if sh.depth++; sh.depth > maxScripts {
		return errors.New("functions call functions too deep to follow")
	}
	defer func() { sh.depth-- }()
	outer := sh.arguments
	sh.arguments = words
	err := sh.runCommand(body, false, false)
	sh.arguments, sh.finished = outer, false
	return err
}

// inheritVariables adds exported variables to those that a program is given itself.
func (sh *shellRun) inheritVariables(program *startedProgram) error {
	own := program.env
	program.env = containerEnv{}
	for name, v := range sh.variables {
		if v.exported && !v.isList {
			program.env[name] = v.text
		}
	}
	maps.Copy(program.env, own)
	return sh.choices.spendWork(64 * len(program.env))
}
