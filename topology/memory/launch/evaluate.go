package launch

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// started is a program that a script starts.
type started struct {
	words []string // with holes
	env   environment
	place string
	// beside says that the script goes on without waiting for the program.
	beside bool
}

// variable is a shell variable: a text, or a list of words.
type variable struct {
	text     string
	list     []string
	isList   bool
	exported bool
}

// shell is one run of a script. Where the script's way depends on what only the
// container knows, the run follows choices; runs tries all of them.
type shell struct {
	holes     *holes
	variables map[string]variable
	functions map[string]shellCommand
	arguments []string
	unsure    bool // the arguments are not known
	place     string
	depth     int
	relevant  map[string]bool // variables on which a program's words may depend
	choices   *choices
	out       *[]started
	// finished says that an exit, an exec or an unknown end was reached.
	finished bool
}

// script runs a script's text in this shell.
func (sh *shell) script(text string) error {
	if sh.depth++; sh.depth > maxScripts {
		return errors.New("scripts call scripts too deep to follow")
	}
	defer func() { sh.depth-- }()
	if len(text) > MaxText {
		return tooLong(sh.place)
	}
	p, err := sh.choices.parse(text)
	if err != nil {
		return err
	}
	outer := sh.relevant
	sh.relevant = p.relevant
	defer func() { sh.relevant = outer }()
	return sh.list(p.commands)
}

func (sh *shell) list(commands commandList) error {
	run, status := true, true
	for i, e := range commands {
		if sh.finished {
			return nil
		}
		if run {
			piped := e.operator == "&" || e.operator == "|" || i > 0 && commands[i-1].operator == "|"
			if err := sh.command(e.command, e.operator == "&", piped); err != nil {
				return err
			}
			status = sh.outcome(commands[i:])
		}
		switch e.operator {
		case "&&":
			run = status
		case "||":
			run = !status
		default:
			run = true
		}
	}
	return nil
}

// outcome reports whether the first of some commands succeeds. A test may go either
// way, if what follows depends on it and matters. Other commands are there to succeed.
func (sh *shell) outcome(commands commandList) bool {
	holds, known := sh.test(commands[0])
	if known {
		return holds
	}
	for i := 0; i+1 < len(commands) && (commands[i].operator == "&&" || commands[i].operator == "||"); i++ {
		if i == maxNesting || sh.matters(commands[i+1].command) {
			return sh.choices.choose(2) == 0
		}
	}
	return true
}

func (sh *shell) command(n shellCommand, beside, subshell bool) error {
	if sh.choices.steps++; sh.choices.steps > maxSteps {
		return errTooManyWays
	}
	g, isGroup := n.(*groupCommand)
	if subshell || isGroup && g.subshell {
		if err := sh.choices.spend(64 * len(sh.variables)); err != nil {
			return err
		}
		outer, finished := maps.Clone(sh.variables), sh.finished
		defer func() { sh.variables, sh.finished = outer, finished }()
	}
	switch n := n.(type) {
	case *simpleCommand:
		return sh.simple(n, beside)
	case *groupCommand:
		from := len(*sh.out)
		err := sh.list(n.body)
		for i := from; beside && i < len(*sh.out); i++ {
			(*sh.out)[i].beside = true
		}
		return err
	case *functionCommand:
		sh.functions[n.name] = n.body
	case *branchCommand:
		return sh.branch(n)
	case *loopCommand:
		return sh.loop(n)
	}
	return nil
}

func (sh *shell) branch(b *branchCommand) error {
	if !sh.matters(b) {
		return nil
	}
	// Tests that can be worked out leave fewer ways open.
	var open []int
	certain := false
	for i, a := range b.arms {
		if a.condition == nil {
			open = append(open, i)
			continue
		}
		holds, known := true, false
		if len(a.condition) == 1 {
			holds, known = sh.test(a.condition[0])
		}
		if !known {
			open = append(open, i)
		} else if holds {
			open, certain = append(open, i), true
			break
		}
	}
	ways := len(open)
	if !b.complete && !certain {
		ways++
	}
	if ways == 0 {
		return nil
	}
	way := 0
	if ways > 1 {
		way = sh.choices.choose(ways)
	}
	if way == len(open) {
		return nil
	}
	chosen := b.arms[open[way]]
	if err := sh.list(chosen.condition); err != nil {
		return err
	}
	return sh.list(chosen.body)
}

// loop runs the body once, with holes for what the loop may change.
func (sh *shell) loop(l *loopCommand) error {
	if !sh.matters(l) {
		return nil
	}
	changed := map[string]bool{l.variable: l.variable != ""}
	assigned(l.body, changed)
	forget := func() {
		for name := range changed {
			sh.forget(name, "is set in a loop")
		}
	}
	forget()
	if err := sh.list(l.body); err != nil {
		return err
	}
	sh.finished = false
	forget()
	return nil
}

func (sh *shell) forget(name, because string) {
	if name != "" {
		old := sh.variables[name]
		sh.variables[name] = variable{text: sh.holes.add(oneWord, "${"+name+"}", "variable "+name+" "+because), exported: old.exported}
	}
}

func (sh *shell) where(s *simpleCommand) string {
	if sh.depth > 1 {
		return sh.place // of the command that the script is part of
	}
	return fmt.Sprintf("%s line %d", sh.place, s.line)
}

func (sh *shell) simple(s *simpleCommand, beside bool) error {
	defer func() {
		for _, name := range s.calculates {
			sh.forget(name, "is calculated")
		}
	}()
	words, err := sh.fields(s.words)
	if err != nil {
		return err
	}
	values := make([]variable, len(s.assigns))
	for i, a := range s.assigns {
		if values[i], err = sh.assigned(a); err != nil {
			return err
		}
		if len(words) == 0 {
			values[i].exported = sh.variables[a.name].exported
			sh.variables[a.name] = values[i]
		}
	}
	if len(words) == 0 {
		return nil
	}
	name := words[0]
	if body, found := sh.functions[name]; found {
		return sh.call(body, words)
	}
	if slices.Contains(declarationCommands, name) {
		for i, a := range s.assigns {
			values[i].exported = name == "export" || slices.Contains(words, "-x") || sh.variables[a.name].exported
			sh.variables[a.name] = values[i]
		}
		for _, w := range words[1:] {
			if set, value, isSet := strings.Cut(w, "="); isSet && isVariable(set) { // export "NAME=value"
				sh.variables[set] = variable{text: value, exported: name == "export" || sh.variables[set].exported}
			}
			if v, found := sh.variables[w]; found && name == "export" {
				v.exported = true
				sh.variables[w] = v
			}
		}
		return nil
	}
	own := environment{}
	for i, a := range s.assigns {
		own[a.name] = values[i].text
	}
	return sh.start(started{words: words, env: own, place: sh.where(s), beside: beside})
}

// assigned expands an assignment.
func (sh *shell) assigned(a variableAssignment) (variable, error) {
	old := sh.variables[a.name]
	if a.isArray {
		list, err := sh.fields(a.array)
		if a.appends {
			list = append(slices.Clone(old.list), list...)
		}
		return variable{list: list, isList: true}, err
	}
	text, err := sh.joined(a.value)
	if a.appends {
		text = old.text + text
	}
	if len(text) > MaxText {
		return variable{}, tooLong("variable " + a.name)
	}
	if err == nil {
		err = sh.choices.spend(len(text))
	}
	return variable{text: text}, err
}
