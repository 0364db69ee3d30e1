// Command vulnerabilities reads what govulncheck found in a program, in JSON, and fails at a
// vulnerability whose code the program has, unless a person has accepted it with a reason.
//
//	govulncheck -mode binary -format json PROGRAM | go run ./vulnerabilities
//
// govulncheck itself has no way to accept one, and some of Kubernetes name no fixed version.
//
//	main.go      the table that is printed
//	accepted.go  what was accepted, and why
package main
