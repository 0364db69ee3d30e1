// Command node is one real node: containerd and a kubelet in namespaces of their own, as
// if on a machine of their own. It needs Linux and root.
//
//	node run -dir DIR ... -- KUBELET FLAGS   run the node until it is ended
//	node enter DIR COMMAND ...               run a command on the node
//	node check                               say why no node can run here, if so
//
//	the machine                    │ the node: mount, PID, network, IPC and UTS namespaces
//	                               │
//	node run ── starts, ends with ─┼─> node init (process 1)
//	   │                           │      ├─> containerd ─> shims ─> runc ─> containers
//	   │                           │      └─> kubelet
//	   │  gates.go                 │
//	   ├─ API server     <─────────┼── 127.0.0.1 (the same port), 10.96.0.1:443
//	   └─ 127.0.0.1:port ──────────┼─> kubelet
//
// The node sees the machine's file system, except that /var and /run are its own and lie
// in DIR, and that the sysctls which a kubelet sets are copies. Its network is a loopback
// interface, from which only the API server can be reached. Pods with hostNetwork share
// it, all others have one of their own that leads nowhere. When process 1 ends, the
// kernel ends all processes and removes all mounts of the node; its control groups are
// removed by whoever ended it.
//
//	main.go      the command line
//	options.go   its flags
//	run.go       outside: start process 1, pass traffic, end it
//	init.go      inside: start the programs, collect orphans
//	mounts.go    what the node sees of the file system
//	network.go   its interface
//	gates.go     connections across the border of the network namespace
//	enter.go     a command on the node
//	cni.go       the network of pods: a loopback interface each
//	runtime.go   runc without filters of system calls
//	check.go     whether a node can run here
package main
