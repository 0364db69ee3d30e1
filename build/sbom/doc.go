// Package sbom lists what an image or a program consists of, as an SPDX 2.3 document in
// JSON: the modules that the Go toolchain recorded in each program, the toolchain's library,
// Debian's packages, and data that was copied in.
//
//	spdx.go     Document, and the packages in it
//	modules.go  what a program's own record says
package sbom
