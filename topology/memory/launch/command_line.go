package launch

import (
	"fmt"
	"slices"
	"strings"
)

// commandLine is what a server's words come to.
type commandLine struct {
	given []flagOccurrence
	// anything are places at which there may be any flag.
	anything     []unseenFlags
	words        []placedWord
	unrecognised []string
	// mayBeValue says why words may belong to a flag that is not known.
	mayBeValue string
}

type flagOccurrence struct {
	setting *flagSetting
	givenFlag
}

// unseenFlags stands for flags that are not in sight, behind the first after flags.
type unseenFlags struct {
	after   int
	because string
}

// switchPrefixes are beginnings of flags that take no value, among those not known.
var switchPrefixes = []string{"--enable-", "--disable-", "--no-", "--use-", "--skip-", "--trust-", "--log-", "--is-"}

// parseWords sorts a server's words into flags and others.
func (d *flagDialect) parseWords(words []placedWord, h *unknownTexts, cl *commandLine) error {
	objects := map[*flagSetting]int{} // of dotted flags, where in dotted
	var dotted []flagOccurrence
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w.text == "--" {
			cl.words = append(cl.words, words[i+1:]...)
			break
		}
		if !isFlagWord(w.text) {
			if err := d.sortWord(w, h, cl); err != nil {
				return err
			}
			continue
		}
		f := d.takeApart(w)
		if missing, found := h.firstIn(f.name); found {
			cl.anything = append(cl.anything, unseenFlags{len(cl.given),
				w.place + ": " + h.showText(f.name) + " may be any flag: " + missing.because})
			continue
		}
		rest := words[i+1:]
		values := 0
		for values < len(rest) && !isFlagWord(rest[values].text) && rest[values].text != "--" {
			values++
		}
		if f.setting == nil {
			i += d.noteUnrecognised(f, rest[:values], h, cl)
			continue
		}
		used, err := f.takeValue(rest[:values], h)
		if err != nil {
			return err
		}
		i += used
		if f.path == "" {
			cl.given = append(cl.given, flagOccurrence{f.setting, f.givenFlag})
			continue
		}
		at, found := objects[f.setting]
		if !found {
			at = len(dotted)
			objects[f.setting] = at
			first := f.givenFlag
			first.object = map[string]any{}
			dotted = append(dotted, flagOccurrence{f.setting, first})
		}
		if err := setKey(dotted[at].object, f.path, f.text); err != nil {
			return f.refuseValue("%w", err)
		}
	}
	// Dotted flags come to one JSON text behind all others (vLLM's FlexibleArgumentParser).
	cl.given = append(cl.given, dotted...)
	return nil
}

// writtenFlag is one flag as it stands on the command line.
type writtenFlag struct {
	givenFlag
	setting  *flagSetting // nil for one that is not known
	path     string       // of a dotted flag, behind the first point
	hasValue bool         // in the same word
}

// takeApart takes a flag's word apart.
func (d *flagDialect) takeApart(w placedWord) writtenFlag {
	name, value, hasValue := strings.Cut(w.text, "=")
	f := writtenFlag{givenFlag: givenFlag{name: name, text: value, place: w.place}, hasValue: hasValue}
	key, path, isDotted := strings.Cut(canonicalName(name), ".")
	f.setting, f.negated = d.findFlag(key)
	switch {
	case isDotted && f.setting != nil && f.setting.object:
		f.path = path
	case isDotted:
		f.setting = nil
	}
	// -q and its value in one word.
	if short := d.findExact(w.text[:2]); f.setting == nil && w.text[1] != '-' && len(w.text) > 2 && short != nil && short.takes == takesOne {
		f.name, f.text, f.hasValue, f.setting = w.text[:2], w.text[2:], true, short
	}
	return f
}

// sortWord sorts a word that is no flag.
func (d *flagDialect) sortWord(w placedWord, h *unknownTexts, cl *commandLine) error {
	if missing, found := h.firstIn(w.text); found && (len(cl.words) >= d.words || w.text[0] == '-') {
		cl.anything = append(cl.anything, unseenFlags{len(cl.given),
			w.place + ": " + h.showText(w.text) + " may hold any flags: " + missing.because})
		return nil
	}
	if strings.HasPrefix(w.text, "--") && !d.lenient {
		return fmt.Errorf("%s: %q is one word, make the flag and its value two", w.place, h.showText(w.text))
	}
	cl.words = append(cl.words, w)
	return nil
}

// noteUnrecognised notes a flag that is not known, and returns how many words it may take.
func (d *flagDialect) noteUnrecognised(f writtenFlag, values []placedWord, h *unknownTexts, cl *commandLine) int {
	cl.unrecognised = append(cl.unrecognised, h.showText(f.name))
	if f.hasValue || slices.ContainsFunc(switchPrefixes, func(s string) bool { return strings.HasPrefix(canonicalName(f.name), s) }) {
		return 0
	}
	if len(values) > 0 && len(cl.words) < d.words {
		cl.mayBeValue = fmt.Sprintf("%s is not known, so %q may be its value", f.name, h.showText(values[0].text))
	}
	return len(values)
}

// takeValue gives a flag its value from the words behind it, and returns how many it took.
func (f *writtenFlag) takeValue(values []placedWord, h *unknownTexts) (int, error) {
	takes := f.setting.takes
	if f.path != "" {
		takes = takesOne
	}
	switch {
	case takes == takesNone && f.hasValue:
		return 0, f.refuseValue("takes no value, leave %q out", h.showText("="+f.text))
	case takes == takesNone:
		return 0, nil
	case f.hasValue:
		f.list = []string{f.text}
		return 0, nil
	case len(values) == 0:
		return 0, f.refuseValue("a value is missing behind it")
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
