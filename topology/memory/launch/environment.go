package launch

import (
	"fmt"
	"strings"
)

// containerEnv is a container's env: values by name, with unknown text.
type containerEnv map[string]string

// expandEnv puts references to earlier variables in, as the kubelet does, and
// unknown text for values that are kept elsewhere.
func (c Container) expandEnv(h *unknownTexts) (containerEnv, error) {
	env := containerEnv{}
	total := 0
	for _, v := range c.Env {
		if v.From != "" {
			env[v.Name] = h.addText(unknownWord, "$("+v.Name+")", fmt.Sprintf("the value of %s is not in the pod but in %s", v.Name, v.From))
			continue
		}
		value, err := expandReferences(h.replaceTemplates(unknownWord, v.Value), env)
		if err != nil {
			return nil, fmt.Errorf("env %s: %w", v.Name, err)
		}
		if total += len(value); total > MaxText {
			return nil, tooLongError("env")
		}
		env[v.Name] = replaceReferences(h, value)
	}
	return env, nil
}

// expandReferences replaces $(NAME) by the variable's value and $$ by $. A reference to a
// variable that env lacks stays as it is (Kubernetes' third_party/forked/golang/
// expansion, Expand).
func expandReferences(text string, env containerEnv) (string, error) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	var b strings.Builder
	closes := strings.LastIndexByte(text, ')')
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		end := -1
		if text[i] == '(' && i < closes {
			end = strings.IndexByte(text[i:], ')')
		}
		switch {
		case text[i] == '$':
			b.WriteByte('$')
		case end < 0:
			b.WriteByte('$')
			b.WriteByte(text[i])
		default:
			name := text[i+1 : i+end]
			value, found := env[name]
			if !found {
				value = "$(" + name + ")"
			}
			b.WriteString(value)
			i += end
		}
		if b.Len() > MaxText {
			return "", fmt.Errorf("is longer than %d bytes once its variables are put in", MaxText)
		}
	}
	return b.String(), nil
}

// replaceReferences puts unknown text in the place of references that expand left. They may be
// resolved all the same: the kubelet also knows the addresses of Services.
func replaceReferences(h *unknownTexts, text string) string {
	var b strings.Builder
	for {
		start := strings.Index(text, "$(")
		if start < 0 {
			break
		}
		end := strings.IndexByte(text[start:], ')')
		if end < 0 {
			break
		}
		reference := text[start : start+end+1]
		b.WriteString(text[:start])
		b.WriteString(h.addText(unknownWord, reference, fmt.Sprintf("%s is no variable of the container's env", reference)))
		text = text[start+end+1:]
	}
	b.WriteString(text)
	return b.String()
}
