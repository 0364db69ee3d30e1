package launch

// The parts of a shell script that a command line is made of. What is not listed
// here is refused by the parser or read as an opaque part.

// list is a sequence of commands.
type list []entry

// entry is a command and the operator behind it: ";", "&", "&&", "||" or "|".
type entry struct {
	command  node
	operator string
}

// node is one of *simple, *branch, *loop, *group and *function.
type node any

// simple is a command with its arguments, or assignments alone.
type simple struct {
	at      int // byte of the script at which it begins
	assigns []assignment
	words   []word
}

// assignment is NAME=value, NAME+=value or NAME=(words).
type assignment struct {
	name    string
	appends bool
	value   word
	array   []word
	isArray bool
}

// branch is an if or a case.
type branch struct {
	arms []arm
	// complete says that one of the arms is taken: there is an else or a *).
	complete bool
}

type arm struct {
	condition list // nil for else and for the patterns of case
	body      list
}

// loop is a for, while or until. variable is what for sets.
type loop struct {
	variable string
	body     list
}

// group is { list; } or, if it is in a subshell, ( list ).
type group struct {
	body     list
	subshell bool
}

type function struct {
	name string
	body node
}

// word is one word before expansion.
type word []part

// part is a stretch of a word. Exactly one of text, name and opaque is set; an empty
// quoted text has none.
type part struct {
	quoted bool
	text   string
	// name is a variable's, "@" or "*" for all arguments, "args[@]" for all elements
	// of an array. operator is "", or one of :- - := = :+ + with its operand.
	name, operator string
	operand        word
	// opaque is the spelling of what only the running shell can work out.
	opaque, because string
}

// literal returns the word's text if it needs no expansion.
func (w word) literal() (string, bool) {
	text := ""
	for _, p := range w {
		if p.name != "" || p.opaque != "" {
			return "", false
		}
		text += p.text
	}
	return text, true
}

// leading is the unquoted text that the word begins with.
func (w word) leading() string {
	if len(w) == 0 || w[0].quoted {
		return ""
	}
	return w[0].text
}
