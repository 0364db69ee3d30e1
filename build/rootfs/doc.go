// Package rootfs puts together the root file system of an image, and writes it as a layer
// that is the same byte for byte whenever its files are the same.
//
//	rootfs.go        Root: files, folders and links by path, as a tar stream
//	accounts.go      users and groups, and the folders that programs expect
//	certificates.go  the authorities of Mozilla's list, without a package
package rootfs
