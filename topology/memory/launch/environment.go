package launch

import (
	"fmt"
	"strings"
)

// environment is a container's env: values by name, with holes.
type environment map[string]string

// environment puts references to earlier variables in, as the kubelet does, and
// holes for values that are kept elsewhere.
func (c Container) environment(h *holes) (environment, error) {
	env := environment{}
	total := 0
	for _, v := range c.Env {
		if v.From != "" {
			env[v.Name] = h.add(oneWord, "$("+v.Name+")", fmt.Sprintf("the value of %s is not in the pod but in %s", v.Name, v.From))
			continue
		}
		value, err := expand(h.templates(oneWord, v.Value), env)
		if err != nil {
			return nil, fmt.Errorf("env %s: %w", v.Name, err)
		}
		if total += len(value); total > MaxText {
			return nil, tooLong("env")
		}
		env[v.Name] = references(h, value)
	}
	return env, nil
}

// expand replaces $(NAME) by the variable's value and $$ by $. A reference to a
// variable that env lacks stays as it is (Kubernetes' third_party/forked/golang/
// expansion, Expand).
func expand(text string, env environment) (string, error) {
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

// references puts holes in the place of references that expand left. They may be
// resolved all the same: the kubelet also knows the addresses of Services.
func references(h *holes, text string) string {
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
		b.WriteString(h.add(oneWord, reference, fmt.Sprintf("%s is no variable of the container's env", reference)))
		text = text[start+end+1:]
	}
	b.WriteString(text)
	return b.String()
}
