// Package fencing keeps a process that has lost its leader election from writing.
//
// A lease alone does not: a leader that was stopped (SIGSTOP, a paused machine, a long
// garbage collection) and wakes after another has taken over still writes what it had in
// hand, before its elector looks at the clock. A Fence is open for as long after the last
// successful renewal began as the elector itself would try to renew, which is less than
// the time after which another may take over. It is asked twice: below the client's rate
// limiter and retries, and once more by the connection, directly before bytes leave.
//
//	fence.go         whether this process may write, from renewals of its lock
//	roundtripper.go  refuses requests that write
//	conn.go          refuses bytes, and drops connections whose peer is silent
//
// What is left: the time between the connection's question and the system call behind it,
// which is microseconds of which a stop must hit one.
package fencing
