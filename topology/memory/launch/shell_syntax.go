package launch

// The parts of a shell script that a command line is made of. What the shell has
// beyond them is refused by parseScript or kept as opaque text.

// commandList is a sequence of commands.
type commandList []listEntry

// listEntry is a command and the operator behind it: ";", "&", "&&", "||" or "|".
type listEntry struct {
	command  shellCommand
	operator string
	// negated says that the entry fails where its command, or the pipe that ends with
	// it, succeeds: "! command".
	negated bool
}

// shellCommand is one of *simpleCommand, *branchCommand, *loopCommand, *groupCommand
// and *functionCommand.
type shellCommand any

// simpleCommand is a command with its arguments, or assignments alone.
type simpleCommand struct {
	line    uint // of the script, from 1; 0 beyond what the parser counts
	assigns []variableAssignment
	words   []shellWord
	// calculates are variables that arithmetic in the command assigns to.
	calculates []string
}

// variableAssignment is NAME=value, NAME+=value or NAME=(words).
type variableAssignment struct {
	name    string
	appends bool
	value   shellWord
	array   []shellWord
	isArray bool
}

// branchCommand is an if or a case.
type branchCommand struct {
	arms []branchArm
	// complete says that one of the arms is taken: there is an else or a *).
	complete bool
}

type branchArm struct {
	condition commandList // nil for else and for the patterns of case
	body      commandList
}

// loopCommand is a for, while or until. variable is what for sets.
type loopCommand struct {
	variable string
	body     commandList
}

// groupCommand is { list; } or, if it is in a subshell, ( list ).
type groupCommand struct {
	body     commandList
	subshell bool
}

type functionCommand struct {
	name string
	body shellCommand
}

// shellWord is one word before expansion.
type shellWord []wordPart

// wordPart is a stretch of a word. Exactly one of text, name and opaque is set; an
// empty quoted text has none.
type wordPart struct {
	quoted bool
	text   string
	// name is a variable's, "@" or "*" for all arguments, "args[@]" for all elements
	// of an array. operator is "", or one of :- - := = :+ + with its operand.
	name, operator string
	operand        shellWord
	// opaque is the spelling of what only the running shell can work out.
	opaque, because string
}

// literalText returns the word's text if it needs no expansion.
func (w shellWord) literalText() (string, bool) {
	text := ""
	for _, p := range w {
		if p.name != "" || p.opaque != "" {
			return "", false
		}
		text += p.text
	}
	return text, true
}

// leadingText is the unquoted text that the word begins with.
func (w shellWord) leadingText() string {
	if len(w) == 0 || w[0].quoted {
		return ""
	}
	return w[0].text
}
