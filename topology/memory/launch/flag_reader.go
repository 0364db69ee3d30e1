package launch

import (
	"fmt"
	"slices"
	"strings"
)

// flagReader puts a command line's flags into a Reading.
type flagReader struct {
	reading  *Reading
	program  *serverProgram
	unknowns *unknownTexts
	env      containerEnv
	gpus     int64
	image    string
	files    map[string]map[string]any
	// stored are where models come from, by the folder that they are put in.
	stored map[string]string
	flags  map[string]givenFlag // the last of each flag, by its first name
	words  []placedWord
}

// maxUnseen bounds how many places with unseen flags are told.
const maxUnseen = 8

// readWords reads the server's words. The last of several flags counts, as with argparse.
func (a *flagReader) readWords(words []placedWord) error {
	d := a.program.dialect
	var cl commandLine
	if err := a.readConfigFile(d, words, &cl); err != nil {
		return err
	}
	a.readEnv(d, &cl)
	if err := d.parseWords(words, a.unknowns, &cl); err != nil {
		return err
	}
	a.reading.Unrecognised = append(a.reading.Unrecognised, cl.unrecognised...)
	a.words, a.flags = cl.words, map[string]givenFlag{}
	if len(cl.words) > d.words && !d.lenient {
		w := cl.words[d.words]
		return fmt.Errorf("%s: %q belongs to no flag, %s would refuse it", w.place, a.unknowns.showText(w.text), a.reading.Server)
	}
	last := map[*flagSetting]int{}
	for i, o := range cl.given {
		last[o.setting] = i
		a.flags[o.setting.names[0]] = o.givenFlag
	}
	if _, named := a.flags["--model"]; cl.mayBeValue != "" && len(cl.words) == 0 && !named {
		a.reading.markUnknown(FieldModel, cl.mayBeValue)
	}
	if d.begin != nil {
		if err := d.begin(a); err != nil {
			return err
		}
	}
	for i, o := range cl.given {
		if last[o.setting] != i || o.setting.read == nil {
			continue
		}
		if err := a.readFlag(o); err != nil {
			return err
		}
	}
	if n := len(cl.anything); n > maxUnseen {
		cl.anything = append(cl.anything[:maxUnseen-1], cl.anything[n-1])
	}
	for _, u := range cl.anything {
		for i := range d.settings {
			s := &d.settings[i]
			if at, found := last[s]; found && at >= u.after || s.read == nil {
				continue
			}
			for _, field := range s.fields {
				if field == FieldModel && a.flags["--model"].name == "" && len(a.words) > 0 {
					continue // it stands alone, in front
				}
				if !a.isExplicitBehind(d, field, u.after, cl.given, last) {
					a.reading.markUnknown(field, u.because)
				}
			}
		}
	}
	if d.finish != nil {
		return d.finish(a)
	}
	return nil
}

// isExplicitBehind reports whether a field is set by a flag that comes after others unseen.
func (a *flagReader) isExplicitBehind(d *flagDialect, field Field, after int, all []flagOccurrence, last map[*flagSetting]int) bool {
	for i := range d.settings {
		s := &d.settings[i]
		if at, found := last[s]; found && at >= after && slices.Contains(s.fields, field) && !hasUnknown(all[at].text) {
			return true
		}
	}
	return false
}

// readFlag applies one flag.
func (a *flagReader) readFlag(o flagOccurrence) error {
	shown := o.givenFlag
	shown.text = a.unknowns.showText(shown.text)
	missing, found := a.unknowns.firstIn(o.text + strings.Join(o.list, " "))
	if o.object != nil {
		if missing, found = a.unknowns.firstInJSON(o.object); o.setting.partial {
			found = false
		}
	}
	if found {
		for _, field := range o.setting.fields {
			a.reading.markUnknown(field, shown.whereGiven()+": "+missing.because)
		}
		return nil
	}
	if err := o.setting.read(a, o.givenFlag); err != nil {
		return err
	}
	for _, field := range o.setting.fields {
		a.reading.Explicit[field] = shown.whereGiven()
	}
	return nil
}

// readEnv adds flags that the container's environment gives.
func (a *flagReader) readEnv(d *flagDialect, cl *commandLine) {
	for i := range d.settings {
		s := &d.settings[i]
		if s.env == "" {
			continue
		}
		if value, found := a.env[s.env]; found {
			g := givenFlag{name: s.env, text: value, place: "env"}
			if s.takes == takesSeveral {
				g.list = strings.Fields(value)
			}
			cl.given = append(cl.given, flagOccurrence{s, g})
		}
	}
}
