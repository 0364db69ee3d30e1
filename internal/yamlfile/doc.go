// Package yamlfile reads YAML that people write: strictly, with the place of everything
// that is wrong, and all of it at once.
//
//	text ──Parse──> documents of Nodes, each with its line and column
//	text ──Read───> one document, decoded into a struct by its json tags, and its Faults
//
// A fault is printed as file:line:column: path: problem, with paths like
// "workloads[2].gpus". JSON is read too, as it is YAML.
//
// The text may come from anybody: its size, tokens, depth, mappings and what aliases unfold to
// are bounded before the library sees them, which takes some 500 bytes for each token, recurses,
// and takes quadratic time in places. What the library reads as something else than YAML 1.2
// does is mended between its lexer and its parser, or refused with what to write instead.
// Scalars are resolved here rather than by the library: true and false are the only
// booleans, and "yes" is a string.
package yamlfile
