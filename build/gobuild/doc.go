// Package gobuild runs the Go toolchain so that a program is the same byte for byte whenever
// its sources, its stamp and the toolchain are, wherever the checkout lies.
//
//	compiler.go    Compiler: one program for one platform
//	committime.go  the time that stands in what is built
package gobuild
