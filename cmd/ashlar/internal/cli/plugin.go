package cli

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// pluginPrefix starts the names of programs that kubectl takes for plugins of its own.
const pluginPrefix = "kubectl-"

// CalledAs is how a user calls the program, from the name under which it was started: "kubectl ashlar"
// for kubectl-ashlar, as kubectl starts plugins, and name for all else.
func CalledAs(program, name string) string {
	switch strings.TrimSuffix(filepath.Base(program), ".exe") {
	case pluginPrefix + name, completionPrefix + name:
		return "kubectl " + name
	}
	return name
}

// completionPrefix starts the names of programs that kubectl asks to complete a plugin's arguments.
const completionPrefix = "kubectl_complete-"

// PluginArguments are the arguments of a program that was started as os.Args has it: where kubectl asks
// it to complete a command line, those by which cobra is asked.
func PluginArguments(started []string) []string {
	if len(started) == 0 {
		return nil
	}
	if strings.HasPrefix(filepath.Base(started[0]), completionPrefix) {
		return append([]string{cobra.ShellCompRequestCmd}, started[1:]...)
	}
	return started[1:]
}

// WordAs words the help, usage and examples of a command and of all below it as users call the
// program. Nothing changes where that is by its own name.
func WordAs(command *cobra.Command, calledAs string) {
	name := command.Name()
	if calledAs == name {
		return
	}
	if command.Annotations == nil {
		command.Annotations = map[string]string{}
	}
	command.Annotations[cobra.CommandDisplayNameAnnotation] = calledAs
	rewordCommand(command, func(text string) string { return SayCalled(text, name, calledAs) })
}

func rewordCommand(command *cobra.Command, reword func(string) string) {
	command.Short, command.Long, command.Example = reword(command.Short), reword(command.Long), reword(command.Example)
	for _, sub := range command.Commands() {
		rewordCommand(sub, reword)
	}
}

// SayCalled replaces calls of the program in a text: its name where a subcommand or a flag follows, and
// not as a part of a longer name such as ashlar-scheduler or ashlar.dev.
func SayCalled(text, name, calledAs string) string {
	if calledAs == name {
		return text
	}
	call := regexp.MustCompile(`(^|[\s"'` + "`" + `(|])` + regexp.QuoteMeta(name) + `( [-a-zA-Z])`)
	return call.ReplaceAllString(text, "${1}"+calledAs+"${2}")
}
