// Package debian gets the few Debian packages that the driver's image needs, by name,
// version and digest, for any architecture on any Debian machine.
//
// The driver loads NVIDIA's library, which needs glibc. What is pinned is in packages.lock;
// `make image-packages` writes it anew from what Debian serves, after which the images are
// to be built and tried.
//
//	lock.go      Package, and the file that pins them
//	download.go  apt-get with a state of its own: this machine's is left alone
//	unpack.go    a package's files, without what no image needs
package debian
