// Command release builds the command line for the systems on which people sit, without C, and
// what belongs beside it: checksums, lists of what is in it, and krew's manifest.
//
//	go run ./release -version v0.3.0    in build/, as `make release-binaries` does
//
//	main.go     the flags, and the order of work
//	archive.go  an archive that is the same whenever its files are
package main
