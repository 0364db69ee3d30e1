package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/datadriven"

	"github.com/ashlar-dev/ashlar/topology"
)

// commandArguments are the options of a command or of a line below it: "pinned", "cpu=8",
// "on=(a, b)", "numa<=1". A value that cannot be read is remembered and reported by
// unusedError, together with options that nothing asked for.
type commandArguments struct {
	values map[string][]string
	used   map[string]bool
	err    error
}

func newArguments(list []datadriven.CmdArg) (*commandArguments, error) {
	a := &commandArguments{values: map[string][]string{}, used: map[string]bool{}}
	for _, arg := range list {
		if _, twice := a.values[arg.Key]; twice {
			return nil, fmt.Errorf("%s is given twice", shownKey(arg.Key))
		}
		a.values[arg.Key] = arg.Vals
	}
	return a, nil
}

// parseArguments reads a line of arguments only.
func parseArguments(line string) (*commandArguments, error) {
	_, list, err := datadriven.ParseLine("line " + line)
	if err != nil {
		return nil, err
	}
	return newArguments(list)
}

// shownKey is a key as it is written: "numa<" belongs to "numa<=1".
func shownKey(key string) string {
	if strings.HasSuffix(key, "<") || strings.HasSuffix(key, ">") {
		return key + "="
	}
	return key
}

// hasOption reports whether the option is given, with or without a value.
func (a *commandArguments) hasOption(key string) bool {
	a.used[key] = true
	_, given := a.values[key]
	return given
}

// valueList is every value of an option, nil if it is not given.
func (a *commandArguments) valueList(key string) []string {
	a.used[key] = true
	return a.values[key]
}

// barredWords is the text of an option cut at each bar: "a|b".
func (a *commandArguments) barredWords(key string) []string {
	if text := a.textOf(key, ""); text != "" {
		return strings.Split(text, "|")
	}
	return nil
}

// textOf is the one value of an option, fallback if it is not given.
func (a *commandArguments) textOf(key, fallback string) string {
	if !a.hasOption(key) {
		return fallback
	}
	if len(a.values[key]) != 1 || a.values[key][0] == "" {
		a.failWith("%s wants one value", shownKey(key))
		return fallback
	}
	return a.values[key][0]
}

// hasFlag reports whether an option without a value is given.
func (a *commandArguments) hasFlag(key string) bool {
	if len(a.values[key]) > 0 {
		a.failWith("%s takes no value", shownKey(key))
	}
	return a.hasOption(key)
}

// numberOf is the value of an option as a number that is at least least.
func (a *commandArguments) numberOf(key string, fallback, least int64) int64 {
	text := a.textOf(key, "")
	if text == "" {
		return fallback
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least {
		a.failWith("%s=%s: want a number of at least %d", shownKey(key), text, least)
		return fallback
	}
	return n
}

// byteCount is the value of an option as an amount of memory.
func (a *commandArguments) byteCount(key string) topology.Bytes {
	text := a.textOf(key, "")
	if text == "" {
		return 0
	}
	amount, err := topology.ParseBytes(text)
	if err != nil {
		a.failWith("%s: %w", shownKey(key), err)
	}
	return amount
}

// hostResources is cpu= in cores and memory=.
func (a *commandArguments) hostResources() topology.HostResources {
	return topology.HostResources{CPU: topology.MilliCPU(1000 * a.numberOf("cpu", 0, 0)), Memory: a.byteCount("memory")}
}

// bareNames are the options without a value that nothing has asked for so far.
func (a *commandArguments) bareNames() []string {
	var names []string
	for _, key := range slices.Sorted(maps.Keys(a.values)) {
		if len(a.values[key]) == 0 && !a.used[key] {
			names = append(names, key)
			a.used[key] = true
		}
	}
	return names
}

func (a *commandArguments) failWith(format string, values ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, values...)
	}
}

// unusedError is the first value that could not be read, or an option that nothing asked for.
func (a *commandArguments) unusedError() error {
	if a.err != nil {
		return a.err
	}
	for _, key := range slices.Sorted(maps.Keys(a.values)) {
		if !a.used[key] {
			known := slices.Sorted(maps.Keys(a.used))
			for i := range known {
				known[i] = shownKey(known[i])
			}
			return fmt.Errorf("unknown option %s: want %s", shownKey(key), strings.Join(known, ", "))
		}
	}
	return nil
}
