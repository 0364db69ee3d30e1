// Command images builds the container images of this repository without a container engine
// and without a registry: static programs on a root file system of their own, and the driver,
// which loads NVIDIA's library, on Debian's C library.
//
//	go run ./images -out ../bin/images    in build/, as `make images` does
//
// Built twice from one commit, an image has the same digest: programs are built with
// -trimpath, files are in order and all of the commit's time.
//
//	main.go        the flags, and the table that is printed
//	programs.go    Program: which there are, and what each image needs
//	compile.go     how a program is built, and NVIDIA's hook
//	glibc.go       whether a program runs on the C library of its image
//	assemble.go    one image: root, layer, configuration
//	write.go       what is written: an OCI layout, archives for `docker load`, SBOMs
package main
