// Command probe is all that is in the images of real nodes. As a container it says in
// one line of JSON what it was given (environment, device nodes, mounts) and waits to be
// ended; as `probe pause` it is what holds a pod's namespaces.
package main
