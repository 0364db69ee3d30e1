// Package mcp is ashlar mcp, a server of the Model Context Protocol over standard input and
// output. Its tools are questions that other commands answer, asked by calling what those
// commands call; none changes anything.
//
//	command.go  the command and the server
//	tools.go    plan and whatif, what tools take, and the limits on it
//	cluster_tools.go  top and explain
package mcp
