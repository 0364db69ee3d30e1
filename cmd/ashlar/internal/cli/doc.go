// Package cli is what the commands of ashlar have in common: how they print, fail, ask
// for files and say how far they are.
//
// # Exit codes
//
//	0    what was asked for was done, or fits
//	1    it failed: ExitFailure
//	2    the caller made a mistake, in the call or in what it names: ExitUsage, for errors of
//	     UsageErrorf, MistakenInput and cobra's own checks
//	3    the answer is no: ExitNothingFits, for a NothingFits or FoundTrouble
//	130  a signal ended it: ExitInterrupted
//
// A command returns its error; only main prints it and exits. HelpWithExitCodes tells them in every
// help text, and docs/cli.md has them from the same list.
//
// # kubectl
//
// Started as kubectl-ashlar the program is a plugin of kubectl: WordAs words its help and examples as
// its user types them, and as kubectl_complete-ashlar it completes (PluginArguments).
//
// # Output
//
// Every command prints by an OutputFlag: JSON and YAML of a value whose form is stable,
// or text by a Page, whose tables line up. Text without columns is wrapped at PageWidth.
// Progress goes to standard error.
package cli
