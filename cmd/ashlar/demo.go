//go:build cgo

package main

import (
	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/demo"
)

// demoCommands are those that run a cluster on this machine. They link the DRA driver's
// library for NVML, which is C.
func demoCommands() []*cobra.Command {
	return []*cobra.Command{demo.NewCommand(), demo.NewDownCommand()}
}
