package launch

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// startedProgram is a program that a script starts.
type startedProgram struct {
	words []string // with unknown text
	env   containerEnv
	place string
	// beside says that the script goes on without waiting for the program.
	beside bool
}

// shellVariable is a shell variable: a text, or a list of words.
type shellVariable struct {
	text     string
	list     []string
	isList   bool
	exported bool
}

// shellRun is one run of a script. Where the script's way depends on what only the
// container knows, the run follows choices; runs tries all of them.
type shellRun struct {
	unknowns  *unknownTexts
	variables map[string]shellVariable
	functions map[string]shellCommand
	arguments []string
	unsure    bool // the arguments are not known
	place     string
	depth     int
	relevant  map[string]bool // variables on which a program's words may depend
	choices   *runChoices
	out       *[]startedProgram
	// finished says that an exit, an exec or an unknown end was reached.
	finished bool
}

// runScript runs a script's text in this shell.
func (sh *shellRun) runScript(text string) error {
	if sh.depth++; sh.depth > maxScripts {
		return errors.New("scripts call scripts too deep to follow")
	}
	defer func() { sh.depth-- }()
	if len(text) > MaxText {
		return tooLongError(sh.place)
	}
	p, err := sh.choices.parseOnce(text)
	if err != nil {
		return err
	}
	outer := sh.relevant
	sh.relevant = p.relevant
	defer func() { sh.relevant = outer }()
	return sh.runList(p.commands)
}

func (sh *shellRun) runList(commands commandList) error {
	run, status := true, true
	for i, e := range commands {
		if sh.finished {
			return nil
		}
		if run {
			piped := e.operator == "&" || e.operator == "|" || i > 0 && commands[i-1].operator == "|"
			if err := sh.runCommand(e.command, e.operator == "&", piped); err != nil {
				return err
			}
			status = sh.listSucceeds(commands[i:])
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

// listSucceeds reports whether the first of some commands succeeds. A test may go either
// way, if what follows depends on it and matters. Other commands are there to succeed.
func (sh *shellRun) listSucceeds(commands commandList) bool {
	holds, known := sh.commandSucceeds(commands[0])
	if known {
		return holds
	}
	for i := 0; i+1 < len(commands) && (commands[i].operator == "&&" || commands[i].operator == "||"); i++ {
		if i == maxNesting || sh.isRelevant(commands[i+1].command) {
			return sh.choices.chooseWay(2) == 0
		}
	}
	return true
}

func (sh *shellRun) runCommand(n shellCommand, beside, subshell bool) error {
	if sh.choices.steps++; sh.choices.steps > maxSteps {
		return errTooManyWays
	}
	g, isGroup := n.(*groupCommand)
	if subshell || isGroup && g.subshell {
		if err := sh.choices.spendWork(64 * len(sh.variables)); err != nil {
			return err
		}
		outer, finished := maps.Clone(sh.variables), sh.finished
		defer func() { sh.variables, sh.finished = outer, finished }()
	}
	switch n := n.(type) {
	case *simpleCommand:
		return sh.runSimple(n, beside)
	case *groupCommand:
		from := len(*sh.out)
		err := sh.runList(n.body)
		for i := from; beside && i < len(*sh.out); i++ {
			(*sh.out)[i].beside = true
		}
		return err
	case *functionCommand:
		sh.functions[n.name] = n.body
	case *branchCommand:
		return sh.runBranch(n)
	case *loopCommand:
		return sh.runLoop(n)
	}
	return nil
}

func (sh *shellRun) runBranch(b *branchCommand) error {
	if !sh.isRelevant(b) {
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
			holds, known = sh.commandSucceeds(a.condition[0])
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
		way = sh.choices.chooseWay(ways)
	}
	if way == len(open) {
		return nil
	}
	chosen := b.arms[open[way]]
	if err := sh.runList(chosen.condition); err != nil {
		return err
	}
	return sh.runList(chosen.body)
}

// runLoop runs the body once, with unknown text for what the loop may change.
func (sh *shellRun) runLoop(l *loopCommand) error {
	if !sh.isRelevant(l) {
		return nil
	}
	changed := map[string]bool{l.variable: l.variable != ""}
	collectAssigned(l.body, changed)
	forget := func() {
		for name := range changed {
			sh.markVariableUnknown(name, "is set in a loop")
		}
	}
	forget()
	if err := sh.runList(l.body); err != nil {
		return err
	}
	sh.finished = false
	forget()
	return nil
}

func (sh *shellRun) markVariableUnknown(name, because string) {
	if name != "" {
		old := sh.variables[name]
		sh.variables[name] = shellVariable{text: sh.unknowns.addText(unknownWord, "${"+name+"}", "variable "+name+" "+because),
			exported: old.exported}
	}
}

func (sh *shellRun) commandPosition(s *simpleCommand) string {
	if sh.depth > 1 {
		return sh.place // of the command that the script is part of
	}
	return fmt.Sprintf("%s line %d", sh.place, s.line)
}

func (sh *shellRun) runSimple(s *simpleCommand, beside bool) error {
	defer func() {
		for _, name := range s.calculates {
			sh.markVariableUnknown(name, "is calculated")
		}
	}()
	words, err := sh.expandWords(s.words)
	if err != nil {
		return err
	}
	values := make([]shellVariable, len(s.assigns))
	for i, a := range s.assigns {
		if values[i], err = sh.expandAssignment(a); err != nil {
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
		return sh.callFunction(body, words)
	}
	if slices.Contains(declarationCommands, name) {
		for i, a := range s.assigns {
			values[i].exported = name == "export" || slices.Contains(words, "-x") || sh.variables[a.name].exported
			sh.variables[a.name] = values[i]
		}
		for _, w := range words[1:] {
			if set, value, isSet := strings.Cut(w, "="); isSet && isVariableName(set) { // export "NAME=value"
				sh.variables[set] = shellVariable{text: value, exported: name == "export" || sh.variables[set].exported}
			}
			if v, found := sh.variables[w]; found && name == "export" {
				v.exported = true
				sh.variables[w] = v
			}
		}
		return nil
	}
	own := containerEnv{}
	for i, a := range s.assigns {
		own[a.name] = values[i].text
	}
	return sh.startProgram(startedProgram{words: words, env: own, place: sh.commandPosition(s), beside: beside})
}

// expandAssignment expands an assignment.
func (sh *shellRun) expandAssignment(a variableAssignment) (shellVariable, error) {
	old := sh.variables[a.name]
	if a.isArray {
		list, err := sh.expandWords(a.array)
		if a.appends {
			list = append(slices.Clone(old.list), list...)
		}
		return shellVariable{list: list, isList: true}, err
	}
	text, err := sh.joinWord(a.value)
	if a.appends {
		text = old.text + text
	}
	if len(text) > MaxText {
		return shellVariable{}, tooLongError("variable " + a.name)
	}
	if err == nil {
		err = sh.choices.spendWork(len(text))
	}
	return shellVariable{text: text}, err
}
