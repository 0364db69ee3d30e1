package launch

import (
	"slices"
	"strings"
)

// inert are commands that neither start a server nor set a variable.
var inert = []string{
	"[", "[[", "test", ":", "true", "false", "echo", "printf", "cat", "cd", "chmod", "chown", "cp", "curl", "date", "df", "dirname", "env",
	"free", "grep", "head", "hostname", "id", "kill", "ldconfig", "ln", "ls", "mkdir", "mount", "mv", "nvidia-smi", "pip", "pip3", "ps",
	"pwd", "rm", "sed", "seq", "set", "sleep", "sort", "tail", "tar", "tee", "touch", "tr", "trap", "ulimit", "umask", "uname", "wait", "wget", "which",
	"apt", "apt-get", "awk", "break", "continue", "command", "basename", "getent", "ibstat", "modprobe", "sysctl", "exit", "return", "let",
}

// relevant finds the variables on which the words of programs may depend, directly
// or through one another. Forks that set no such variable need not be followed.
func relevant(commands commandList) map[string]bool {
	needs := map[string]bool{}
	var settings []variableAssignment
	each(commands, func(s *simpleCommand) {
		settings = append(settings, s.assigns...)
		if s.isInert() {
			return
		}
		for _, w := range s.words {
			w.names(needs)
		}
		for _, w := range s.words {
			for _, p := range w {
				inText(p.text, needs) // eval and other shells read it a second time
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
			a.value.names(needs)
			for _, w := range a.array {
				w.names(needs)
			}
			grown = grown || len(needs) > before
		}
	}
	return needs
}

// matters reports whether a command may start a program, end the script or set a
// variable on which one depends.
func (sh *shell) matters(n shellCommand) bool {
	found := false
	each(commandList{{command: n}}, func(s *simpleCommand) {
		found = found || !s.isInert() && len(s.words) > 0 && !s.declares()
		for _, a := range s.assigns {
			found = found || sh.relevant[a.name] || isSetting(a.name)
		}
		for _, name := range s.calculates {
			found = found || sh.relevant[name] || isSetting(name)
		}
	})
	return found
}

func (s *simpleCommand) isInert() bool {
	if len(s.words) == 0 {
		return true
	}
	name, known := s.words[0].literalText()
	return known && (slices.Contains(inert, name) || s.declares())
}

func (s *simpleCommand) declares() bool {
	return len(s.words) > 0 && slices.Contains(declarationCommands, s.words[0].leadingText())
}

// each visits all simple commands, also within others.
func each(commands commandList, visit func(*simpleCommand)) {
	for _, e := range commands {
		switch n := e.command.(type) {
		case *simpleCommand:
			visit(n)
		case *groupCommand:
			each(n.body, visit)
		case *loopCommand:
			each(n.body, visit)
		case *functionCommand:
			each(commandList{{command: n.body}}, visit)
		case *branchCommand:
			for _, a := range n.arms {
				each(a.condition, visit)
				each(a.body, visit)
			}
		}
	}
}

// assigned collects the variables that commands set.
func assigned(commands commandList, into map[string]bool) {
	each(commands, func(s *simpleCommand) {
		for _, a := range s.assigns {
			into[a.name] = true
		}
		for _, name := range s.calculates {
			into[name] = true
		}
	})
}

// names collects the variables that a word mentions.
func (w shellWord) names(into map[string]bool) {
	for _, p := range w {
		if p.name != "" {
			into[strings.TrimSuffix(p.name, "[@]")] = true
		}
		p.operand.names(into)
	}
}

// inText collects what looks like $NAME or ${NAME in a text.
func inText(text string, into map[string]bool) {
	for {
		_, after, found := strings.Cut(text, "$")
		if !found {
			return
		}
		after = strings.TrimPrefix(after, "{")
		end := 0
		for end < len(after) && isName(after[end]) {
			end++
		}
		if end > 0 {
			into[after[:end]] = true
		}
		text = after[end:]
	}
}
