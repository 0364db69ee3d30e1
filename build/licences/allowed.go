package main

// allowed are licences under which a module may be linked into an Apache-2.0 program that is
// given away, by their SPDX names. MPL-2.0 asks for the source of changed files only.
var allowed = map[string]bool{
	"Apache-2.0": true, "BSD-2-Clause": true, "BSD-3-Clause": true, "ISC": true, "MIT": true, "MIT-0": true,
	"MPL-2.0": true, "CC0-1.0": true, "Unlicense": true, "0BSD": true,
}

// readByHand are modules whose licence file holds more than the licence, with what a person
// found in it.
var readByHand = map[string]string{
	"github.com/opencontainers/go-digest": "Apache-2.0", // LICENSE.docs is of its documentation, which no program has
}
