//go:build !cgo

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// demoCommands say where the commands that run a cluster on this machine are to be had: a
// static program has none, and a cluster is built from the sources anyway.
func demoCommands() []*cobra.Command {
	fromSource := func(name, short, target string) *cobra.Command {
		return &cobra.Command{
			Use: name, Short: short + " (in a checkout of the sources)", FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
			RunE: func(*cobra.Command, []string) error {
				return errors.New(name + " builds its cluster from the sources, which this released program does not have: " +
					"run `make " + target + "` in a checkout of https://github.com/ashlar-dev/ashlar")
			},
		}
	}
	return []*cobra.Command{
		fromSource("demo", "Place GPU pods on a real control plane", "demo"),
		fromSource("down", "End clusters that the demo left up", "down"),
	}
}
