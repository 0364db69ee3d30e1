package launch

import (
	"fmt"
	"slices"
	"strings"
)

// application puts a command line's flags into a Reading.
type application struct {
	*Reading
	program *program
	holes   *holes
	env     environment
	gpus    int64
	files   map[string]map[string]any
	// stored are where models come from, by the folder that they are put in.
	stored map[string]string
	given  map[string]given // the last of each flag, by its first name
	words  []argument
}

// maxUnseen bounds how many places with unseen flags are told.
const maxUnseen = 8

// apply reads the server's words. The last of several flags counts, as with argparse.
func (a *application) apply(words []argument) error {
	d := a.program.dialect
	var cl commandLine
	if err := a.config(d, words, &cl); err != nil {
		return err
	}
	a.environment(d, &cl)
	if err := d.parse(words, a.holes, &cl); err != nil {
		return err
	}
	a.Unrecognised = append(a.Unrecognised, cl.unrecognised...)
	a.words, a.given = cl.words, map[string]given{}
	if len(cl.words) > d.words && !d.lenient {
		w := cl.words[d.words]
		return fmt.Errorf("%s: %q belongs to no flag, %s would refuse it", w.place, a.holes.show(w.text), a.Server)
	}
	last := map[*setting]int{}
	for i, o := range cl.given {
		last[o.setting] = i
		a.given[o.setting.names[0]] = o.given
	}
	if _, named := a.given["--model"]; cl.doubtful != "" && len(cl.words) == 0 && !named {
		a.doubt("Model", cl.doubtful)
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
		if err := a.set(o); err != nil {
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
				if field == "Model" && a.given["--model"].name == "" && len(a.words) > 0 {
					continue // it stands alone, in front
				}
				if !a.stated(d, field, u.after, cl.given, last) {
					a.doubt(field, u.because)
				}
			}
		}
	}
	if d.finish != nil {
		return d.finish(a)
	}
	return nil
}

// stated reports whether a field is set by a flag that comes after others unseen.
func (a *application) stated(d *dialect, field string, after int, all []occurrence, last map[*setting]int) bool {
	for i := range d.settings {
		s := &d.settings[i]
		if at, found := last[s]; found && at >= after && slices.Contains(s.fields, field) && !hasHole(all[at].text) {
			return true
		}
	}
	return false
}

// set applies one flag.
func (a *application) set(o occurrence) error {
	shown := o.given
	shown.text = a.holes.show(shown.text)
	hole, found := a.holes.first(o.text + strings.Join(o.list, " "))
	if o.object != nil {
		if hole, found = a.holes.within(o.object); o.setting.partial {
			found = false
		}
	}
	if found {
		for _, field := range o.setting.fields {
			a.doubt(field, shown.where()+": "+hole.because)
		}
		return nil
	}
	if err := o.setting.read(a, o.given); err != nil {
		return err
	}
	for _, field := range o.setting.fields {
		a.Stated[field] = shown.where()
	}
	return nil
}

// environment adds flags that the container's environment gives.
func (a *application) environment(d *dialect, cl *commandLine) {
	for i := range d.settings {
		s := &d.settings[i]
		if s.env == "" {
			continue
		}
		if value, found := a.env[s.env]; found {
			g := given{name: s.env, text: value, place: "env"}
			if s.takes == takesMany {
				g.list = strings.Fields(value)
			}
			cl.given = append(cl.given, occurrence{s, g})
		}
	}
}
