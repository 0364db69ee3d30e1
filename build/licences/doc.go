// Command licences looks at the licence of every module that is in a program of this
// repository, and fails at one that is not allowed, not recognised, or not there.
//
//	go run ./licences    in build/, as `make licences` does
//
//	main.go     the modules of cmd/, and the table that is printed
//	allowed.go  what is allowed, and modules of which a person has read the licence
//	module.go   the licence files of one module
package main
