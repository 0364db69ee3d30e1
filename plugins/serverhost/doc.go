// Package serverhost says what stops a model server beside its GPUs: shared memory that is
// too small, probes that end it before it is up, limits of the container and volumes. A
// note is made only of what the manifest says; what it leaves open stops nothing here.
//
// # Files
//
//	server           what is known of a server and of the objects beside it
//	note             a note: cause, remedy, and the lines to type
//	sharedmemory     /dev/shm, where several processes serve one model
//	probes           how long a start takes, and how long probes let it
//	limits           memory and CPU of the container
//	capabilities     locked memory for RDMA
//	volumes          one volume for several replicas; what a volume holds
//	token            gated models without a token for the hub
//	service          variables that Services give to the container
package serverhost
