// Command watchdog outlives the process that runs a cluster, and clears up after
// it if it dies.
//
// Its standard input is a pipe whose other end the owner holds and never passes
// on. The kernel closes that end however the owner dies, so reading to the end
// is waiting for the owner. The owner's lock on the cluster's directory is
// inherited, so nobody else takes the directory while it is being cleared. An
// owner that leaves something behind on purpose writes a word first.
package main
