// Package buildinfo says which version and commit a program was built from, in the same
// words for every program of this repository.
//
// A release, an image and `make build` stamp both with the linker:
//
//	go build -ldflags "-X github.com/ashlar-dev/ashlar/internal/buildinfo.version=v0.3.0
//	  -X github.com/ashlar-dev/ashlar/internal/buildinfo.commit=1a2b3c4d5e6f" ./cmd/ashlar
//
// What is not stamped is taken from what the Go toolchain recorded: the module's version,
// which `go install ...@v0.3.0` sets, and the commit of the checkout, with "-dirty" where
// files differed from it.
//
//	buildinfo.go  Info: the facts, and the line that --version prints
//	command.go    the command `version` and the flag --version of a program
package buildinfo
