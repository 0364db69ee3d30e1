// Package mcp is ashlar mcp, a server of the Model Context Protocol over standard input and
// output. Its tools are questions that other commands answer, asked by calling what those
// commands call; none changes anything.
//
//	command.go  the command and the server
//	tools.go    the tools, what they take, and the limits on it
package mcp
