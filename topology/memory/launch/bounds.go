package launch

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// MaxText is the most bytes that one text may have, also after variables are put
	// in. It is what Linux passes to a program, twice over.
	MaxText = 1 << 20
	// maxWords bounds arguments, variables and containers.
	maxWords = 1 << 14
)

// checkBounds refuses texts that are too large or no text, and too many of them.
func (c Container) checkBounds() error {
	if n := len(c.Command) + len(c.Args) + len(c.Env); n > maxWords {
		return fmt.Errorf("%d arguments and variables, at most %d are read", n, maxWords)
	}
	total := 0
	one := func(where, text string) error {
		if total += len(text); total > MaxText {
			return fmt.Errorf("%s: more than %d bytes of arguments and variables, keep less in the pod", where, MaxText)
		}
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			return fmt.Errorf("%s: is not UTF-8 text", where)
		}
		return nil
	}
	if err := one("image", c.Image); err != nil {
		return err
	}
	for i, text := range c.Command {
		if err := one(fmt.Sprintf("command[%d]", i), text); err != nil {
			return err
		}
	}
	for i, text := range c.Args {
		if err := one(fmt.Sprintf("args[%d]", i), text); err != nil {
			return err
		}
	}
	for i, v := range c.Env {
		if err := one(fmt.Sprintf("env[%d]", i), v.Name+v.Value+v.From); err != nil {
			return err
		}
	}
	return nil
}

// tooLongError is the error about text that grew beyond MaxText.
func tooLongError(where string) error {
	return fmt.Errorf("%s: is longer than %d bytes once its variables are put in", where, MaxText)
}
