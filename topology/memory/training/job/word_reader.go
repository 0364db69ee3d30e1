package job

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// wordArgument is a flag with its value, a key=value word, or a word that is neither, whose name is "".
type wordArgument struct {
	name, value string
	// bare says that no value stands behind the flag.
	bare  bool
	place string
	// unknown says why the value is not known, "" if it is.
	unknown string
}

// plainName is a flag's name without dashes, in lower case, with underscores.
func plainName(flag string) string {
	return strings.ReplaceAll(strings.TrimLeft(flag, "-"), "-", "_")
}

// splitLauncher divides the words behind a launcher into its own flags and those of what it starts.
func (f *foundLauncher) splitLauncher() (own, rest []wordArgument, script string) {
	words, at := f.program.Words, f.at
	if f.isTrainer {
		if rest = readArguments(f.program, at); len(rest) > 0 && rest[0].name == "" {
			script = rest[0].value // trl sft
		}
		return nil, rest, script
	}
	for at < len(words) {
		word := words[at]
		if !strings.HasPrefix(word, "-") {
			break
		}
		name, value, joined := strings.Cut(word, "=")
		a := wordArgument{name: plainName(name), value: value, place: f.placeOf(at), unknown: f.program.Unknown[at]}
		switch takes := slices.Contains(f.own, a.name) || slices.Contains(f.own, strings.TrimLeft(name, "-")); {
		case joined:
		case takes && at+1 < len(words):
			at++
			a.value = words[at]
			if a.unknown == "" {
				a.unknown = f.program.Unknown[at]
			}
			if a.name == "x" { // mpirun exports a variable: -x NAME or -x NAME=VALUE
				a.bare = true
			}
		default:
			a.bare = true
		}
		own = append(own, a)
		at++
	}
	for at < len(words) && (isPython(lastPart(words[at])) || words[at] == "-u" || words[at] == "-m" || words[at] == "--") {
		at++
	}
	if at < len(words) {
		script = words[at]
		at++
	}
	return own, readArguments(f.program, at), script
}

func lastPart(word string) string { return word[strings.LastIndex(word, "/")+1:] }

// placeOf names the words at a place for people: "args[0]: --optim".
func (f *foundLauncher) placeOf(at int) string {
	return fmt.Sprintf("%s: %s", f.program.Place, f.program.Words[at])
}

// readArguments reads words as argparse does: a flag takes the words behind it up to the next flag, or to a
// key=value word as torchtune takes them.
func readArguments(p *launch.Program, at int) []wordArgument {
	var all []wordArgument
	for at < len(p.Words) {
		word, unknown := p.Words[at], p.Unknown[at]
		place := fmt.Sprintf("%s: %s", p.Place, word)
		name, value, joined := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "-") && joined:
			all = append(all, wordArgument{name: plainName(name), value: value, place: place, unknown: unknown})
		case strings.HasPrefix(word, "-"):
			a := wordArgument{name: plainName(word), place: place, unknown: unknown, bare: true}
			var values []string
			for at+1 < len(p.Words) && !isFlagLike(p.Words[at+1]) && (len(values) == 0 || !strings.Contains(p.Words[at+1], "=")) {
				at++
				values = append(values, p.Words[at])
				if why := p.Unknown[at]; why != "" {
					a.unknown = why
				}
			}
			if len(values) > 0 {
				a.value, a.bare, a.place = strings.Join(values, " "), false, place+" "+strings.Join(values, " ")
			}
			all = append(all, a)
		case joined && name != "" && !strings.ContainsAny(name, "/ "):
			all = append(all, wordArgument{name: plainName(name), value: value, place: place, unknown: unknown})
		default:
			all = append(all, wordArgument{value: word, place: place, unknown: unknown})
		}
		at++
	}
	return all
}

// isFlagLike reports whether a word is a flag rather than a negative number.
func isFlagLike(word string) bool {
	return strings.HasPrefix(word, "-") && len(word) > 1 && (word[1] < '0' || word[1] > '9')
}
