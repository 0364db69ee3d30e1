package launch

import (
	"fmt"
	"strings"
)

// additionalArguments is KServe's variable of further arguments. Its scripts use it whether or
// not a pod sets it, and no image does: unset, it is empty (kserve@aaac4e2,
// config/llmisvcconfig).
const additionalArguments = "VLLM_ADDITIONAL_ARGS"

// expandWords expands words and splits them, as the shell does before it starts a program.
func (sh *shellRun) expandWords(words []shellWord) ([]string, error) {
	var all []string
	total := 0
	for _, w := range words {
		split, err := sh.expandWord(w)
		if err != nil {
			return nil, err
		}
		for _, f := range split {
			total += len(f) + 1
		}
		if err := sh.choices.spendWork(total); err != nil {
			return nil, err
		}
		total = 0
		all = append(all, split...)
		if len(all) > maxWords {
			return nil, tooLongError(sh.place)
		}
	}
	return all, nil
}

// expandWord expands one word into none, one or more.
func (sh *shellRun) expandWord(w shellWord) ([]string, error) {
	var all []string
	var current strings.Builder
	begun, wild := false, w.hasWildcards()
	end := func() {
		if !begun {
			return
		}
		text := current.String()
		if wild {
			text = sh.unknowns.addText(unknownWords, sh.unknowns.showText(text),
				"the shell puts file names in the place of "+sh.unknowns.showText(text))
		}
		all = append(all, text)
		current.Reset()
		begun = false
	}
	for _, p := range w {
		if p.name == "" || p.operator != "" {
			text, err := sh.expandPart(p)
			if err != nil {
				return nil, err
			}
			switch {
			case p.quoted:
				current.WriteString(asOneWord(text))
				begun = true
			case p.name == "" && p.opaque == "":
				current.WriteString(text)
				begun = true
			default:
				for i, piece := range splitFields(asManyWords(text)) {
					if i > 0 {
						end()
					}
					current.WriteString(piece)
					begun = begun || piece != ""
				}
			}
			continue
		}
		values, asList := sh.valuesOf(p.name)
		if asList && p.quoted {
			for i, v := range values {
				if i > 0 {
					end()
				}
				current.WriteString(v)
				begun = true
			}
			continue
		}
		text := strings.Join(values, " ")
		if p.quoted {
			current.WriteString(asOneWord(text))
			begun = true
			continue
		}
		for i, piece := range splitFields(asManyWords(text)) {
			if i > 0 {
				end()
			}
			wild = wild || textHasWildcards(piece)
			current.WriteString(piece)
			begun = begun || piece != ""
		}
		if current.Len() > MaxText {
			return nil, tooLongError(sh.place)
		}
	}
	end()
	return all, nil
}

// splitFields splits at spaces; an empty piece at either end says that a word ends there.
func splitFields(text string) []string {
	if text == "" {
		return nil
	}
	pieces := strings.Fields(text)
	if strings.TrimLeft(text, " \t\n") != text {
		pieces = append([]string{""}, pieces...)
	}
	if strings.TrimRight(text, " \t\n") != text && len(pieces) > 0 {
		pieces = append(pieces, "")
	}
	return pieces
}

// joinWord expands a word without splitting it.
func (sh *shellRun) joinWord(w shellWord) (string, error) {
	var b strings.Builder
	for _, p := range w {
		text, err := sh.expandPart(p)
		if err != nil {
			return "", err
		}
		if b.WriteString(text); b.Len() > MaxText {
			return "", tooLongError(sh.place)
		}
	}
	return b.String(), nil
}

// expandPart expands one part to text.
func (sh *shellRun) expandPart(p wordPart) (string, error) {
	switch {
	case p.opaque != "":
		return sh.unknowns.addText(unknownWord, p.opaque, fmt.Sprintf("%s: %s", p.opaque, p.because)), nil
	case p.name == "":
		return p.text, nil
	case p.operator == "":
		values, _ := sh.valuesOf(p.name)
		return strings.Join(values, " "), nil
	}
	v, set := sh.variables[p.name]
	if v.isList {
		v.text = strings.Join(v.list, " ")
	}
	if number, found := sh.positionalArgument(p.name); found {
		v.text, set = number, true
	}
	filled := set && (v.text != "" || !strings.HasPrefix(p.operator, ":"))
	if filled && hasUnknown(v.text) && strings.HasPrefix(p.operator, ":") {
		// It may be empty.
		return v.text, nil
	}
	if strings.HasSuffix(p.operator, "+") {
		if !filled {
			return "", nil
		}
		return sh.joinWord(p.operand)
	}
	if filled {
		return v.text, nil
	}
	text, err := sh.joinWord(p.operand)
	if err == nil && strings.HasSuffix(p.operator, "=") {
		sh.variables[p.name] = shellVariable{text: text, exported: v.exported}
	}
	return text, err
}

// positionalArgument is $0 to $9, if it is given.
func (sh *shellRun) positionalArgument(name string) (string, bool) {
	if !isDigits(name) || len(name) > 4 || sh.unsure {
		return "", false
	}
	i := 0
	for _, digit := range name {
		i = i*10 + int(digit-'0')
	}
	if i >= len(sh.arguments) {
		return "", i > 0
	}
	return sh.arguments[i], true
}

// valuesOf are the words that a name stands for, and whether there may be several.
func (sh *shellRun) valuesOf(name string) (words []string, several bool) {
	if name == "@" || name == "*" {
		if sh.unsure {
			return []string{sh.unknowns.addText(unknownWords, "$"+name, "the arguments are shifted")}, true
		}
		if len(sh.arguments) == 0 {
			return nil, true
		}
		return sh.arguments[1:], name == "@"
	}
	if array, all := strings.CutSuffix(name, "[@]"); all {
		v, set := sh.variables[array]
		switch {
		case !set:
			return nil, true
		case v.isList:
			return v.list, true
		}
		return []string{v.text}, true
	}
	if value, found := sh.positionalArgument(name); found {
		return []string{value}, false
	}
	v, set := sh.variables[name]
	switch {
	case v.isList && len(v.list) > 0:
		return v.list[:1], false
	case !set && name == additionalArguments, v.isList:
		return []string{""}, false
	case !set:
		return []string{sh.unknowns.addText(unknownWord, "${"+name+"}", fmt.Sprintf("variable %s is not set in the pod", name))}, false
	}
	return []string{v.text}, false
}
