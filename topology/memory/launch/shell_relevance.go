package launch

import (
	"slices"
	"strings"
)

// inertCommands are commands that neither start a server nor set a variable.
var inertCommands = []string{
	"[", "[[", "test", ":", "true", "false", "echo", "printf", "cat", "cd", "chmod", "chown", "cp", "curl", "date", "df", "dirname", "env",
	"free", "grep", "head", "hostname", "id", "kill", "ldconfig", "ln", "ls", "mkdir", "mount", "mv", "nvidia-smi", "pip", "pip3", "ps",
	"pwd", "rm", "sed", "seq", "set", "sleep", "sort", "tail", "tar", "tee", "touch", "tr", "trap", "ulimit", "umask", "uname",
	"wait", "wget", "which",
	"apt", "apt-get", "awk", "break", "continue", "command", "basename", "getent", "ibstat", "modprobe", "sysctl", "exit", "return", "let",
}

// relevantVariables finds the variables on which the words of programs may depend, directly
// or through one another. Forks that set no such variable need not be followed.
func relevantVariables(commands commandList) map[string]bool {
	needs := map[string]bool{}
	var settings []variableAssignment
	eachSimple(commands, func(s *simpleCommand) {
		settings = append(settings, s.assigns...)
		if s.isInert() {
			return
		}
		for _, w := range s.words {
			w.collectNames(needs)
		}
		for _, w := range s.words {
			for _, p := range w {
				collectNamesInText(p.text, needs) // eval and other shells read it a second time
			}
		}
	})
	for grown := true; grown; {
		grown = false
		for _, a := range settings {
			if !needs[a.name] {
				continue
			}
			before := len(needs)
			a.value.collectNames(needs)
			for _, w := range a.array {
				w.collectNames(needs)
			}
			grown = grown || len(needs) > before
		}
	}
	return needs
}

// isRelevant reports whether a command may start a program, end the script or set a
// variable on which one depends.
func (sh *shellRun) isRelevant(n shellCommand) bool {
	found := false
	eachSimple(commandList{{command: n}}, func(s *simpleCommand) {
		found = found || !s.isInert() && len(s.words) > 0 && !s.isDeclaration()
		for _, a := range s.assigns {
			found = found || sh.relevant[a.name] || isServerVariable(a.name)
		}
		for _, name := range s.calculates {
			found = found || sh.relevant[name] || isServerVariable(name)
		}
	})
	return found
}

func (s *simpleCommand) isInert() bool {
	if len(s.words) == 0 {
		return true
	}
	name, known := s.words[0].literalText()
	return known && (slices.Contains(inertCommands, name) || s.isDeclaration())
}

func (s *simpleCommand) isDeclaration() bool {
	return len(s.words) > 0 && slices.Contains(declarationCommands, s.words[0].leadingText())
}

// eachSimple visits all simple commands, also within others.
func eachSimple(commands commandList, visit func(*simpleCommand)) {
	for _, e := range commands {
		switch n := e.command.(type) {
		case *simpleCommand:
			visit(n)
		case *groupCommand:
			eachSimple(n.body, visit)
		case *loopCommand:
			eachSimple(n.body, visit)
		case *functionCommand:
			eachSimple(commandList{{command: n.body}}, visit)
		case *branchCommand:
			for _, a := range n.arms {
				eachSimple(a.condition, visit)
				eachSimple(a.body, visit)
			}
		}
	}
}

// collectAssigned collects the variables that commands set.
func collectAssigned(commands commandList, into map[string]bool) {
	eachSimple(commands, func(s *simpleCommand) {
		for _, a := range s.assigns {
			into[a.name] = true
		}
		for _, name := range s.calculates {
			into[name] = true
		}
	})
}

// collectNames collects the variables that a word mentions.
func (w shellWord) collectNames(into map[string]bool) {
	for _, p := range w {
		if p.name != "" {
			into[strings.TrimSuffix(p.name, "[@]")] = true
		}
		p.operand.collectNames(into)
	}
}

// collectNamesInText collects what looks like $NAME or ${NAME in a text.
func collectNamesInText(text string, into map[string]bool) {
	for {
		_, after, found := strings.Cut(text, "$")
		if !found {
			return
		}
		after = strings.TrimPrefix(after, "{")
		end := 0
		for end < len(after) && isNameByte(after[end]) {
			end++
		}
		if end > 0 {
			into[after[:end]] = true
		}
		text = after[end:]
	}
}
