package launch

import (
	"fmt"
	"slices"
	"strings"
)

// commandLine is what a server's words come to.
type commandLine struct {
	given []occurrence
	// anything are places at which there may be any flag.
	anything     []unseen
	words        []argument
	unrecognised []string
	// doubtful says why words may belong to a flag that is not known.
	doubtful string
}

type occurrence struct {
	setting *setting
	given
}

// unseen stands for flags that are not in sight, behind the first after flags.
type unseen struct {
	after   int
	because string
}

// switches are beginnings of flags that take no value, among those not known.
var switches = []string{"--enable-", "--disable-", "--no-", "--use-", "--skip-", "--trust-", "--log-", "--is-"}

// parse sorts a server's words into flags and others.
func (d *dialect) parse(words []argument, h *holes, cl *commandLine) error {
	objects := map[*setting]int{} // of dotted flags, where in dotted
	var dotted []occurrence
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w.text == "--" {
			cl.words = append(cl.words, words[i+1:]...)
			break
		}
		if !isFlag(w.text) {
			if err := d.aside(w, h, cl); err != nil {
				return err
			}
			continue
		}
		f := d.flag(w)
		if hole, found := h.first(f.name); found {
			cl.anything = append(cl.anything, unseen{len(cl.given), w.place + ": " + h.show(f.name) + " may be any flag: " + hole.because})
			continue
		}
		rest := words[i+1:]
		values := 0
		for values < len(rest) && !isFlag(rest[values].text) && rest[values].text != "--" {
			values++
		}
		if f.setting == nil {
			i += d.unheard(f, rest[:values], h, cl)
			continue
		}
		used, err := f.take(rest[:values], h)
		if err != nil {
			return err
		}
		i += used
		if f.path == "" {
			cl.given = append(cl.given, occurrence{f.setting, f.given})
			continue
		}
		at, found := objects[f.setting]
		if !found {
			at = len(dotted)
			objects[f.setting] = at
			first := f.given
			first.object = map[string]any{}
			dotted = append(dotted, occurrence{f.setting, first})
		}
		if err := put(dotted[at].object, f.path, f.text); err != nil {
			return f.errorf("%w", err)
		}
	}
	// Dotted flags come to one JSON text behind all others (vLLM's FlexibleArgumentParser).
	cl.given = append(cl.given, dotted...)
	return nil
}

// written is one flag as it stands on the command line.
type written struct {
	given
	setting  *setting // nil for one that is not known
	path     string   // of a dotted flag, behind the first point
	hasValue bool     // in the same word
}

// flag takes a flag's word apart.
func (d *dialect) flag(w argument) written {
	name, value, hasValue := strings.Cut(w.text, "=")
	f := written{given: given{name: name, text: value, place: w.place}, hasValue: hasValue}
	key, path, isDotted := strings.Cut(spelled(name), ".")
	f.setting, f.negated = d.find(key)
	switch {
	case isDotted && f.setting != nil && f.setting.object:
		f.path = path
	case isDotted:
		f.setting = nil
	}
	// -q and its value in one word.
	if short := d.exact(w.text[:2]); f.setting == nil && w.text[1] != '-' && len(w.text) > 2 && short != nil && short.takes == takesOne {
		f.name, f.text, f.hasValue, f.setting = w.text[:2], w.text[2:], true, short
	}
	return f
}

// aside sorts a word that is no flag.
func (d *dialect) aside(w argument, h *holes, cl *commandLine) error {
	if hole, found := h.first(w.text); found && (len(cl.words) >= d.words || w.text[0] == '-') {
		cl.anything = append(cl.anything, unseen{len(cl.given), w.place + ": " + h.show(w.text) + " may hold any flags: " + hole.because})
		return nil
	}
	if strings.HasPrefix(w.text, "--") && !d.lenient {
		return fmt.Errorf("%s: %q is one word, make the flag and its value two", w.place, h.show(w.text))
	}
	cl.words = append(cl.words, w)
	return nil
}

// unheard notes a flag that is not known, and returns how many words it may take.
func (d *dialect) unheard(f written, values []argument, h *holes, cl *commandLine) int {
	cl.unrecognised = append(cl.unrecognised, h.show(f.name))
	if f.hasValue || slices.ContainsFunc(switches, func(s string) bool { return strings.HasPrefix(spelled(f.name), s) }) {
		return 0
	}
	if len(values) > 0 && len(cl.words) < d.words {
		cl.doubtful = fmt.Sprintf("%s is not known, so %q may be its value", f.name, h.show(values[0].text))
	}
	return len(values)
}

// take gives a flag its value from the words behind it, and returns how many it took.
func (f *written) take(values []argument, h *holes) (int, error) {
	takes := f.setting.takes
	if f.path != "" {
		takes = takesOne
	}
	switch {
	case takes == takesNone && f.hasValue:
		return 0, f.errorf("takes no value, leave %q out", h.show("="+f.text))
	case takes == takesNone:
		return 0, nil
	case f.hasValue:
		f.list = []string{f.text}
		return 0, nil
	case len(values) == 0:
		return 0, f.errorf("a value is missing behind it")
	case takes == takesOne:
		f.text = values[0].text
		return 1, nil
	}
	for _, v := range values {
		f.list = append(f.list, v.text)
	}
	f.text = strings.Join(f.list, " ")
	return len(values), nil
}
