package launch

import "slices"

// conditionCommands are commands whose outcome is a question, not a success.
var conditionCommands = []string{"[", "[[", "test", "grep", "command", "which", "getent", "false", "pgrep", "nvidia-smi", "let"}

// commandSucceeds works out whether a command succeeds.
func (sh *shellRun) commandSucceeds(e listEntry) (holds, known bool) {
	holds, known = true, true
	if s, isSimple := e.command.(*simpleCommand); isSimple {
		holds, known = sh.evaluateCondition(s)
	}
	return holds != e.negated, known
}

// evaluateCondition works a condition out, if it compares what is known. Other commands are
// taken to succeed.
func (sh *shellRun) evaluateCondition(s *simpleCommand) (holds, known bool) {
	if len(s.words) == 0 {
		return true, true
	}
	name, literal := s.words[0].literalText()
	switch {
	case !literal || !slices.Contains(conditionCommands, name):
		return true, true
	case name == "false":
		return false, true
	case name != "[" && name != "[[" && name != "test":
		return true, false
	}
	var words []string
	for _, w := range s.words[1:] {
		text, err := sh.joinWord(w)
		if err != nil || hasUnknown(text) {
			return true, false
		}
		words = append(words, text)
	}
	if n := len(words); n > 0 && (words[n-1] == "]" || words[n-1] == "]]") {
		words = words[:n-1]
	}
	negated := len(words) > 0 && words[0] == "!"
	if negated {
		words = words[1:]
	}
	switch {
	case len(words) == 1:
		holds = words[0] != ""
	case len(words) == 2 && words[0] == "-n":
		holds = words[1] != ""
	case len(words) == 2 && words[0] == "-z":
		holds = words[1] == ""
	case len(words) == 3 && (words[1] == "=" || words[1] == "==") && !textHasWildcards(words[2]):
		holds = words[0] == words[2]
	case len(words) == 3 && words[1] == "!=" && !textHasWildcards(words[2]):
		holds = words[0] != words[2]
	default:
		return true, false
	}
	return holds != negated, true
}
